// What is thrown, or put into a Result, when a call fails.
#ifndef PROCESS_MANAGER_ERROR_HPP
#define PROCESS_MANAGER_ERROR_HPP

#include <process_manager.h>

#include <exception>
#include <string>

#if defined(__cpp_exceptions)
#define PM_HAS_EXCEPTIONS 1
#else
#define PM_HAS_EXCEPTIONS 0
#endif

namespace process_manager {

// What went wrong in one call. A value: it owns its texts, and can be copied, kept and read on any
// thread.
class Error : public std::exception {
public:
    // Takes the error, which may be null: then the message is what the status means in general.
    Error(pm_status status, pm_error *raw)
        : status_(status), errno_(pm_error_errno(raw)), sudo_(pm_error_sudo(raw)),
          step_(pm_error_step(raw)),
          message_(raw ? pm_error_message(raw) : pm_status_string(status))
    {
        pm_error_free(raw);
    }

    // Takes an error that carries its own status; not null.
    explicit Error(pm_error *raw) : Error(static_cast<pm_status>(pm_error_status(raw)), raw) {}

    // The kind of failure: one of the PM_ERROR_ codes, never positive.
    pm_status status() const noexcept { return status_; }

    // The system's error number, 0 where there is none.
    int error_number() const noexcept { return errno_; }

    // The step at which a start failed ("exec", "chdir" ...), "" elsewhere.
    const std::string &step() const noexcept { return step_; }

    // Why sudo did not start the command; PM_SUDO_ERROR_NONE unless the status is
    // PM_ERROR_AUTHENTICATION_FAILED. What sudo itself said is in the message.
    pm_sudo_error sudo_error() const noexcept { return sudo_; }

    // What happened, in words; it names the argument, file or program. what() is the same text.
    const std::string &message() const noexcept { return message_; }
    const char *what() const noexcept override { return message_.c_str(); }

private:
    pm_status status_;
    int errno_;
    pm_sudo_error sudo_;
    std::string step_;
    std::string message_;
};

} // namespace process_manager

#endif // PROCESS_MANAGER_ERROR_HPP
