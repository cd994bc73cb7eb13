// Starting as another user through sudo: whose it runs as, what is refused, and why; what the
// function that is asked for the password throws reaches the caller.
#include "check.hpp"

#include <cstring>
#include <grp.h>
#include <stdexcept>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace std::chrono_literals;

static void bad_options()
{
    const auto refused_for = [](pm_status status, const char *names, const pm::SudoOptions &options) {
        refused(status, names, [&] {
            pm::Process::start_with_sudo(pm::Command("/bin/true"), options);
        });
    };
    const std::string huge(512, 'x');
    pm::SudoOptions options;
    options.password = huge;
    refused_for(PM_ERROR_INVALID_ARGUMENT, "password", options);
    options.password = "two\nlines";
    refused_for(PM_ERROR_INVALID_ARGUMENT, "password", options);
    options.ask = [](char *, size_t) { return std::nullopt; };
    refused_for(PM_ERROR_INVALID_ARGUMENT, "options.ask", options);
    options = {};
    options.user = "\xff";
    refused_for(PM_ERROR_INVALID_ARGUMENT, "options.user", options);
    options.user = "no-such-user-here";
    refused_for(PM_ERROR_INVALID_ARGUMENT, "no-such-user-here", options);
    options = {};
    options.preserve_env = {"A=B"};
    refused_for(PM_ERROR_INVALID_ARGUMENT, "env", options);
    options = {};
    options.mode = static_cast<pm::SudoMode>(77);
    refused_for(PM_ERROR_INVALID_ARGUMENT, "options.mode", options);
}

static void runs_as_the_user()
{
    pm::Manager manager;
    pm::SudoOptions options;
    options.user = "#65534";
    options.timeout = 30s;
    options.preserve_env = {"PATH"};
    options.ask = [](char *, size_t) -> std::optional<size_t> { throw std::logic_error("asked"); };
    const pm::Process process = manager.start_with_sudo(pm::Command("/usr/bin/id").arg("-u"), options);
    CHECK(process.output().next()->line() == "65534");
    process.wait_closed();
}

// Who may not become root is told why.
static void as_nobody()
{
    CHECK(setenv("TMPDIR", "/tmp", 1) == 0);
    CHECK(setgroups(0, nullptr) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
    pm::SudoOptions options;
    bool asked = false;
    options.ask = [&](char *buffer, size_t capacity) -> std::optional<size_t> {
        std::memset(buffer, 'x', capacity);
        asked = true;
        return std::nullopt;
    };
    const auto start = [&] { pm::Process::start_with_sudo(pm::Command("/bin/true"), options); };
    try {
        start();
        CHECK(!"refused");
    } catch (const pm::Error &error) {
        CHECK(error.status() == PM_ERROR_AUTHENTICATION_FAILED);
        CHECK(error.sudo_error() ==
              (asked ? PM_SUDO_ERROR_NO_PASSWORD : PM_SUDO_ERROR_NOT_PERMITTED));
    }
    if (!asked)
        return;
    options.ask = [](char *, size_t) -> std::optional<size_t> { throw std::logic_error("mine"); };
    try {
        start();
        CHECK(!"thrown");
    } catch (const std::logic_error &error) {
        CHECK(std::string_view(error.what()) == "mine");
    }
}

int main()
{
    bad_options();
    if (geteuid() != 0 || access("/usr/bin/sudo", X_OK) != 0) {
        std::printf("skipped: needs root and sudo\n");
        return 77;
    }
    const pid_t nobody = fork();
    if (nobody == 0) {
        as_nobody();
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(nobody, &status, 0) == nobody && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    // What runs as another user is in the directory for temporary files.
    CHECK(chmod(std::getenv("TMPDIR"), 0711) == 0);
    runs_as_the_user();
}
