// Callbacks of the whole manager get all output and every end of all processes, those that run
// already and those to come, and its events; until they are taken away.
#include "check.hpp"

#include <map>
#include <memory>

int main()
{
    std::map<pm::Id, std::string> text;
    std::map<pm::Id, int> codes;
    int started = 0, closed = 0;
    const auto kept = std::make_shared<int>(0);
    pm::Manager manager;
    const auto echo = [&](const char *word, const char *code) {
        return manager.start(
            pm::Command("sh").args({"-c", "echo $0; echo err >&2; exit $1", word, code}));
    };

    const pm::Process before = echo("one", "3");
    manager.on_output([&, kept](pm::Id id, const pm::Record &record) {
        CHECK(codes.count(id) == 0); // output comes before the end
        text[id] += record.source() == pm::Source::Stdout ? record.line() : "!";
    });
    manager.on_exit([&, kept](pm::Id id, const pm::Exit &exit) { codes[id] = exit.code().value(); });
    manager.on_event([&, kept](const pm::Event &event) {
        started += event.kind() == PM_EVENT_STARTED;
        closed += event.kind() == PM_EVENT_CLOSED;
        CHECK(event.kind() != PM_EVENT_MISSED && event.missed() == 0);
    });
    const pm::Process after = echo("two", "4");
    while (codes.size() < 2 || closed < 1)
        manager.poll();
    for (const auto &[process, word, code] :
         {std::tuple(before.id(), "one", 3), std::tuple(after.id(), "two", 4)}) {
        CHECK(text[process] == std::string(word) + "!" || text[process] == "!" + std::string(word));
        CHECK(codes[process] == code);
    }
    CHECK(started == 1);

    CHECK(kept.use_count() == 4);
    manager.on_output(nullptr);
    CHECK(kept.use_count() == 3);
    manager.on_event(nullptr);
    manager.on_exit([](pm::Id, const pm::Exit &) {});
    CHECK(kept.use_count() == 1);
}
