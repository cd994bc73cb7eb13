// Lines come while the process runs, by a callback and by a reader; its last words after SIGTERM, and
// its end after them.
#include "check.hpp"

#include <vector>

int main()
{
    std::vector<std::string> lines;
    bool ended = false;
    pm::Manager manager;
    pm::Process process = manager.start(pm::Command(child("ticker")).arg("10"));
    process.on_output([&](const pm::Record &record) {
        CHECK(!ended && record.source() == pm::Source::Stdout && record.sequence() > 0);
        lines.emplace_back(record.line());
    });
    process.on_exit([&](const pm::Exit &exit) { ended = exit.success(); });
    while (lines.size() < 3)
        manager.poll();
    CHECK(process.is_running() && lines[0] == "ready" && lines[1] == "tick 0");

    pm::Output output = process.output();
    CHECK(output.next()->line() == "ready" && output.next()->line() == "tick 0");
    process.begin_stop();
    while (!ended)
        manager.poll();
    CHECK(lines.back() == "stopping");
}
