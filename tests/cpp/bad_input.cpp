// Each bad input is an exception with its own status and a message that names it.
#include "check.hpp"

static void refused(pm_status status, const char *names, pm::Manager &manager,
                    const pm::Command &command)
{
    try {
        manager.start(command);
    } catch (const pm::Error &error) {
        CHECK(error.status() == status);
        CHECK(std::string_view(error.what()).find(names) != std::string_view::npos);
        CHECK(manager.count() == 0);
        return;
    }
    CHECK(!"refused");
}

int main()
{
    using namespace std::string_view_literals;
    pm::Manager manager;
    refused(PM_ERROR_BINARY_NOT_FOUND, "absent", manager, pm::Command::binary("absent"));
    refused(PM_ERROR_PROGRAM_NOT_FOUND, "/no/such", manager, pm::Command("/no/such"));
    refused(PM_ERROR_IS_A_DIRECTORY, "/tmp", manager, pm::Command("/tmp"));
    refused(PM_ERROR_INVALID_ARGUMENT, "program", manager, pm::Command(""));
    refused(PM_ERROR_INVALID_ARGUMENT, "args[0]", manager, pm::Command("true").arg("a\0b"sv));
    refused(PM_ERROR_WORKING_DIRECTORY, "/no/dir", manager, pm::Command("true").directory("/no/dir"));
    refused(PM_ERROR_NOT_EXECUTABLE, "/etc/passwd", manager, pm::Command("/etc/passwd"));

    try {
        pm::Command("true").name("\xff");
        CHECK(!"refused");
    } catch (const pm::Error &error) {
        CHECK(error.status() == PM_ERROR_INVALID_ARGUMENT);
    }
    try {
        pm::Process::start(pm::Command("/no/such"));
        CHECK(!"refused");
    } catch (const pm::Error &error) {
        CHECK(error.error_number() == ENOENT && error.step() == "exec");
    }
}
