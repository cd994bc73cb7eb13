// The facts about a process: where it stands, how it ended, what it used.
#ifndef PROCESS_MANAGER_INFO_HPP
#define PROCESS_MANAGER_INFO_HPP

#include <process_manager/id.hpp>
#include <process_manager/detail.hpp>
#include <process_manager/time.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace process_manager {

// Where a process stands.
enum class State {
    Unknown = PM_STATE_UNKNOWN, // no process, or a state that this version has no name for
    Pending = PM_STATE_PENDING, // accepted and not yet running
    Running = PM_STATE_RUNNING, // started, and its end has not been seen
    Stopped = PM_STATE_STOPPED, // ended by itself with code 0, or because the library was asked to
    Failed = PM_STATE_FAILED,   // ended with another code, by another's signal, or by its timeout
};

// How surely the descendants of a process are held.
enum class Containment {
    Unknown = PM_CONTAINMENT_UNKNOWN, // no process, or a level that this version has no name for
    Process = PM_CONTAINMENT_PROCESS, // only the process itself
    Group = PM_CONTAINMENT_GROUP,     // its process group: what leaves the group escapes
    Guard = PM_CONTAINMENT_GUARD,     // a guard that is the parent of the tree; emptiness is proven
    Cgroup = PM_CONTAINMENT_CGROUP,   // a control group of its own; emptiness is proven
    // A PID namespace of its own: the kernel ends all that is in it. Never chosen unless demanded:
    // the command has process ids of its own, but the host's /proc. Needs CAP_SYS_ADMIN.
    PidNamespace = PM_CONTAINMENT_PIDNS,
};

// How a process ended. A value. Code and signal are never mixed.
class Exit {
public:
    explicit Exit(const pm_exit &raw) noexcept : raw_(raw) {}

    // True for exit code 0.
    bool success() const noexcept { return code() == 0; }

    // True if it ended, but somebody else took the status.
    bool unknown() const noexcept { return raw_.kind == PM_EXIT_UNKNOWN; }

    // True if the kernel wrote a core dump.
    bool core_dumped() const noexcept { return raw_.core_dumped != 0; }

    // The exit code, 0 to 255, if it ended by itself.
    std::optional<int> code() const noexcept
    {
        return raw_.kind == PM_EXIT_CODE ? std::optional<int>(raw_.code) : std::nullopt;
    }

    // The signal's number, if a signal ended it.
    std::optional<int> signal() const noexcept
    {
        return raw_.kind == PM_EXIT_SIGNAL ? std::optional<int>(raw_.signal) : std::nullopt;
    }

private:
    pm_exit raw_;
};

// The facts about a process at one moment. A value; it does not follow the process.
class Info {
public:
    // Borrows.
    explicit Info(const pm_info *raw)
        : id(pm_info_id(raw)), name(pm_info_name(raw)), program(pm_info_program(raw)),
          pid(pm_info_pid(raw)), state(static_cast<State>(pm_info_state(raw))),
          started_at(detail::time_point(pm_info_started_at(raw))),
          stopped_at(detail::time_point(pm_info_stopped_at(raw))),
          stop_requested(pm_info_is_stop_requested(raw)), timed_out(pm_info_is_timed_out(raw)),
          containment(static_cast<Containment>(pm_info_containment(raw)))
    {
        pm_exit ended;
        pm_info_exit(raw, &ended);
        if (ended.kind != PM_EXIT_NONE)
            exit = Exit(ended);
        if (pm_info_max_rss(raw) >= 0)
            usage = Usage{std::chrono::microseconds(pm_info_user_time(raw)),
                          std::chrono::microseconds(pm_info_system_time(raw)),
                          static_cast<uint64_t>(pm_info_max_rss(raw))};
    }


    // What the process and the descendants that it waited for have used; known after its end.
    struct Usage {
        std::chrono::microseconds user_time;
        std::chrono::microseconds system_time;
        uint64_t max_rss; // the most memory resident at once, in bytes
    };

    Id id;
    std::string name;    // as its command says; else the file name of its program
    std::string program; // as its command names it
    uint32_t pid;        // 0 if there was none yet; after the end it may be somebody else's
    State state;
    std::optional<Exit> exit; // none while it runs
    std::optional<TimePoint> started_at;
    std::optional<TimePoint> stopped_at;
    bool stop_requested; // the library was asked to end it
    bool timed_out;      // its timeout ended it
    Containment containment;
    std::optional<Usage> usage;
};

namespace detail {

// Takes the info.
inline Info info(pm_info *raw)
{
    const Handle<pm_info, pm_info_free> owner(raw);
    return Info(raw);
}

// Takes the list.
inline std::vector<Info> infos(pm_info_list *list)
{
    const Handle<pm_info_list, pm_info_list_free> owner(list);
    std::vector<Info> all;
    for (size_t at = 0; at < pm_info_list_count(list); ++at)
        all.emplace_back(pm_info_list_get(list, at));
    return all;
}

} // namespace detail

} // namespace process_manager

#endif // PROCESS_MANAGER_INFO_HPP
