// process_manager for C++17: header-only, over process_manager.h, whose comments say in full what
// each call does. Objects own what they hold, move, and do not copy.
//
//     namespace pm = process_manager;
//
//     pm::Extractor extractor;
//     extractor.add_binary("ticker", ticker, ticker_size);
//     pm::Manager manager(extractor);
//     pm::Process process = manager.start(pm::Command::binary("ticker").arg("50"));
//     int lines = 0;
//     process.on_output([&](const pm::Record &record) { std::cout << record.line() << '\n'; ++lines; });
//     while (lines < 5)
//         manager.poll();
//     process.stop();
//
// Errors are thrown as process_manager::Error. Built with -fno-exceptions, every function that is
// declared to return Result<T> returns such an object instead of a T, constructors that can fail
// are missing (use the static functions `create`), and a mistake in a Command is told by the start.
//
// Callbacks run inside Manager::poll(), on the thread that polls. An exception that leaves one is
// thrown again by that poll when it is done; if several did, the first one is.
#ifndef PROCESS_MANAGER_HPP
#define PROCESS_MANAGER_HPP

#include <process_manager.h>

#include <chrono>
#include <cstring>
#include <exception>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#if defined(__cpp_exceptions)
#define PM_HAS_EXCEPTIONS 1
#else
#define PM_HAS_EXCEPTIONS 0
#endif

namespace process_manager {

using Milliseconds = std::chrono::milliseconds;
using TimePoint = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

enum class State { Unknown, Pending, Running, Stopped, Failed };
enum class Source { Stdout = 1, Stderr = 2 };
enum class Containment { Unknown, Process, Group, Guard, Cgroup };
enum class Stream { Stdin, Stdout, Stderr };
enum class Stdio { Null, Pipe, Inherit, Merge };
enum class Group { Own, Session, Host };
enum class OutputPolicy { Auto, Block, DropOldest, Kill };
enum class OnDrop { Kill, Detach };
enum class Descendants { End, Leave };
enum class LogLevel { Off, Error, Warn, Info, Debug, Trace };

// How captured output is kept; 0 means the default. See pm_output_options.
struct OutputOptions {
    size_t limit = 0;
    size_t max_line = 0;
    OutputPolicy policy = OutputPolicy::Auto;
    Milliseconds drain{0};
};

// How a run is bounded; 0 means the default. See pm_run_options.
struct RunOptions {
    Milliseconds timeout{0};
    size_t max_output = 0;
};

// What went wrong: see pm_error.
class Error : public std::exception {
public:
    // Takes the error.
    Error(pm_status status, pm_error *raw)
        : status_(status), errno_(pm_error_errno(raw)), step_(pm_error_step(raw)),
          message_(raw ? pm_error_message(raw) : pm_status_string(status))
    {
        pm_error_free(raw);
    }

    pm_status status() const noexcept { return status_; }
    // The system's error number, 0 where there is none.
    int error_number() const noexcept { return errno_; }
    // The step at which a start failed, "" elsewhere.
    const std::string &step() const noexcept { return step_; }
    const std::string &message() const noexcept { return message_; }
    const char *what() const noexcept override { return message_.c_str(); }

private:
    pm_status status_;
    int errno_;
    std::string step_;
    std::string message_;
};

#if PM_HAS_EXCEPTIONS
template <class T> using Result = T;
#else
// A value or an error; to be asked which before it is used.
template <class T> class [[nodiscard]] Result {
public:
    Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}
    explicit operator bool() const noexcept { return content_.index() == 0; }
    T &value() & noexcept { return *std::get_if<0>(&content_); }
    T &&value() && noexcept { return std::move(*std::get_if<0>(&content_)); }
    T &operator*() & noexcept { return value(); }
    T *operator->() noexcept { return std::get_if<0>(&content_); }
    const Error &error() const noexcept { return *std::get_if<1>(&content_); }

private:
    std::variant<T, Error> content_;
};

template <> class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}
    explicit operator bool() const noexcept { return !error_; }
    const Error &error() const noexcept { return *error_; }

private:
    std::optional<Error> error_;
};
#endif

namespace detail {

template <class T> Result<T> fail(pm_status status, pm_error *error)
{
#if PM_HAS_EXCEPTIONS
    throw Error(status, error);
#else
    return Error(status, error);
#endif
}

// Makes a call of the C interface, and a result of what it gave.
template <class T, class Call, class Make> Result<T> result(Call &&call, Make &&make)
{
    pm_error *error = nullptr;
    const pm_status status = call(&error);
    if (status < 0)
        return fail<T>(status, error);
    return make(status);
}

template <class Call> Result<void> done(Call &&call)
{
    pm_error *error = nullptr;
    const pm_status status = call(&error);
    if (status < 0)
        return fail<void>(status, error);
    return Result<void>();
}

template <class T, void (*free)(T *)> struct Free {
    void operator()(T *raw) const noexcept { free(raw); }
};
template <class T, void (*free)(T *)> using Handle = std::unique_ptr<T, Free<T, free>>;

// Rounds up, so that no wait is shorter than asked for.
template <class Rep, class Period> int64_t ms(std::chrono::duration<Rep, Period> time)
{
    const int64_t value = std::chrono::ceil<Milliseconds>(time).count();
    return value < 0 ? 0 : value;
}

inline std::optional<TimePoint> time_point(int64_t nanoseconds)
{
    if (nanoseconds == 0)
        return std::nullopt;
    return TimePoint(std::chrono::nanoseconds(nanoseconds));
}

template <class Enum> uint32_t number(Enum value) { return static_cast<uint32_t>(value); }

inline const uint8_t *bytes(const void *data) { return static_cast<const uint8_t *>(data); }

#if PM_HAS_EXCEPTIONS
// What callbacks have thrown during the poll of this thread; null while it does not poll.
inline thread_local std::exception_ptr *thrown = nullptr;

// Runs a function of the program; nothing may be thrown through the C interface.
template <class F> void guarded(F &&function) noexcept
{
    if (!thrown)
        return function(); // not in a poll: nobody could catch it, so std::terminate it is
    try {
        function();
    } catch (...) {
        if (!*thrown)
            *thrown = std::current_exception();
    }
}
#else
template <class F> void guarded(F &&function) noexcept { function(); }
#endif

template <class F> void destroy(void *function) { delete static_cast<F *>(function); }

} // namespace detail

