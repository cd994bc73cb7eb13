// The ladder goes on after its grace where SIGTERM is ignored; the steps of a call come before those
// of the command.
#include "check.hpp"

#include <csignal>

using namespace std::chrono_literals;

int main()
{
    pm::Manager manager;
    pm::Process stubborn = start_ready(manager, "ignore_term");
    refused(PM_ERROR_INVALID_ARGUMENT, "signal", [&] { stubborn.signal(0); });
    refused(PM_ERROR_INVALID_ARGUMENT, "signal", [&] { stubborn.signal(65); });
    stubborn.suspend();
    stubborn.resume();
    stubborn.stop({{SIGTERM, 50ms}, {SIGUSR1, 20s}});
    CHECK(stubborn.wait().signal() == SIGUSR1);
    CHECK(stubborn.state() == pm::State::Stopped && stubborn.info().stop_requested);
    refused(PM_ERROR_CLOSED, "", [&] { stubborn.signal(SIGTERM); });

    const pm::Command command =
        pm::Command(child("ignore_term")).stop_steps({{SIGTERM, 50ms}, {SIGUSR2, 20s}});
    pm::Process own = manager.start(command);
    CHECK(own.output().next());
    own.begin_stop();
    CHECK(own.wait().signal() == SIGUSR2);

    pm::Process killed = start_ready(manager, "ignore_term");
    killed.kill();
    CHECK(killed.wait().signal() == SIGKILL);

    const pm::Process by_id = start_ready(manager, "ticker");
    manager.stop(by_id.id());
    CHECK(by_id.wait().success());
    manager.remove(by_id.id());
    refused(PM_ERROR_PROCESS_NOT_FOUND, "", [&] { manager.info(by_id.id()); });
    refused(PM_ERROR_PROCESS_NOT_FOUND, "", [&] { manager.kill(by_id.id()); });
    refused(PM_ERROR_PROCESS_NOT_FOUND, "", [&] { manager.process(by_id.id()); });
}
