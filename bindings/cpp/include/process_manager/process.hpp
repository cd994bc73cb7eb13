// One process: its state, its end, its input and output.
#ifndef PROCESS_MANAGER_PROCESS_HPP
#define PROCESS_MANAGER_PROCESS_HPP

#include <process_manager/callback.hpp>
#include <process_manager/command.hpp>
#include <process_manager/output.hpp>
#include <process_manager/sudo.hpp>

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace process_manager {

// The handle of one process; there can be several of one process. A process that no handle and no
// manager holds any more is ended as its command says, by default by killing its tree. Any thread
// may call any member at once with others. After fork() the members of the copy fail with
// PM_ERROR_FORKED. A handle that was moved from, or made without a process, answers with
// PM_ERROR_NULL_ARGUMENT, State::Unknown, 0 or false.
class Process {
public:
    // Starts a process of this machine without a manager, on this thread; it has no callbacks.
    // Fails as Manager::start().
    static Result<Process> start(const Command &command)
    {
        pm_process *raw = nullptr;
        return detail::with<Process>(
            command, [&](pm_error **e) { return pm_process_start(command.raw(), &raw, e); },
            [&](pm_status) { return Process(raw); });
    }

    // As Manager::start_with_sudo(), without a manager.
    static Result<Process> start_with_sudo(const Command &command, const SudoOptions &options = {})
    {
        return detail::start_with_sudo<Process>(
            command, options, [&](const pm_sudo_options *all, pm_process **raw, pm_error **e) {
                return pm_process_start_with_sudo(command.raw(), all, raw, e);
            });
    }

    // A handle of no process.
    Process() = default;

    // Takes a handle of the C interface.
    explicit Process(pm_process *raw) noexcept : handle_(raw) {}

    // Another owner of the same handle, with the same callbacks; they go with the last owner.
    Process share() const { return Process(pm_process_ref(raw())); }

    // The id, which no other process ever has.
    Id id() const noexcept { return pm_process_id(raw()); }

    // The process id of the system. After the end the number may belong to somebody else: signal
    // with signal(), never with kill().
    uint32_t pid() const noexcept { return pm_process_pid(raw()); }

    // Where the process stands.
    State state() const noexcept { return static_cast<State>(pm_process_state(raw())); }

    // True until the end of the process has been seen.
    bool is_running() const noexcept { return pm_process_is_running(raw()); }

    // The facts about the process now.
    Result<Info> info() const
    {
        pm_info *info = nullptr;
        return detail::result<Info>([&](pm_error **e) { return pm_process_info(raw(), &info, e); },
                                    [&](pm_status) { return detail::info(info); });
    }

    // Waits until the process itself has ended; output may still come.
    Result<Exit> wait() const
    {
        pm_exit exit;
        return detail::result<Exit>(
            [&](pm_error **e) { return pm_process_wait(raw(), -1, &exit, e); },
            [&](pm_status) { return Exit(exit); });
    }

    // As wait(), for this long at most; none when the time is over, and nothing is changed then.
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

    // Waits until the process has ended and all its output was received.
    Result<void> wait_closed() const
    {
        return detail::done([&](pm_error **e) { return pm_process_wait_closed(raw(), -1, e); });
    }

    // As wait_closed(), for this long at most; false when the time is over.
    template <class Rep, class Period>
    Result<bool> wait_closed_for(std::chrono::duration<Rep, Period> time) const
    {
        return detail::result<bool>(
            [&](pm_error **e) { return pm_process_wait_closed(raw(), detail::ms(time), e); },
            [](pm_status status) { return status == PM_OK; });
    }

    // Stops the process and its descendants and waits until they are gone: each step's signal, then
    // its grace, then SIGKILL; without steps, those of its command. One that has ended already is
    // success. Fails with PM_ERROR_STOP_FAILED when something is left five seconds after the last
    // step.
    Result<void> stop(const std::vector<StopStep> &steps = {})
    {
        const auto ladder = detail::ladder(steps);
        return detail::done([&](pm_error **e) {
            return pm_process_stop(raw(), ladder.data(), ladder.size(), e);
        });
    }

    // Asks for the stop and returns at once; the exit callback or a wait tells its end.
    Result<void> begin_stop(const std::vector<StopStep> &steps = {})
    {
        const auto ladder = detail::ladder(steps);
        return detail::done([&](pm_error **e) {
            return pm_process_begin_stop(raw(), ladder.data(), ladder.size(), e);
        });
    }

    // Kills the tree and returns when it is gone, at most after five seconds: PM_ERROR_STOP_FAILED.
    Result<void> kill()
    {
        return detail::done([&](pm_error **e) { return pm_process_kill(raw(), e); });
    }

    // Sends a signal, 1 to 64, to the process and its descendants, and never to a stranger: fails
    // with PM_ERROR_CLOSED when it has ended.
    Result<void> signal(int signal)
    {
        return detail::done([&](pm_error **e) { return pm_process_signal(raw(), signal, e); });
    }

    // Suspends the process and its descendants (SIGSTOP). Fails as signal().
    Result<void> suspend()
    {
        return detail::done([&](pm_error **e) { return pm_process_suspend(raw(), e); });
    }

    // Resumes the process and its descendants (SIGCONT). Fails as signal().
    Result<void> resume()
    {
        return detail::done([&](pm_error **e) { return pm_process_resume(raw(), e); });
    }

    // Writes all to the child's standard input, however long the child takes to read it. Fails with
    // PM_ERROR_CLOSED when that is not piped or was closed, and with PM_ERROR_IO (EPIPE) when the
    // child has closed its end.
    Result<void> write(std::string_view data)
    {
        return detail::done([&](pm_error **e) {
            return pm_process_write(raw(), detail::bytes(data.data()), data.size(), -1, e);
        });
    }

    // As write(), for this long at most; false when the time is over, and a part may have been
    // written then.
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

    // Writes what the pipe takes now, without waiting, and gives the number of bytes; 0 when it is
    // full. Fails as write().
    Result<size_t> try_write(std::string_view data)
    {
        size_t written = 0;
        return detail::result<size_t>(
            [&](pm_error **e) {
                return pm_process_try_write(raw(), detail::bytes(data.data()), data.size(),
                                            &written, e);
            },
            [&](pm_status) { return written; });
    }

    // Ends the child's standard input. Fails with PM_ERROR_CLOSED when that is not piped or was
    // closed before.
    Result<void> close_stdin()
    {
        return detail::done([&](pm_error **e) { return pm_process_close_stdin(raw(), e); });
    }

    // A new reader of its output.
    Result<Output> output() const
    {
        pm_output *output = nullptr;
        return detail::result<Output>(
            [&](pm_error **e) { return pm_process_output(raw(), &output, e); },
            [&](pm_status) { return Output(output); });
    }

    // Calls function(const Record &) for each line or gap, from the oldest that is kept, inside
    // Manager::poll(). It replaces the one set before on this handle. The function is kept until it
    // is replaced or the last owner of the handle goes. Fails with PM_ERROR_CLOSED where the
    // manager is gone, or there is none.
    template <class F> Result<void> on_output(F function)
    {
        const auto call = [](pm_id, const pm_record *record, void *data) {
            detail::guarded([&] { (*static_cast<F *>(data))(Record(*record)); });
        };
        return detail::subscribe(raw(), pm_process_set_output_callback, call, std::move(function));
    }

    // Takes the function away that was set before.
    Result<void> on_output(std::nullptr_t)
    {
        return detail::unsubscribe(raw(), pm_process_set_output_callback);
    }

    // Calls function(const Exit &) once, after all output, inside Manager::poll(); else as
    // on_output().
    template <class F> Result<void> on_exit(F function)
    {
        const auto call = [](pm_id, const pm_exit *exit, void *data) {
            detail::guarded([&] { (*static_cast<F *>(data))(Exit(*exit)); });
        };
        return detail::subscribe(raw(), pm_process_set_exit_callback, call, std::move(function));
    }

    // Takes the function away that was set before.
    Result<void> on_exit(std::nullptr_t)
    {
        return detail::unsubscribe(raw(), pm_process_set_exit_callback);
    }

    // The handle of the C interface; borrowed.
    pm_process *raw() const noexcept { return handle_.get(); }

private:
    detail::Handle<pm_process, pm_process_free> handle_;
};

} // namespace process_manager

#endif // PROCESS_MANAGER_PROCESS_HPP
