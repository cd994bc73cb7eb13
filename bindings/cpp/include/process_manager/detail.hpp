// How the other parts call the C interface. Not for programs: anything here may change.
#ifndef PROCESS_MANAGER_DETAIL_HPP
#define PROCESS_MANAGER_DETAIL_HPP

#include <process_manager/result.hpp>
#include <process_manager/time.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace process_manager {

namespace detail {

template <class T> Result<T> fail(pm_status status, pm_error *error)
{
#if PM_HAS_EXCEPTIONS
    throw Error(status, error);
#else
    return Error(status, error);
#endif
}

// Makes a call of the C interface, and a result of what it gave.
template <class T, class Call, class Make> Result<T> result(Call &&call, Make &&make)
{
    pm_error *error = nullptr;
    const pm_status status = call(&error);
    if (status < 0)
        return fail<T>(status, error);
    return make(status);
}

template <class Call> Result<void> done(Call &&call)
{
    pm_error *error = nullptr;
    const pm_status status = call(&error);
    if (status < 0)
        return fail<void>(status, error);
    return Result<void>();
}

template <class T, void (*free)(T *)> struct Free {
    void operator()(T *raw) const noexcept { free(raw); }
};
template <class T, void (*free)(T *)> using Handle = std::unique_ptr<T, Free<T, free>>;

template <class Enum> uint32_t number(Enum value) { return static_cast<uint32_t>(value); }

// A text that may be left out.
inline const char *text(const std::string &text) { return text.empty() ? nullptr : text.c_str(); }

// An array of texts that ends with NULL; a view.
inline std::vector<const char *> pointers(const std::vector<std::string> &texts)
{
    std::vector<const char *> all;
    for (const std::string &one : texts)
        all.push_back(one.c_str());
    all.push_back(nullptr);
    return all;
}

inline const uint8_t *bytes(const void *data) { return static_cast<const uint8_t *>(data); }

} // namespace detail

} // namespace process_manager

#endif // PROCESS_MANAGER_DETAIL_HPP
