// How functions of the program are called through the C interface. Not for programs: anything here
// may change.
#ifndef PROCESS_MANAGER_CALLBACK_HPP
#define PROCESS_MANAGER_CALLBACK_HPP

#include <process_manager/detail.hpp>

#include <exception>
#include <type_traits>
#include <utility>

namespace process_manager {

namespace detail {

#if PM_HAS_EXCEPTIONS
// What callbacks have thrown during the poll of this thread; null while it does not poll.
inline thread_local std::exception_ptr *thrown = nullptr;

// Runs a function of the program; nothing may be thrown through the C interface.
template <class F> void guarded(F &&function) noexcept
{
    if (!thrown)
        return function(); // not in a poll: nobody could catch it, so std::terminate it is
    try {
        function();
    } catch (...) {
        if (!*thrown)
            *thrown = std::current_exception();
    }
}

// Makes a call of the C interface that runs functions of the program, and throws what they threw,
// the first if several did.
template <class Call> pm_status collecting(Call &&call, pm_error **error)
{
    std::exception_ptr first;
    std::exception_ptr *const outer = std::exchange(thrown, &first);
    const pm_status status = call();
    thrown = outer;
    if (first) {
        pm_error_free(*error);
        std::rethrow_exception(first);
    }
    return status;
}
#else
template <class F> void guarded(F &&function) noexcept { function(); }

template <class Call> pm_status collecting(Call &&call, pm_error **) { return call(); }
#endif

// Frees a function of the program.
template <class F> void destroy(void *function) { delete static_cast<F *>(function); }

// A function of the C interface that sets a callback of an object.
template <class Object, class Callback>
using SetCallback = pm_status(Object *, Callback, void *, pm_destroy_callback, pm_error **);

// Sets a callback of an object: `call` is what the C interface calls, with `function` as its data.
template <class Object, class Callback, class F>
Result<void> subscribe(Object *object, SetCallback<Object, Callback> *set,
                       std::enable_if_t<true, Callback> call, F function)
{
    auto *data = new F(std::move(function));
    return done([&](pm_error **e) { return set(object, call, data, destroy<F>, e); });
}

// Takes a callback of an object away.
template <class Object, class Callback>
Result<void> unsubscribe(Object *object, SetCallback<Object, Callback> *set)
{
    return done([&](pm_error **e) { return set(object, nullptr, nullptr, nullptr, e); });
}

} // namespace detail

} // namespace process_manager

#endif // PROCESS_MANAGER_CALLBACK_HPP
