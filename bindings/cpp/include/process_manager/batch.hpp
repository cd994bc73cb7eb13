// Starting several commands in one call.
#ifndef PROCESS_MANAGER_BATCH_HPP
#define PROCESS_MANAGER_BATCH_HPP

#include <process_manager/process.hpp>

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

namespace detail {

// The handles of commands, borrowed, for calls that take several; and the first mistake in one.
class Batch {
public:
    explicit Batch(const std::vector<Command> &commands) : started(commands.size())
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

    std::vector<const pm_command *> handles;
    std::vector<pm_process *> started;

private:
    const Command *mistaken_ = nullptr;
};

} // namespace detail

} // namespace process_manager

#endif // PROCESS_MANAGER_BATCH_HPP