// The id of a process.
class Id {
public:
    Id() noexcept : raw_() {}
    Id(pm_id raw) noexcept : raw_(raw) {}
    pm_id raw() const noexcept { return raw_; }
    std::string to_string() const;

    friend bool operator==(const Id &a, const Id &b) noexcept { return a.compare(b) == 0; }
    friend bool operator!=(const Id &a, const Id &b) noexcept { return a.compare(b) != 0; }
    // In the order of the starts.
    friend bool operator<(const Id &a, const Id &b) noexcept { return a.compare(b) < 0; }

private:
    int compare(const Id &other) const noexcept
    {
        return std::memcmp(raw_.bytes, other.raw_.bytes, sizeof raw_.bytes);
    }
    pm_id raw_;
};

inline std::string Id::to_string() const
{
    static const char digits[] = "0123456789abcdef";
    std::string text;
    for (size_t at = 0; at < sizeof raw_.bytes; ++at) {
        if (at == 4 || at == 6 || at == 8 || at == 10)
            text += '-';
        text += digits[raw_.bytes[at] >> 4];
        text += digits[raw_.bytes[at] & 15];
    }
    return text;
}

// How a process ended.
class Exit {
public:
    explicit Exit(const pm_exit &raw) noexcept : raw_(raw) {}
    bool success() const noexcept { return code() == 0; }
    // True if somebody else took the status.
    bool unknown() const noexcept { return raw_.kind == PM_EXIT_UNKNOWN; }
    bool core_dumped() const noexcept { return raw_.core_dumped != 0; }
    std::optional<int> code() const noexcept
    {
        return raw_.kind == PM_EXIT_CODE ? std::optional<int>(raw_.code) : std::nullopt;
    }
    std::optional<int> signal() const noexcept
    {
        return raw_.kind == PM_EXIT_SIGNAL ? std::optional<int>(raw_.signal) : std::nullopt;
    }

private:
    pm_exit raw_;
};

// A view of one line, or one gap, of output; valid as long as what gave it says.
class Record {
public:
    explicit Record(const pm_record &raw) noexcept : raw_(&raw) {}
    bool is_gap() const noexcept { return raw_->kind == PM_RECORD_GAP; }
    // True for a part of a line, which no newline followed.
    bool is_partial() const noexcept { return raw_->kind == PM_RECORD_PARTIAL_LINE; }
    Source source() const noexcept { return static_cast<Source>(raw_->source); }
    std::string_view line() const noexcept
    {
        return {reinterpret_cast<const char *>(raw_->line.data), raw_->line.len};
    }
    uint64_t sequence() const noexcept { return raw_->sequence; }
    TimePoint time() const noexcept { return TimePoint(std::chrono::nanoseconds(raw_->time)); }
    uint64_t lost_bytes() const noexcept { return raw_->lost_bytes; }
    uint64_t lost_lines() const noexcept { return raw_->lost_lines; }

private:
    const pm_record *raw_;
};

// What happened to a process; a view, valid during the callback.
class Event {
public:
    explicit Event(const pm_event &raw) noexcept : raw_(&raw) {}
    pm_event_kind kind() const noexcept { return static_cast<pm_event_kind>(raw_->kind); }
    Id process() const noexcept { return raw_->process; }
    Exit exit() const noexcept { return Exit(raw_->exit); }
    uint64_t missed() const noexcept { return raw_->missed; }
    TimePoint time() const noexcept { return TimePoint(std::chrono::nanoseconds(raw_->time)); }

private:
    const pm_event *raw_;
};

// The facts about a process at one moment.
class Info {
public:
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

    struct Usage {
        std::chrono::microseconds user_time;
        std::chrono::microseconds system_time;
        uint64_t max_rss; // bytes
    };

    Id id;
    std::string name;
    std::string program;
    uint32_t pid;
    State state;
    std::optional<Exit> exit;
    std::optional<TimePoint> started_at;
    std::optional<TimePoint> stopped_at;
    bool stop_requested;
    bool timed_out;
    Containment containment;
    std::optional<Usage> usage;
};

// One step of a stop: a signal, and how long to wait after it before the next.
struct StopStep {
    int signal;
    Milliseconds grace;
};

