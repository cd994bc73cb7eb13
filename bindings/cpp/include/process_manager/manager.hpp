// Many processes: starting, listing, polling and stopping them.
#ifndef PROCESS_MANAGER_MANAGER_HPP
#define PROCESS_MANAGER_MANAGER_HPP

#include <process_manager/batch.hpp>
#include <process_manager/extractor.hpp>
#include <process_manager/run.hpp>
#include <process_manager/watch.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace process_manager {

// A registry of processes over one extractor. When the last owner goes, every process that the
// program holds no Process of is ended as its command says, by default by killing its tree. Any
// thread may call any member at once with others, except poll(): one thread at a time.
class Manager {
public:
    // Over this extractor, which it keeps. It costs nothing until the first process: no thread, no
    // descriptor.
    static Result<Manager> create(const Extractor &extractor) { return create(extractor.raw()); }

    // With an extractor of its own, which makes its directory when a binary is added.
    static Result<Manager> create() { return create(nullptr); }
#if PM_HAS_EXCEPTIONS
    // As create().
    Manager() : Manager(create()) {}
    explicit Manager(const Extractor &extractor) : Manager(create(extractor)) {}
#endif
    // Takes a handle of the C interface.
    explicit Manager(pm_manager *raw) noexcept : handle_(raw) {}

    // Another owner of the same manager.
    Manager share() const { return Manager(pm_manager_ref(raw())); }

    // Its extractor: binaries can be added and replaced while processes run.
    Result<Extractor> extractor() const
    {
        pm_extractor *extractor = nullptr;
        return detail::result<Extractor>(
            [&](pm_error **e) { return pm_manager_extractor(raw(), &extractor, e); },
            [&](pm_status) { return Extractor(extractor); });
    }

    // Starts a process. Fails with PM_ERROR_INVALID_ARGUMENT, naming the option;
    // PM_ERROR_BINARY_NOT_FOUND; a status that says why it was not started
    // (PM_ERROR_PROGRAM_NOT_FOUND ... PM_ERROR_RESOURCE_LIMIT, PM_ERROR_START_FAILED), with
    // Error::step() and the errno; PM_ERROR_UNSUPPORTED; PM_ERROR_FORKED. Nothing is left then.
    Result<Process> start(const Command &command)
    {
        pm_process *process = nullptr;
        return detail::with<Process>(
            command,
            [&](pm_error **e) { return pm_manager_start(raw(), command.raw(), &process, e); },
            [&](pm_status) { return Process(process); });
    }

    // Starts all of them or none: the first failure ends those that were started, and is told.
    Result<std::vector<Process>> start_all(const std::vector<Command> &commands)
    {
        return start_many(commands, pm_manager_start_all);
    }

    // Starts a pipeline of at least one, all of it or nothing: the standard output of each but the
    // last goes to the standard input of the next. The rest is as the commands say.
    Result<std::vector<Process>> start_pipeline(const std::vector<Command> &commands)
    {
        return start_many(commands, pm_manager_start_pipeline);
    }

    // Starts each of them, whatever happens to the others; one answer for each, in their order.
    // Without exceptions, a mistake in the options of one refuses the call as a whole.
    Result<std::vector<Started>> start_each(const std::vector<Command> &commands)
    {
        detail::Batch batch(commands);
        return batch.result<std::vector<Started>>(
            [&](pm_error **e) {
                return pm_manager_start_each(raw(), batch.handles.data(), batch.handles.size(),
                                             batch.started.data(), batch.errors.data(), e);
            },
            [&](pm_status) { return batch.each_started(); });
    }

    // Starts a process as the user that the options name: through sudo, unless the host is that
    // user already. Talks to sudo on this thread, until sudo has started the command or refused.
    // Fails as start(); with PM_ERROR_AUTHENTICATION_FAILED, where Error::sudo_error() says why;
    // with PM_ERROR_INVALID_ARGUMENT for a user that does not exist or a password that sudo would
    // misread; with PM_ERROR_UNSUPPORTED for what sudo does not leave to the host.
    Result<Process> start_with_sudo(const Command &command, const SudoOptions &options = {})
    {
        return detail::start_with_sudo<Process>(
            command, options, [&](const pm_sudo_options *all, pm_process **process, pm_error **e) {
                return pm_manager_start_with_sudo(raw(), command.raw(), all, process, e);
            });
    }

    // As process_manager::run(), with the manager's binaries.
    Result<RunResult> run(const Command &command, const RunOptions &options = {})
    {
        const pm_run_options all = detail::run_options(options);
        pm_run_result *result = nullptr;
        return detail::with<RunResult>(
            command,
            [&](pm_error **e) { return pm_manager_run(raw(), command.raw(), &all, &result, e); },
            [&](pm_status) { return detail::run_result(result); });
    }

