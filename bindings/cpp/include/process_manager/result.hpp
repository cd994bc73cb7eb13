// What a function that can fail returns: a T that is there, since failures are thrown; or, in a
// build with -fno-exceptions, an object that holds either.
#ifndef PROCESS_MANAGER_RESULT_HPP
#define PROCESS_MANAGER_RESULT_HPP

#include <process_manager/error.hpp>

#include <optional>
#include <utility>
#include <variant>

namespace process_manager {

#if PM_HAS_EXCEPTIONS
template <class T> using Result = T;
#else
// A value or an error; to be asked which before it is used. Taking the one that is not there is
// undefined.
template <class T> class [[nodiscard]] Result {
public:
    Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

    // True if there is a value.
    explicit operator bool() const noexcept { return content_.index() == 0; }

    // The value.
    T &value() & noexcept { return *std::get_if<0>(&content_); }
    T &&value() && noexcept { return std::move(*std::get_if<0>(&content_)); }
    T &operator*() & noexcept { return value(); }
    T *operator->() noexcept { return std::get_if<0>(&content_); }

    // What went wrong.
    const Error &error() const noexcept { return *std::get_if<1>(&content_); }

private:
    std::variant<T, Error> content_;
};

// Done, or an error.
template <> class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}

    // True if it was done.
    explicit operator bool() const noexcept { return !error_; }

    // What went wrong.
    const Error &error() const noexcept { return *error_; }

private:
    std::optional<Error> error_;
};
#endif

} // namespace process_manager

#endif // PROCESS_MANAGER_RESULT_HPP