namespace detail {

inline std::vector<pm_stop_step> ladder(const std::vector<StopStep> &steps)
{
    std::vector<pm_stop_step> raw;
    for (const StopStep &step : steps) {
        const int64_t grace = ms(step.grace);
        raw.push_back({step.signal, static_cast<uint32_t>(grace > UINT32_MAX ? UINT32_MAX : grace)});
    }
    return raw;
}

template <class Take> auto info(pm_info *raw, Take &&take)
{
    const Handle<pm_info, pm_info_free> owner(raw);
    return take(raw);
}

} // namespace detail

// Owns a private directory and the executables extracted into it.
class Extractor {
public:
    static Result<Extractor> create()
    {
        pm_extractor *raw = nullptr;
        return detail::result<Extractor>([&](pm_error **e) { return pm_extractor_new(&raw, e); },
                                         [&](pm_status) { return Extractor(raw); });
    }
    static Result<Extractor> create_in(std::string_view base)
    {
        pm_extractor *raw = nullptr;
        return detail::result<Extractor>(
            [&](pm_error **e) { return pm_extractor_new_in(base.data(), base.size(), &raw, e); },
            [&](pm_status) { return Extractor(raw); });
    }
#if PM_HAS_EXCEPTIONS
    Extractor() : Extractor(create()) {}
#endif
    // Takes a handle of the C interface.
    explicit Extractor(pm_extractor *raw) noexcept : handle_(raw) {}

    Result<void> add_binary(std::string_view name, const void *data, size_t size)
    {
        return detail::done([&](pm_error **e) {
            return pm_extractor_add_binary(raw(), name.data(), name.size(), detail::bytes(data),
                                           size, e);
        });
    }
    Result<void> add_file(std::string_view name, std::string_view path)
    {
        return detail::done([&](pm_error **e) {
            return pm_extractor_add_file(raw(), name.data(), name.size(), path.data(), path.size(),
                                         e);
        });
    }
    // As add_binary, and refuses data whose SHA-256 is not this.
    Result<void> add_verified(std::string_view name, const void *data, size_t size,
                              const std::string &sha256)
    {
        return detail::done([&](pm_error **e) {
            return pm_extractor_add_verified(raw(), name.data(), name.size(), detail::bytes(data),
                                             size, sha256.c_str(), e);
        });
    }
    Result<void> remove(std::string_view name)
    {
        return detail::done([&](pm_error **e) {
            return pm_extractor_remove(raw(), name.data(), name.size(), e);
        });
    }
    Result<std::string> path(std::string_view name) const
    {
        pm_names *names = nullptr;
        return detail::result<std::string>(
            [&](pm_error **e) {
                return pm_extractor_path(raw(), name.data(), name.size(), &names, e);
            },
            [&](pm_status) { return list(names).front(); });
    }
    Result<std::vector<std::string>> binaries() const
    {
        pm_names *names = nullptr;
        return detail::result<std::vector<std::string>>(
            [&](pm_error **e) { return pm_extractor_list(raw(), &names, e); },
            [&](pm_status) { return list(names); });
    }
    std::string directory() const { return pm_extractor_directory(raw()); }
    pm_extractor *raw() const noexcept { return handle_.get(); }

private:
    static std::vector<std::string> list(pm_names *names)
    {
        const detail::Handle<pm_names, pm_names_free> owner(names);
        std::vector<std::string> texts;
        for (size_t at = 0; at < pm_names_count(names); ++at)
            texts.emplace_back(pm_names_get(names, at));
        return texts;
    }
    detail::Handle<pm_extractor, pm_extractor_free> handle_;
};

// What to start and how. Every option returns the command, so that they can be chained.
class Command {
public:
    // A program of this machine: a path, or a name that is looked up in PATH.
    explicit Command(std::string_view program)
    {
        make([&](pm_command **raw, pm_error **e) {
            return pm_command_new(program.data(), program.size(), raw, e);
        });
    }
    // A binary of the manager's extractor.
    static Command binary(std::string_view name)
    {
        Command command;
        command.make([&](pm_command **raw, pm_error **e) {
            return pm_command_new_binary(name.data(), name.size(), raw, e);
        });
        return command;
    }

