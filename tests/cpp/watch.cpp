// Events and output of all processes as ranges, in one order; they end with the manager.
#include "check.hpp"

#include <map>
#include <optional>
#include <vector>

using namespace std::chrono_literals;

int main()
{
    std::optional<pm::Manager> manager(std::in_place);
    pm::Events events = manager->events();
    pm::Watch watch = manager->watch();
    CHECK(!events.next_for(0s) && !events.is_over());
    CHECK(!watch.next_for(1ms) && !watch.is_over());

    std::map<pm::Id, std::string> text;
    for (const char *word : {"one", "two"}) {
        const pm::Process process =
            manager->start(pm::Command("sh").args({"-c", "echo $0; echo $0; exit 4", word}));
        text[process.id()];
    }
    size_t closed = 0;
    for (const pm::WatchItem &item : watch) {
        CHECK(item.event().has_value() != item.record().has_value());
        if (const auto record = item.record()) {
            text.at(item.process()) += record->line();
        } else if (item.event()->kind() == PM_EVENT_CLOSED) {
            const std::string &all = text.at(item.process());
            CHECK(all == "oneone" || all == "twotwo"); // all of it came before
            if (++closed == 2)
                break;
        }
    }

    std::map<pm::Id, std::vector<pm_event_kind>> kinds;
    for (size_t ends = 0; ends < 2;) {
        const std::optional<pm::Event> event = events.next();
        CHECK(event && event->time().time_since_epoch() > 0s);
        kinds[event->process()].push_back(event->kind());
        if (event->kind() == PM_EVENT_EXITED)
            CHECK(event->exit().code() == 4);
        ends += event->kind() == PM_EVENT_CLOSED;
    }
    const std::vector<pm_event_kind> expected = {PM_EVENT_STARTED, PM_EVENT_EXITED, PM_EVENT_CLOSED};
    CHECK(kinds.size() == 2);
    for (const auto &[process, order] : kinds)
        CHECK(text.count(process) == 1 && order == expected);

    manager.reset();
    for (const pm::Event &event : events)
        CHECK(event.kind() == PM_EVENT_MISSED);
    for (const pm::WatchItem &item : watch)
        CHECK(item.event().has_value());
    CHECK(events.is_over() && watch.is_over());
}
