// The events and the output of all processes of a manager, without callbacks.
#ifndef PROCESS_MANAGER_WATCH_HPP
#define PROCESS_MANAGER_WATCH_HPP

#include <process_manager/event.hpp>
#include <process_manager/reader.hpp>
#include <process_manager/record.hpp>

#include <optional>

namespace process_manager {

// The events of a manager from the moment on at which this was made. It is a range of events, for
// one pass. An event is valid until the next one is asked for. One thread at a time with each.
class Events {
public:
    // Takes a handle of the C interface.
    explicit Events(pm_events *raw) noexcept : handle_(raw) {}

    // Waits for the next event; none when the manager is gone. Fails with PM_ERROR_FORKED.
    Result<std::optional<Event>> next() { return next_ms(-1); }

    // As next(), for this long at most; none also when the time is over: is_over() tells which.
    template <class Rep, class Period>
    Result<std::optional<Event>> next_for(std::chrono::duration<Rep, Period> time)
    {
        return next_ms(detail::ms(time));
    }

    // True when the manager is gone and no more can come.
    bool is_over() const noexcept { return events_.is_over(); }

    // The handle of the C interface; borrowed.
    pm_events *raw() const noexcept { return handle_.get(); }

#if PM_HAS_EXCEPTIONS
    // Each step waits for an event, as next() does.
    using iterator = detail::Iterator<Events, Event>;
    iterator begin() { return iterator(this); }
    iterator end() { return iterator(); }
#endif

private:
    Result<std::optional<Event>> next_ms(int64_t timeout)
    {
        return events_.next([&](const pm_event **event, size_t *count, pm_error **e) {
            const pm_status status = pm_events_next(raw(), timeout, event, e);
            *count = status == PM_OK ? 1 : 0;
            return status;
        });
    }

    detail::Handle<pm_events, pm_events_free> handle_;
    detail::Views<Event, pm_event> events_;
};

// What happened to a process, or what it wrote: one of the two. A view, valid as long as what gave
// it says.
class WatchItem {
public:
    // Borrows.
    explicit WatchItem(const pm_watch_item &raw) noexcept : raw_(&raw) {}

    // The process; all zero for PM_EVENT_MISSED.
    Id process() const noexcept { return raw_->process; }

    // What happened; none where it is output.
    std::optional<Event> event() const noexcept
    {
        return raw_->event ? std::optional<Event>(Event(*raw_->event)) : std::nullopt;
    }

    // A line, or a gap; none where it is an event.
    std::optional<Record> record() const noexcept
    {
        return raw_->record ? std::optional<Record>(Record(*raw_->record)) : std::nullopt;
    }

private:
    const pm_watch_item *raw_;
};

// The events and the output of all processes of a manager, in one order: all output of a process
// comes before its PM_EVENT_CLOSED. Processes that run already take part with the output that is
// kept. It is a range of items, for one pass:
//     for (const WatchItem &item : watch) ...
// An item is valid until the next one is asked for. One thread at a time with each watch.
class Watch {
public:
    // Takes a handle of the C interface.
    explicit Watch(pm_watch *raw) noexcept : handle_(raw) {}

    // Waits for the next item; none when the manager is gone. Fails with PM_ERROR_FORKED.
    Result<std::optional<WatchItem>> next() { return next_ms(-1); }

    // As next(), for this long at most; none also when the time is over: is_over() tells which.
    template <class Rep, class Period>
    Result<std::optional<WatchItem>> next_for(std::chrono::duration<Rep, Period> time)
    {
        return next_ms(detail::ms(time));
    }

    // True when the manager is gone and no more can come.
    bool is_over() const noexcept { return items_.is_over(); }

    // The handle of the C interface; borrowed.
    pm_watch *raw() const noexcept { return handle_.get(); }

#if PM_HAS_EXCEPTIONS
    // Each step waits for an item, as next() does.
    using iterator = detail::Iterator<Watch, WatchItem>;
    iterator begin() { return iterator(this); }
    iterator end() { return iterator(); }
#endif

private:
    Result<std::optional<WatchItem>> next_ms(int64_t timeout)
    {
        return items_.next([&](const pm_watch_item **items, size_t *count, pm_error **e) {
            return pm_watch_next(raw(), timeout, items, count, e);
        });
    }

    detail::Handle<pm_watch, pm_watch_free> handle_;
    detail::Views<WatchItem, pm_watch_item> items_;
};

} // namespace process_manager

#endif // PROCESS_MANAGER_WATCH_HPP