    Command &name(std::string_view name) &
    {
        return set([&](pm_error **e) {
            return pm_command_set_name(raw(), name.data(), name.size(), e);
        });
    }
    Command &arg(std::string_view arg) &
    {
        return set([&](pm_error **e) {
            return pm_command_add_arg(raw(), arg.data(), arg.size(), e);
        });
    }
    Command &args(std::initializer_list<std::string_view> args) &
    {
        for (const std::string_view &one : args)
            arg(one);
        return *this;
    }
    Command &args(const std::vector<std::string> &args) &
    {
        for (const std::string &one : args)
            arg(one);
        return *this;
    }
    Command &env(std::string_view name, std::string_view value) &
    {
        return set([&](pm_error **e) {
            return pm_command_set_env(raw(), name.data(), name.size(), value.data(), value.size(),
                                      e);
        });
    }
    Command &env_remove(std::string_view name) &
    {
        return set([&](pm_error **e) {
            return pm_command_remove_env(raw(), name.data(), name.size(), e);
        });
    }
    Command &env_clear() &
    {
        return set([&](pm_error **e) { return pm_command_clear_env(raw(), e); });
    }
    Command &directory(std::string_view path) &
    {
        return set([&](pm_error **e) {
            return pm_command_set_directory(raw(), path.data(), path.size(), e);
        });
    }
    Command &stdio(Stream stream, Stdio stdio) &
    {
        return set([&](pm_error **e) {
            return pm_command_set_stdio(raw(), detail::number(stream), detail::number(stdio), e);
        });
    }
    Command &stdio_file(Stream stream, std::string_view path, bool append = false) &
    {
        return set([&](pm_error **e) {
            return pm_command_set_stdio_file(raw(), detail::number(stream), path.data(), path.size(), append, e);
        });
    }
    Command &stdio_fd(Stream stream, int fd) &
    {
        return set([&](pm_error **e) {
            return pm_command_set_stdio_fd(raw(), detail::number(stream), fd, e);
        });
    }
    Command &input(std::string_view data) &
    {
        return set([&](pm_error **e) {
            return pm_command_set_input(raw(), detail::bytes(data.data()), data.size(), e);
        });
    }
    Command &extra_fd(int fd, int target) &
    {
        return set([&](pm_error **e) {
            return pm_command_add_fd(raw(), fd, target, e);
        });
    }
    Command &group(Group group) &
    {
        return set([&](pm_error **e) {
            return pm_command_set_group(raw(), detail::number(group), e);
        });
    }
    Command &rlimit(uint32_t resource, uint64_t soft, uint64_t hard) &
    {
        return set([&](pm_error **e) {
            return pm_command_add_rlimit(raw(), resource, soft, hard, e);
        });
    }
    Command &nice(int nice) &
    {
        return set([&](pm_error **e) {
            return pm_command_set_nice(raw(), nice, e);
        });
    }
    Command &umask(uint32_t umask) &
    {
        return set([&](pm_error **e) {
            return pm_command_set_umask(raw(), umask, e);
        });
    }
    Command &cpus(const std::vector<uint32_t> &cpus) &
    {
        return set([&](pm_error **e) {
            return pm_command_set_cpus(raw(), cpus.data(), cpus.size(), e);
        });
    }
    Command &uid(uint32_t uid) &
    {
        return set([&](pm_error **e) {
            return pm_command_set_uid(raw(), uid, e);
        });
    }
    Command &gid(uint32_t gid) &
    {
        return set([&](pm_error **e) {
            return pm_command_set_gid(raw(), gid, e);
        });
    }
    Command &groups(const std::vector<uint32_t> &gids) &
    {
        return set([&](pm_error **e) {
            return pm_command_set_groups(raw(), gids.data(), gids.size(), e);
        });
    }
    Command &timeout(Milliseconds time) &
    {
        return set([&](pm_error **e) {
            return pm_command_set_timeout(raw(), static_cast<uint64_t>(detail::ms(time)), e);
        });
    }
    Command &on_drop(OnDrop policy) &
    {
        return set([&](pm_error **e) {
            return pm_command_set_on_drop(raw(), detail::number(policy), e);
        });
    }
    Command &descendants(Descendants descendants) &
    {
        return set([&](pm_error **e) {
            return pm_command_set_descendants(raw(), detail::number(descendants), e);
        });
    }
    Command &containment(Containment level) &
    {
        return set([&](pm_error **e) {
            return pm_command_set_containment(raw(), detail::number(level), e);
        });
    }
    Command &stop_steps(const std::vector<StopStep> &steps) &
    {
        const auto ladder = detail::ladder(steps);
        return set([&](pm_error **e) {
            return pm_command_set_stop(raw(), ladder.data(), ladder.size(), e);
        });
    }
    Command &output(const OutputOptions &options) &
    {
        const pm_output_options all = {sizeof all, options.limit, options.max_line,
                                       detail::number(options.policy),
                                       static_cast<uint32_t>(detail::ms(options.drain))};
        return set([&](pm_error **e) { return pm_command_set_output(raw(), &all, e); });
    }

