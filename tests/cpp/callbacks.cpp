// The function of a callback is kept until it is replaced, taken away or its object gone, also when
// the registration fails; objects may go inside their own callback; a poll inside one is refused.
#include "check.hpp"

#include <memory>
#include <optional>

using namespace std::chrono_literals;

int main()
{
    const auto kept = std::make_shared<int>(0);
    pm::Manager manager;
    std::optional<pm::Process> process =
        manager.start(pm::Command("printf").arg("1\\n2\\n3\\n"));

    process->on_output([kept](const pm::Record &) {});
    process->on_output([kept](const pm::Record &) {});
    CHECK(kept.use_count() == 2);
    process->on_output(nullptr);
    process->on_exit([kept](const pm::Exit &) {});
    process->on_exit(nullptr);
    CHECK(kept.use_count() == 1);

    pm::Process alone = pm::Process::start(pm::Command("true"));
    refused(PM_ERROR_CLOSED, "", [&] { alone.on_output([kept](const pm::Record &) {}); });
    refused(PM_ERROR_CLOSED, "", [&] { alone.on_exit([kept](const pm::Exit &) {}); });
    CHECK(kept.use_count() == 1);

    bool is_done = false;
    const pm::Process same = process->share();
    process->on_output([&, kept](const pm::Record &record) {
        refused(PM_ERROR_REENTRANT, "", [&] { manager.poll_for(0s); });
        is_done = record.line() == "3";
        process.reset();
    });
    while (!is_done) // the other owner keeps the callback
        manager.poll();
    CHECK(kept.use_count() == 2);

    std::optional<pm::Process> last = manager.start(pm::Command("printf").arg("1\\n2\\n"));
    int lines = 0;
    last->on_output([&, kept](const pm::Record &) {
        ++lines;
        last.reset();
        CHECK(kept.use_count() == 3); // until it returns
    });
    while (kept.use_count() == 3)
        manager.poll_for(10s);
    CHECK(lines == 1 && kept.use_count() == 2);

    manager.wake();
    CHECK(manager.poll() == 0 && manager.fd() >= 0);
    CHECK(pm::version() == PM_VERSION_STRING && pm::version_number() == PM_VERSION_NUMBER);
}
