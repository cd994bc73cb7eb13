// Running a command to its end, and collecting what it writes.
#ifndef PROCESS_MANAGER_RUN_HPP
#define PROCESS_MANAGER_RUN_HPP

#include <process_manager/command.hpp>

#include <string>

namespace process_manager {

// What a run left. A value.
struct RunResult {
    // Borrows.
    explicit RunResult(const pm_run_result *raw)
        : end(pm_run_result_end(raw)), info(pm_run_result_info(raw)),
          standard_output(text(raw, pm_run_result_stdout)),
          standard_error(text(raw, pm_run_result_stderr)), lost(pm_run_result_lost(raw))
    {
    }

    // True for exit code 0 within the bounds.
    bool success() const noexcept
    {
        return end == PM_RUN_COMPLETE && info.exit && info.exit->success();
    }

    pm_run_end end;              // why it ended: by itself, or at which bound
    Info info;                   // how the process ended, and what it used
    std::string standard_output; // what was collected, also if a bound ended it
    std::string standard_error;
    uint64_t lost; // bytes beyond the limit of the run, or dropped where the output policy drops

private:
    using Get = void(const pm_run_result *, pm_bytes *);

    static std::string text(const pm_run_result *raw, Get *get)
    {
        pm_bytes bytes;
        get(raw, &bytes);
        return std::string(reinterpret_cast<const char *>(bytes.data), bytes.len);
    }
};

namespace detail {

inline pm_run_options run_options(const RunOptions &options)
{
    return {sizeof(pm_run_options), static_cast<uint64_t>(ms(options.timeout)), options.max_output};
}

// Takes the result.
inline RunResult run_result(pm_run_result *raw)
{
    const Handle<pm_run_result, pm_run_result_free> owner(raw);
    return RunResult(raw);
}

} // namespace detail

// Starts a command without a manager, collects its output, and waits for its end; the calling
// thread does all the work. That a bound was reached is no error: RunResult::end tells it. Fails as
// Process::start(). Any thread.
inline Result<RunResult> run(const Command &command, const RunOptions &options = {})
{
    const pm_run_options all = detail::run_options(options);
    pm_run_result *raw = nullptr;
    return detail::with<RunResult>(
        command, [&](pm_error **e) { return pm_command_run(command.raw(), &all, &raw, e); },
        [&](pm_status) { return detail::run_result(raw); });
}

} // namespace process_manager

#endif // PROCESS_MANAGER_RUN_HPP