    // The same for a command that is made and given away in one expression.
    Command &&name(std::string_view text) && { return std::move(this->name(text)); }
    Command &&arg(std::string_view text) && { return std::move(this->arg(text)); }
    Command &&args(std::initializer_list<std::string_view> list) && { return std::move(this->args(list)); }
    Command &&args(const std::vector<std::string> &list) && { return std::move(this->args(list)); }
    Command &&env(std::string_view name, std::string_view value) &&
    {
        return std::move(this->env(name, value));
    }
    Command &&env_remove(std::string_view name) && { return std::move(this->env_remove(name)); }
    Command &&env_clear() && { return std::move(this->env_clear()); }
    Command &&directory(std::string_view path) && { return std::move(this->directory(path)); }
    Command &&stdio(Stream stream, Stdio stdio) && { return std::move(this->stdio(stream, stdio)); }
    Command &&stdio_file(Stream stream, std::string_view path, bool append = false) && { return std::move(this->stdio_file(stream, path, append)); }
    Command &&stdio_fd(Stream stream, int fd) && { return std::move(this->stdio_fd(stream, fd)); }
    Command &&input(std::string_view data) && { return std::move(this->input(data)); }
    Command &&extra_fd(int fd, int target) && { return std::move(this->extra_fd(fd, target)); }
    Command &&group(Group group) && { return std::move(this->group(group)); }
    Command &&rlimit(uint32_t resource, uint64_t soft, uint64_t hard) && { return std::move(this->rlimit(resource, soft, hard)); }
    Command &&nice(int nice) && { return std::move(this->nice(nice)); }
    Command &&umask(uint32_t umask) && { return std::move(this->umask(umask)); }
    Command &&cpus(const std::vector<uint32_t> &cpus) && { return std::move(this->cpus(cpus)); }
    Command &&uid(uint32_t uid) && { return std::move(this->uid(uid)); }
    Command &&gid(uint32_t gid) && { return std::move(this->gid(gid)); }
    Command &&groups(const std::vector<uint32_t> &gids) && { return std::move(this->groups(gids)); }
    Command &&timeout(Milliseconds time) && { return std::move(this->timeout(time)); }
    Command &&on_drop(OnDrop policy) && { return std::move(this->on_drop(policy)); }
    Command &&descendants(Descendants descendants) && { return std::move(this->descendants(descendants)); }
    Command &&containment(Containment level) && { return std::move(this->containment(level)); }
    Command &&stop_steps(const std::vector<StopStep> &steps) && { return std::move(this->stop_steps(steps)); }
    Command &&output(const OutputOptions &options) && { return std::move(this->output(options)); }

    pm_command *raw() const noexcept { return handle_.get(); }
    // The first mistake; only a build without exceptions gets this far with one.
    const std::optional<Error> &mistake() const noexcept { return mistake_; }

private:
    Command() = default;
    template <class Make> void make(Make &&make)
    {
        pm_command *raw = nullptr;
        set([&](pm_error **e) { return make(&raw, e); });
        handle_.reset(raw);
    }
    template <class Call> Command &set(Call &&call)
    {
#if PM_HAS_EXCEPTIONS
        detail::done(call);
#else
        if (!mistake_) {
            Result<void> outcome = detail::done(call);
            if (!outcome)
                mistake_ = outcome.error();
        }
#endif
        return *this;
    }
    detail::Handle<pm_command, pm_command_free> handle_;
    std::optional<Error> mistake_;
};

// What a run left.
struct RunResult {
    explicit RunResult(const pm_run_result *raw)
        : end(pm_run_result_end(raw)), info(pm_run_result_info(raw)),
          standard_output(text(raw, pm_run_result_stdout)), standard_error(text(raw, pm_run_result_stderr))
    {
    }
    // True for exit code 0 within the bounds.
    bool success() const noexcept { return end == PM_RUN_COMPLETE && info.exit && info.exit->success(); }

    pm_run_end end; // why it ended
    Info info;
    std::string standard_output;
    std::string standard_error;

private:
    static std::string text(const pm_run_result *raw, void (*get)(const pm_run_result *, pm_bytes *))
    {
        pm_bytes bytes;
        get(raw, &bytes);
        return std::string(reinterpret_cast<const char *>(bytes.data), bytes.len);
    }
};

namespace detail {

template <class Call> Result<RunResult> run(const RunOptions &options, Call &&call)
{
    const pm_run_options all = {sizeof all, static_cast<uint64_t>(ms(options.timeout)),
                                options.max_output};
    pm_run_result *raw = nullptr;
    return result<RunResult>([&](pm_error **e) { return call(&all, &raw, e); },
                             [&](pm_status) {
                                 const Handle<pm_run_result, pm_run_result_free> owner(raw);
                                 return RunResult(raw);
                             });
}

} // namespace detail

// Starts a command without a manager, collects its output, and waits for its end.
inline Result<RunResult> run(const Command &command, const RunOptions &options = {})
{
#if !PM_HAS_EXCEPTIONS
    if (command.mistake())
        return *command.mistake();
#endif
    return detail::run(options, [&](const pm_run_options *all, pm_run_result **raw, pm_error **e) {
        return pm_command_run(command.raw(), all, raw, e);
    });
}

// Calls function(LogLevel, std::string_view) for each message of the library about itself, on any
// thread, one at a time; it must not throw and not use the library. LogLevel::Off ends that.
template <class F> Result<void> set_log(LogLevel level, F function)
{
    const auto call = [](uint32_t level, const char *message, void *data) {
        detail::guarded([&] { (*static_cast<F *>(data))(static_cast<LogLevel>(level), message); });
    };
    auto *data = new F(std::move(function));
    return detail::done([&](pm_error **e) {
        return pm_set_log_callback(detail::number(level),
                                   level == LogLevel::Off ? nullptr : static_cast<pm_log_callback>(call),
                                   data, detail::destroy<F>, e);
    });
}

// A reader of a process's output. It is a range of records, for one pass:
//     for (const Record &record : process.output()) ...
// A record is valid until the next one is asked for.
class Output {
public:
    explicit Output(pm_output *raw) noexcept : handle_(raw) {}

    // Waits for the next record; none at the end.
    Result<std::optional<Record>> next()
    {
        return next_ms(-1);
    }
    // As next(); none also when the time is over: is_over() tells which.
    template <class Rep, class Period>
    Result<std::optional<Record>> next_for(std::chrono::duration<Rep, Period> time)
    {
        return next_ms(detail::ms(time));
    }
    bool is_over() const noexcept { return is_over_; }
    // Passes the other stream over from here on.
    Result<void> only(Source source)
    {
        return detail::done([&](pm_error **e) {
            return pm_output_only(raw(), detail::number(source), e);
        });
    }
    pm_output *raw() const noexcept { return handle_.get(); }

#if PM_HAS_EXCEPTIONS
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = Record;
        using difference_type = std::ptrdiff_t;
        using pointer = const Record *;
        using reference = const Record &;

