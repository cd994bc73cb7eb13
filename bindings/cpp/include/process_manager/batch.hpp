// Starting, or running to the end, several commands in one call.
#ifndef PROCESS_MANAGER_BATCH_HPP
#define PROCESS_MANAGER_BATCH_HPP

#include <process_manager/process.hpp>
#include <process_manager/run.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace process_manager {

// What became of one command of Manager::start_each().
struct Started {
    // True if it was started.
    explicit operator bool() const noexcept { return !error; }

    Process process;            // of no process if the start failed
    std::optional<Error> error; // why it failed
};

// What became of one command of Manager::run_many().
struct Ran {
    // True if it was started; its result says how it ended.
    explicit operator bool() const noexcept { return result.has_value(); }

    std::optional<RunResult> result; // what it left
    std::optional<Error> error;      // why it could not be started
};

namespace detail {

// The handles of commands, borrowed, for calls that take several; and the first mistake in one.
class Batch {
public:
    explicit Batch(const std::vector<Command> &commands)
        : started(commands.size()), ran(commands.size()), errors(commands.size())
    {
        for (const Command &command : commands) {
            if (!mistaken_ && command.mistake())
                mistaken_ = &command;
            handles.push_back(command.raw());
        }
    }

    // Makes a call that needs commands without a mistake.
    template <class T, class Call, class Make> Result<T> result(Call &&call, Make &&make)
    {
        if (mistaken_)
            return with<T>(*mistaken_, call, make);
        return detail::result<T>(call, make);
    }

    // Takes the handles of the processes that were started.
    std::vector<Process> processes()
    {
        std::vector<Process> all;
        for (pm_process *process : started)
            all.emplace_back(process);
        return all;
    }

    // As processes(), with the errors.
    std::vector<Started> each_started()
    {
        std::vector<Started> all;
        for (size_t at = 0; at < errors.size(); ++at)
            all.push_back({Process(started[at]), error(at)});
        return all;
    }

    // Takes the results of the runs, and the errors.
    std::vector<Ran> each_ran()
    {
        std::vector<Ran> all(errors.size());
        for (size_t at = 0; at < errors.size(); ++at) {
            if (ran[at])
                all[at].result = run_result(ran[at]);
            all[at].error = error(at);
        }
        return all;
    }

    std::vector<const pm_command *> handles;
    std::vector<pm_process *> started;
    std::vector<pm_run_result *> ran;
    std::vector<pm_error *> errors;

private:
    // Takes the error, if there is one.
    std::optional<Error> error(size_t at)
    {
        return errors[at] ? std::optional<Error>(Error(errors[at])) : std::nullopt;
    }

    const Command *mistaken_ = nullptr;
};

} // namespace detail

} // namespace process_manager

#endif // PROCESS_MANAGER_BATCH_HPP
