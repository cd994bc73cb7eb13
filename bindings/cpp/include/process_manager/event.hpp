// What happens to the processes of a manager.
#ifndef PROCESS_MANAGER_EVENT_HPP
#define PROCESS_MANAGER_EVENT_HPP

#include <process_manager/info.hpp>

namespace process_manager {

// One event; a view, valid until the callback returns.
class Event {
public:
    // Borrows.
    explicit Event(const pm_event &raw) noexcept : raw_(&raw) {}

    // What happened: one of the PM_EVENT_ kinds.
    pm_event_kind kind() const noexcept { return raw_->kind; }

    // The process; all zero for PM_EVENT_MISSED.
    Id process() const noexcept { return raw_->process; }

    // How the process ended; only for PM_EVENT_EXITED.
    Exit exit() const noexcept { return Exit(raw_->exit); }

    // Events that went because they were not polled in time; 0 unless this is PM_EVENT_MISSED.
    uint64_t missed() const noexcept { return raw_->missed; }

    // When the library saw it.
    TimePoint time() const noexcept { return TimePoint(std::chrono::nanoseconds(raw_->time)); }

private:
    const pm_event *raw_;
};

} // namespace process_manager

#endif // PROCESS_MANAGER_EVENT_HPP