        iterator() = default;
        explicit iterator(Output *output) : output_(output) { ++*this; }
        reference operator*() const { return *record_; }
        pointer operator->() const { return &*record_; }
        iterator &operator++()
        {
            record_ = output_->next();
            if (!record_)
                output_ = nullptr;
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator &a, const iterator &b) { return a.output_ == b.output_; }
        friend bool operator!=(const iterator &a, const iterator &b) { return a.output_ != b.output_; }

    private:
        Output *output_ = nullptr;
        std::optional<Record> record_;
    };
    iterator begin() { return iterator(this); }
    iterator end() { return iterator(); }
#endif

private:
    Result<std::optional<Record>> next_ms(int64_t timeout)
    {
        if (at_ < count_)
            return std::optional<Record>(Record(records_[at_++]));
        at_ = count_ = 0;
        return detail::result<std::optional<Record>>(
            [&](pm_error **e) { return pm_output_next(raw(), timeout, &records_, &count_, e); },
            [&](pm_status status) {
                is_over_ = status == PM_END;
                return status == PM_OK ? std::optional<Record>(Record(records_[at_++])) : std::nullopt;
            });
    }

    detail::Handle<pm_output, pm_output_free> handle_;
    const pm_record *records_ = nullptr;
    size_t count_ = 0;
    size_t at_ = 0;
    bool is_over_ = false;
};

// The handle of one process.
class Process {
public:
    // Starts a process without a manager; it has no callbacks.
    static Result<Process> start(const Command &command)
    {
#if !PM_HAS_EXCEPTIONS
        if (command.mistake())
            return *command.mistake();
#endif
        pm_process *raw = nullptr;
        return detail::result<Process>(
            [&](pm_error **e) { return pm_process_start(command.raw(), &raw, e); },
            [&](pm_status) { return Process(raw); });
    }
    Process() = default; // holds none
    // Takes a handle of the C interface.
    explicit Process(pm_process *raw) noexcept : handle_(raw) {}

    Id id() const noexcept { return pm_process_id(raw()); }
    uint32_t pid() const noexcept { return pm_process_pid(raw()); }
    State state() const noexcept { return static_cast<State>(pm_process_state(raw())); }
    bool is_running() const noexcept { return pm_process_is_running(raw()); }
    Result<Info> info() const
    {
        pm_info *info = nullptr;
        return detail::result<Info>(
            [&](pm_error **e) { return pm_process_info(raw(), &info, e); },
            [&](pm_status) { return detail::info(info, [](pm_info *it) { return Info(it); }); });
    }

    // Waits until the process itself has ended.
    Result<Exit> wait() const
    {
        pm_exit exit;
        return detail::result<Exit>(
            [&](pm_error **e) { return pm_process_wait(raw(), -1, &exit, e); },
            [&](pm_status) { return Exit(exit); });
    }
    // As wait(); none when the time is over.
    template <class Rep, class Period>
    Result<std::optional<Exit>> wait_for(std::chrono::duration<Rep, Period> time) const
    {
        pm_exit exit;
        return detail::result<std::optional<Exit>>(
            [&](pm_error **e) { return pm_process_wait(raw(), detail::ms(time), &exit, e); },
            [&](pm_status status) {
                return status == PM_OK ? std::optional<Exit>(Exit(exit)) : std::nullopt;
            });
    }

    // Stops the tree and waits until it is gone; no steps: those of its command.
    Result<void> stop(const std::vector<StopStep> &steps = {})
    {
        const auto ladder = detail::ladder(steps);
        return detail::done([&](pm_error **e) {
            return pm_process_stop(raw(), ladder.data(), ladder.size(), e);
        });
    }
    Result<void> begin_stop(const std::vector<StopStep> &steps = {})
    {
        const auto ladder = detail::ladder(steps);
        return detail::done([&](pm_error **e) {
            return pm_process_begin_stop(raw(), ladder.data(), ladder.size(), e);
        });
    }
    Result<void> kill()
    {
        return detail::done([&](pm_error **e) { return pm_process_kill(raw(), e); });
    }
    Result<void> signal(int signal)
    {
        return detail::done([&](pm_error **e) { return pm_process_signal(raw(), signal, e); });
    }
    Result<void> suspend()
    {
        return detail::done([&](pm_error **e) { return pm_process_suspend(raw(), e); });
    }
    Result<void> resume()
    {
        return detail::done([&](pm_error **e) { return pm_process_resume(raw(), e); });
    }

