// In a forked copy of the host every call on an old object is refused, and the end of one ends no
// process. The copy keeps memory of threads that it does not have. not: valgrind
#include "check.hpp"

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

using namespace std::chrono_literals;

static void copy_of_the_host(pm::Manager manager, pm::Process process, pm::Output output)
{
    refused(PM_ERROR_FORKED, "", [&] { manager.poll_for(0s); });
    refused(PM_ERROR_FORKED, "", [&] { manager.start(pm::Command("true")); });
    refused(PM_ERROR_FORKED, "", [&] { manager.stop_all(); });
    refused(PM_ERROR_FORKED, "", [&] { process.stop(); });
    refused(PM_ERROR_FORKED, "", [&] { process.kill(); });
    refused(PM_ERROR_FORKED, "", [&] { process.signal(SIGKILL); });
    refused(PM_ERROR_FORKED, "", [&] { process.wait_for(0s); });
    refused(PM_ERROR_FORKED, "", [&] { output.next_for(0s); });
}

int main()
{
    pm::Manager manager;
    pm::Process process = manager.start(pm::Command(child("ticker")));
    pm::Output output = process.output();
    CHECK(output.next()->line() == "ready");

    const pid_t copy = fork();
    if (copy == 0) {
        copy_of_the_host(std::move(manager), std::move(process), std::move(output));
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(copy, &status, 0) == copy && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(output.next() && process.is_running());
    process.stop();
    CHECK(process.wait().success());
}
