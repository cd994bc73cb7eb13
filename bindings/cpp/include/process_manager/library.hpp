// The library itself: its version, and its messages about itself.
#ifndef PROCESS_MANAGER_LIBRARY_HPP
#define PROCESS_MANAGER_LIBRARY_HPP

#include <process_manager/callback.hpp>

#include <string_view>
#include <utility>

namespace process_manager {

// How much a message matters.
enum class LogLevel {
    Off = PM_LOG_OFF,     // nothing at all
    Error = PM_LOG_ERROR, // something failed that nobody else can be told of
    Warn = PM_LOG_WARN,   // something is not as it should be
    Info = PM_LOG_INFO,   // what happens, in large
    Debug = PM_LOG_DEBUG, // what happens, for those who search a mistake
    Trace = PM_LOG_TRACE, // everything
};

// The version of the library that is loaded, "0.1.0"; that of the headers is PM_VERSION_STRING.
inline std::string_view version() noexcept { return pm_version_string(); }

// The same as a number, to be compared with PM_VERSION_NUMBER.
inline uint32_t version_number() noexcept { return pm_version_number(); }

// Calls function(LogLevel, std::string_view) for each message of the library about itself, in the
// whole program, on the thread where it arises, one at a time; it must not throw and not use the
// library. It replaces the one set before. LogLevel::Off ends that: do so before the program ends.
// Any thread, but not from a callback.
template <class F> Result<void> set_log(LogLevel level, F function)
{
    const auto call = [](uint32_t level, const char *message, void *data) {
        detail::guarded([&] { (*static_cast<F *>(data))(static_cast<LogLevel>(level), message); });
    };
    auto *data = new F(std::move(function));
    return detail::done([&](pm_error **e) {
        return pm_set_log_callback(detail::number(level),
                                   level == LogLevel::Off ? nullptr
                                                          : static_cast<pm_log_callback>(call),
                                   data, detail::destroy<F>, e);
    });
}

} // namespace process_manager

#endif // PROCESS_MANAGER_LIBRARY_HPP
