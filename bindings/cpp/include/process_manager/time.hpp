// Times and durations as the rest uses them.
#ifndef PROCESS_MANAGER_TIME_HPP
#define PROCESS_MANAGER_TIME_HPP

#include <process_manager.h>

#include <chrono>
#include <optional>

namespace process_manager {

// Every duration below; a shorter unit given by the program is rounded up.
using Milliseconds = std::chrono::milliseconds;

// A moment of the system's clock (UTC), as exact as the library saw it.
using TimePoint = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

namespace detail {

// Rounds up, so that no wait is shorter than asked for.
template <class Rep, class Period> int64_t ms(std::chrono::duration<Rep, Period> time)
{
    const int64_t value = std::chrono::ceil<Milliseconds>(time).count();
    return value < 0 ? 0 : value;
}

inline std::optional<TimePoint> time_point(int64_t nanoseconds)
{
    if (nanoseconds == 0)
        return std::nullopt;
    return TimePoint(std::chrono::nanoseconds(nanoseconds));
}

} // namespace detail

} // namespace process_manager

#endif // PROCESS_MANAGER_TIME_HPP
