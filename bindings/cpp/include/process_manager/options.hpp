// What a command and a run can be told, beyond plain numbers and texts.
#ifndef PROCESS_MANAGER_OPTIONS_HPP
#define PROCESS_MANAGER_OPTIONS_HPP

#include <process_manager/detail.hpp>
#include <process_manager/time.hpp>

#include <vector>

namespace process_manager {

// A standard stream of a child.
enum class Stream { Stdin = PM_STDIN, Stdout = PM_STDOUT, Stderr = PM_STDERR };

// Where a standard stream of a child comes from or goes to.
enum class Stdio {
    Null = PM_STDIO_NULL,       // /dev/null; the default of standard input
    Pipe = PM_STDIO_PIPE,       // a pipe of the library; the default of the other two
    Inherit = PM_STDIO_INHERIT, // the host's own stream of the same number
    Merge = PM_STDIO_MERGE,     // for standard error only: wherever standard output goes
};

// Which process group and session a child gets.
enum class Group {
    Own = PM_GROUP_OWN,         // a process group of its own; the default
    Session = PM_GROUP_SESSION, // a session of its own, and with it a group; no terminal
    Host = PM_GROUP_HOST,       // the host's group: stopping reaches the process only
};

// What happens when the output that is kept for readers reaches its limit.
enum class OutputPolicy {
    Auto = PM_OUTPUT_AUTO,              // Block while somebody reads, DropOldest else; the default
    Block = PM_OUTPUT_BLOCK,            // the child waits until a reader has made room
    DropOldest = PM_OUTPUT_DROP_OLDEST, // the oldest output goes, counted in a gap record
    Kill = PM_OUTPUT_KILL,              // the tree is killed
};

// What letting go of the last handle of a running process does.
enum class OnDrop {
    Kill = PM_ON_DROP_KILL,     // the tree is killed; the default
    Detach = PM_ON_DROP_DETACH, // the process runs on, unwatched
};

// What happens to descendants that outlive the process itself.
enum class Descendants {
    End = PM_DESCENDANTS_END,     // they are ended; the default
    Leave = PM_DESCENDANTS_LEAVE, // they are left alone
};

// How captured output is kept; 0 means the default.
struct OutputOptions {
    size_t limit = 0;    // bytes kept for readers, per process, at least 4096; default 1 MiB
    size_t max_line = 0; // the longest line in bytes; a longer one comes in parts; default 1 MiB
    OutputPolicy policy = OutputPolicy::Auto;
    Milliseconds drain{0}; // after the end, how long a silent pipe is waited for; default 1 s
};

// How a run is bounded; 0 means the default.
struct RunOptions {
    Milliseconds timeout{0}; // of the whole run; default none
    size_t max_output = 0;   // the most bytes collected of each stream; default 64 MiB
};

// One step of a stop: a signal (1 to 64), and how long to wait after it before the next step.
struct StopStep {
    int signal;
    Milliseconds grace;
};

namespace detail {

// A duration for a field of 32 bits; what does not fit is as good as for ever.
inline uint32_t short_ms(Milliseconds time)
{
    const int64_t value = ms(time);
    return static_cast<uint32_t>(value > UINT32_MAX ? UINT32_MAX : value);
}

inline std::vector<pm_stop_step> ladder(const std::vector<StopStep> &steps)
{
    std::vector<pm_stop_step> raw;
    for (const StopStep &step : steps)
        raw.push_back({step.signal, short_ms(step.grace)});
    return raw;
}

} // namespace detail

} // namespace process_manager

#endif // PROCESS_MANAGER_OPTIONS_HPP