    // Writes all to the child's standard input, however long the child takes to read it.
    Result<void> write(std::string_view data)
    {
        return detail::done([&](pm_error **e) {
            return pm_process_write(raw(), detail::bytes(data.data()), data.size(), -1, e);
        });
    }
    // As write(); false when the time is over, and a part may have been written then.
    template <class Rep, class Period>
    Result<bool> write_for(std::string_view data, std::chrono::duration<Rep, Period> time)
    {
        return detail::result<bool>(
            [&](pm_error **e) {
                return pm_process_write(raw(), detail::bytes(data.data()), data.size(),
                                        detail::ms(time), e);
            },
            [](pm_status status) { return status == PM_OK; });
    }
    Result<void> close_stdin()
    {
        return detail::done([&](pm_error **e) { return pm_process_close_stdin(raw(), e); });
    }

    Result<Output> output() const
    {
        pm_output *output = nullptr;
        return detail::result<Output>(
            [&](pm_error **e) { return pm_process_output(raw(), &output, e); },
            [&](pm_status) { return Output(output); });
    }

    // Calls function(const Record &) for each line or gap, inside Manager::poll().
    template <class F> Result<void> on_output(F function)
    {
        const auto call = [](pm_id, const pm_record *record, void *data) {
            detail::guarded([&] { (*static_cast<F *>(data))(Record(*record)); });
        };
        auto *data = new F(std::move(function));
        return detail::done([&](pm_error **e) {
            return pm_process_set_output_callback(raw(), call, data, detail::destroy<F>, e);
        });
    }
    // Calls function(const Exit &) once, after all output, inside Manager::poll().
    template <class F> Result<void> on_exit(F function)
    {
        const auto call = [](pm_id, const pm_exit *exit, void *data) {
            detail::guarded([&] { (*static_cast<F *>(data))(Exit(*exit)); });
        };
        auto *data = new F(std::move(function));
        return detail::done([&](pm_error **e) {
            return pm_process_set_exit_callback(raw(), call, data, detail::destroy<F>, e);
        });
    }

    pm_process *raw() const noexcept { return handle_.get(); }

private:
    detail::Handle<pm_process, pm_process_free> handle_;
};

// Many processes over one extractor.
class Manager {
public:
    static Result<Manager> create(const Extractor &extractor) { return create(extractor.raw()); }
    // With an extractor of its own.
    static Result<Manager> create() { return create(nullptr); }
#if PM_HAS_EXCEPTIONS
    Manager() : Manager(create()) {}
    explicit Manager(const Extractor &extractor) : Manager(create(extractor)) {}
#endif
    // Takes a handle of the C interface.
    explicit Manager(pm_manager *raw) noexcept : handle_(raw) {}

    Result<Extractor> extractor() const
    {
        pm_extractor *extractor = nullptr;
        return detail::result<Extractor>(
            [&](pm_error **e) { return pm_manager_extractor(raw(), &extractor, e); },
            [&](pm_status) { return Extractor(extractor); });
    }

    Result<Process> start(const Command &command)
    {
#if !PM_HAS_EXCEPTIONS
        if (command.mistake())
            return *command.mistake();
#endif
        pm_process *process = nullptr;
        return detail::result<Process>(
            [&](pm_error **e) { return pm_manager_start(raw(), command.raw(), &process, e); },
            [&](pm_status) { return Process(process); });
    }
    // All of them or none.
    Result<std::vector<Process>> start_all(const std::vector<Command> &commands)
    {
        return start_many(commands, pm_manager_start_all);
    }
    // The standard output of each but the last goes to the standard input of the next.
    Result<std::vector<Process>> start_pipeline(const std::vector<Command> &commands)
    {
        return start_many(commands, pm_manager_start_pipeline);
    }
    // As process_manager::run, with the manager's binaries.
    Result<RunResult> run(const Command &command, const RunOptions &options = {})
    {
#if !PM_HAS_EXCEPTIONS
        if (command.mistake())
            return *command.mistake();
#endif
        return detail::run(options, [&](const pm_run_options *all, pm_run_result **result, pm_error **e) {
            return pm_manager_run(raw(), command.raw(), all, result, e);
        });
    }
    Result<Process> process(Id id) const
    {
        pm_process *process = nullptr;
        return detail::result<Process>(
            [&](pm_error **e) { return pm_manager_process(raw(), id.raw(), &process, e); },
            [&](pm_status) { return Process(process); });
    }
    Result<Info> info(Id id) const
    {
        pm_info *info = nullptr;
        return detail::result<Info>(
            [&](pm_error **e) { return pm_manager_info(raw(), id.raw(), &info, e); },
            [&](pm_status) { return detail::info(info, [](pm_info *it) { return Info(it); }); });
    }
    Result<std::vector<Info>> list() const { return list(false); }
    Result<std::vector<Info>> running() const { return list(true); }
    size_t count() const noexcept { return pm_manager_count(raw()); }
    size_t running_count() const noexcept { return pm_manager_running_count(raw()); }

    Result<void> stop(Id id, const std::vector<StopStep> &steps = {})
    {
        const auto ladder = detail::ladder(steps);
        return detail::done([&](pm_error **e) {
            return pm_manager_stop(raw(), id.raw(), ladder.data(), ladder.size(), e);
        });
    }
    Result<void> stop_all(const std::vector<StopStep> &steps = {})
    {
        const auto ladder = detail::ladder(steps);
        return detail::done([&](pm_error **e) {
            return pm_manager_stop_all(raw(), ladder.data(), ladder.size(), e);
        });
    }
    Result<void> kill(Id id)
    {
        return detail::done([&](pm_error **e) { return pm_manager_kill(raw(), id.raw(), e); });
    }
    Result<void> remove(Id id)
    {
        return detail::done([&](pm_error **e) { return pm_manager_remove(raw(), id.raw(), e); });
    }
    Result<void> set_retention(size_t count)
    {
        return detail::done([&](pm_error **e) { return pm_manager_set_retention(raw(), count, e); });
    }