    // Runs all of the commands to their end on this thread, at most `parallel` (1 or more) at a
    // time; one answer for each, in their order. The options bound each run. Fails as a whole with
    // PM_ERROR_INVALID_ARGUMENT (without exceptions also for a mistake in the options of a
    // command).
    Result<std::vector<Ran>> run_many(const std::vector<Command> &commands, size_t parallel,
                                      const RunOptions &options = {})
    {
        const pm_run_options all = detail::run_options(options);
        detail::Batch batch(commands);
        return batch.result<std::vector<Ran>>(
            [&](pm_error **e) {
                return pm_manager_run_many(raw(), batch.handles.data(), batch.handles.size(),
                                           parallel, &all, batch.ran.data(), batch.errors.data(),
                                           e);
            },
            [&](pm_status) { return batch.each_ran(); });
    }

    // A handle of a process of the manager. Fails with PM_ERROR_PROCESS_NOT_FOUND.
    Result<Process> process(Id id) const
    {
        pm_process *process = nullptr;
        return detail::result<Process>(
            [&](pm_error **e) { return pm_manager_process(raw(), id.raw(), &process, e); },
            [&](pm_status) { return Process(process); });
    }

    // The facts about a process of the manager. Fails with PM_ERROR_PROCESS_NOT_FOUND.
    Result<Info> info(Id id) const
    {
        pm_info *info = nullptr;
        return detail::result<Info>(
            [&](pm_error **e) { return pm_manager_info(raw(), id.raw(), &info, e); },
            [&](pm_status) { return detail::info(info); });
    }

    // The facts about all processes, or about those that run, in the order of their starts.
    Result<std::vector<Info>> list() const { return list(false); }
    Result<std::vector<Info>> running() const { return list(true); }

    // The number of processes that the manager knows, and of those that run.
    size_t count() const noexcept { return pm_manager_count(raw()); }
    size_t running_count() const noexcept { return pm_manager_running_count(raw()); }

    // As Process::stop(). Fails with PM_ERROR_PROCESS_NOT_FOUND too.
    Result<void> stop(Id id, const std::vector<StopStep> &steps = {})
    {
        const auto ladder = detail::ladder(steps);
        return detail::done([&](pm_error **e) {
            return pm_manager_stop(raw(), id.raw(), ladder.data(), ladder.size(), e);
        });
    }

    // Stops all processes: every tree is signalled first, then all share one deadline. Without
    // steps, each by its own. Fails with PM_ERROR_STOP_FAILED, naming those that are left.
    Result<void> stop_all(const std::vector<StopStep> &steps = {})
    {
        const auto ladder = detail::ladder(steps);
        return detail::done([&](pm_error **e) {
            return pm_manager_stop_all(raw(), ladder.data(), ladder.size(), e);
        });
    }

    // Kills the tree of a process, waits until it is gone (at most five seconds) and removes it
    // from the manager. Fails with PM_ERROR_STOP_FAILED, and it is not removed then.
    Result<void> kill(Id id)
    {
        return detail::done([&](pm_error **e) { return pm_manager_kill(raw(), id.raw(), e); });
    }

    // Takes a process, running or not, out of the manager without ending it: what becomes of it is
    // the affair of its handles from now on. Fails with PM_ERROR_PROCESS_NOT_FOUND.
    Result<Process> take(Id id)
    {
        pm_process *process = nullptr;
        return detail::result<Process>(
            [&](pm_error **e) { return pm_manager_take(raw(), id.raw(), &process, e); },
            [&](pm_status) { return Process(process); });
    }

    // Ends all processes as letting go of the last handle would, whoever still has handles of them,
    // and waits, for this long at most, for those that are killed: for the end of a program.
    Result<void> end_all(Milliseconds wait)
    {
        return detail::done([&](pm_error **e) {
            return pm_manager_end_all(raw(), detail::short_ms(wait), e);
        });
    }

    // Removes a process that has ended; while it runs that is PM_ERROR_INVALID_ARGUMENT.
    Result<void> remove(Id id)
    {
        return detail::done([&](pm_error **e) { return pm_manager_remove(raw(), id.raw(), e); });
    }

    // Sets how many ended processes are remembered; beyond that the oldest go. 1024 if never set.
    Result<void> set_retention(size_t count)
    {
        return detail::done([&](pm_error **e) {
            return pm_manager_set_retention(raw(), count, e);
        });
    }

    // A new subscription to the events of the manager.
    Result<Events> events()
    {
        pm_events *events = nullptr;
        return detail::result<Events>(
            [&](pm_error **e) { return pm_manager_events(raw(), &events, e); },
            [&](pm_status) { return Events(events); });
    }