    // Waits until there is something to tell, and runs the callbacks; gives the number of calls.
    Result<size_t> poll() { return poll_ms(-1); }
    template <class Rep, class Period>
    Result<size_t> poll_for(std::chrono::duration<Rep, Period> time)
    {
        return poll_ms(detail::ms(time));
    }
    // Has callbacks called on a thread of the library; one that throws ends the program.
    Result<void> deliver_directly()
    {
        return detail::done([&](pm_error **e) { return pm_manager_deliver_directly(raw(), e); });
    }
    // Makes a poll on another thread return.
    Result<void> wake()
    {
        return detail::done([&](pm_error **e) { return pm_manager_wake(raw(), e); });
    }
    // Readable when poll_for(0) would find something to do; for event loops.
    Result<int> fd()
    {
        int fd = -1;
        return detail::result<int>([&](pm_error **e) { return pm_manager_fd(raw(), &fd, e); },
                                   [&](pm_status) { return fd; });
    }

    // Calls function(Id, const Record &) for each line or gap of all processes.
    template <class F> Result<void> on_output(F function)
    {
        const auto call = [](pm_id id, const pm_record *record, void *data) {
            detail::guarded([&] { (*static_cast<F *>(data))(Id(id), Record(*record)); });
        };
        auto *data = new F(std::move(function));
        return detail::done([&](pm_error **e) {
            return pm_manager_set_output_callback(raw(), call, data, detail::destroy<F>, e);
        });
    }
    // Calls function(Id, const Exit &) at the end of each process, after its output.
    template <class F> Result<void> on_exit(F function)
    {
        const auto call = [](pm_id id, const pm_exit *exit, void *data) {
            detail::guarded([&] { (*static_cast<F *>(data))(Id(id), Exit(*exit)); });
        };
        auto *data = new F(std::move(function));
        return detail::done([&](pm_error **e) {
            return pm_manager_set_exit_callback(raw(), call, data, detail::destroy<F>, e);
        });
    }
    // Calls function(const Event &) for each event.
    template <class F> Result<void> on_event(F function)
    {
        const auto call = [](const pm_event *event, void *data) {
            detail::guarded([&] { (*static_cast<F *>(data))(Event(*event)); });
        };
        auto *data = new F(std::move(function));
        return detail::done([&](pm_error **e) {
            return pm_manager_set_event_callback(raw(), call, data, detail::destroy<F>, e);
        });
    }

    pm_manager *raw() const noexcept { return handle_.get(); }

private:
    static Result<Manager> create(pm_extractor *extractor)
    {
        pm_manager *raw = nullptr;
        return detail::result<Manager>(
            [&](pm_error **e) { return pm_manager_new(extractor, &raw, e); },
            [&](pm_status) { return Manager(raw); });
    }
    template <class Start>
    Result<std::vector<Process>> start_many(const std::vector<Command> &commands, Start start)
    {
        std::vector<const pm_command *> handles;
        for (const Command &command : commands) {
#if !PM_HAS_EXCEPTIONS
            if (command.mistake())
                return *command.mistake();
#endif
            handles.push_back(command.raw());
        }
        std::vector<pm_process *> started(commands.size());
        return detail::result<std::vector<Process>>(
            [&](pm_error **e) {
                return start(raw(), handles.data(), handles.size(), started.data(), e);
            },
            [&](pm_status) {
                std::vector<Process> processes;
                for (pm_process *process : started)
                    processes.emplace_back(process);
                return processes;
            });
    }
    Result<std::vector<Info>> list(bool only_running) const
    {
        pm_info_list *list = nullptr;
        return detail::result<std::vector<Info>>(
            [&](pm_error **e) { return pm_manager_list(raw(), only_running, &list, e); },
            [&](pm_status) {
                const detail::Handle<pm_info_list, pm_info_list_free> owner(list);
                std::vector<Info> infos;
                for (size_t at = 0; at < pm_info_list_count(list); ++at)
                    infos.emplace_back(pm_info_list_get(list, at));
                return infos;
            });
    }
    Result<size_t> poll_ms(int64_t timeout)
    {
        size_t calls = 0;
#if PM_HAS_EXCEPTIONS
        std::exception_ptr thrown;
        std::exception_ptr *const outer = std::exchange(detail::thrown, &thrown);
        pm_error *error = nullptr;
        const pm_status status = pm_manager_poll(raw(), timeout, &calls, &error);
        detail::thrown = outer;
        if (thrown) {
            pm_error_free(error);
            std::rethrow_exception(thrown);
        }
        if (status < 0)
            return detail::fail<size_t>(status, error);
        return calls;
#else
        return detail::result<size_t>(
            [&](pm_error **e) { return pm_manager_poll(raw(), timeout, &calls, e); },
            [&](pm_status) { return calls; });
#endif
    }

    detail::Handle<pm_manager, pm_manager_free> handle_;
};

} // namespace process_manager

#endif // PROCESS_MANAGER_HPP