    // A new watch over the manager: events and output together.
    Result<Watch> watch()
    {
        pm_watch *watch = nullptr;
        return detail::result<Watch>(
            [&](pm_error **e) { return pm_manager_watch(raw(), &watch, e); },
            [&](pm_status) { return Watch(watch); });
    }

    // Waits until there is something to tell, runs the callbacks for all that is ready, on this
    // thread, and gives the number of calls; 0 after wake(). It drives the engine meanwhile. Fails
    // with PM_ERROR_REENTRANT inside a callback, PM_ERROR_BUSY while another thread polls,
    // PM_ERROR_CLOSED when another thread lets the manager go. Throws what a callback threw.
    Result<size_t> poll() { return poll_ms(-1); }

    // As poll(), for this long at most; 0 when the time is over.
    template <class Rep, class Period>
    Result<size_t> poll_for(std::chrono::duration<Rep, Period> time)
    {
        return poll_ms(detail::ms(time));
    }

    // Has the callbacks called directly, on a thread of the library, from now on: for programs
    // without a loop of their own. One that throws ends the program. poll() gives PM_ERROR_BUSY
    // then.
    Result<void> deliver_directly()
    {
        return detail::done([&](pm_error **e) { return pm_manager_deliver_directly(raw(), e); });
    }

    // Makes a poll that waits on another thread return at once, or else the next poll.
    Result<void> wake()
    {
        return detail::done([&](pm_error **e) { return pm_manager_wake(raw(), e); });
    }

    // A descriptor for the program's own event loop: readable (level-triggered) when a poll_for(0)
    // would find something to do. Never to be read, written or closed; valid as long as the
    // manager.
    Result<int> fd()
    {
        int fd = -1;
        return detail::result<int>([&](pm_error **e) { return pm_manager_fd(raw(), &fd, e); },
                                   [&](pm_status) { return fd; });
    }

    // Calls function(Id, const Record &) for each line or gap of all processes, those that the
    // manager knows (from the oldest output that is kept) and those to come. It replaces the one
    // set before. The function is kept until it is replaced or the last owner of the manager goes.
    template <class F> Result<void> on_output(F function)
    {
        const auto call = [](pm_id id, const pm_record *record, void *data) {
            detail::guarded([&] { (*static_cast<F *>(data))(Id(id), Record(*record)); });
        };
        return detail::subscribe(raw(), pm_manager_set_output_callback, call, std::move(function));
    }

    // Calls function(Id, const Exit &) at the end of each process, after its output; else as
    // on_output().
    template <class F> Result<void> on_exit(F function)
    {
        const auto call = [](pm_id id, const pm_exit *exit, void *data) {
            detail::guarded([&] { (*static_cast<F *>(data))(Id(id), Exit(*exit)); });
        };
        return detail::subscribe(raw(), pm_manager_set_exit_callback, call, std::move(function));
    }

    // Calls function(const Event &) for each event from now on; else as on_output().
    template <class F> Result<void> on_event(F function)
    {
        const auto call = [](const pm_event *event, void *data) {
            detail::guarded([&] { (*static_cast<F *>(data))(Event(*event)); });
        };
        return detail::subscribe(raw(), pm_manager_set_event_callback, call, std::move(function));
    }

    // Takes the function away that was set before.
    Result<void> on_output(std::nullptr_t)
    {
        return detail::unsubscribe(raw(), pm_manager_set_output_callback);
    }
    Result<void> on_exit(std::nullptr_t)
    {
        return detail::unsubscribe(raw(), pm_manager_set_exit_callback);
    }
    Result<void> on_event(std::nullptr_t)
    {
        return detail::unsubscribe(raw(), pm_manager_set_event_callback);
    }

    // The handle of the C interface; borrowed.
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
        detail::Batch batch(commands);
        return batch.result<std::vector<Process>>(
            [&](pm_error **e) {
                return start(raw(), batch.handles.data(), batch.handles.size(),
                             batch.started.data(), e);
            },
            [&](pm_status) { return batch.processes(); });
    }

    Result<std::vector<Info>> list(bool only_running) const
    {
        pm_info_list *list = nullptr;
        return detail::result<std::vector<Info>>(
            [&](pm_error **e) { return pm_manager_list(raw(), only_running, &list, e); },
            [&](pm_status) { return detail::infos(list); });
    }

    Result<size_t> poll_ms(int64_t timeout)
    {
        size_t calls = 0;
        return detail::result<size_t>(
            [&](pm_error **e) {
                return detail::collecting(
                    [&] { return pm_manager_poll(raw(), timeout, &calls, e); }, e);
            },
            [&](pm_status) { return calls; });
    }

    detail::Handle<pm_manager, pm_manager_free> handle_;
};

} // namespace process_manager

#endif // PROCESS_MANAGER_MANAGER_HPP
