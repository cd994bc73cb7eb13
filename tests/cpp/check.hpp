// What the C++ tests share.
#pragma once

#include <process_manager.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace pm = process_manager;

#define CHECK(condition)                                                                      \
    do {                                                                                      \
        if (!(condition)) {                                                                   \
            std::fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);    \
            std::exit(1);                                                                     \
        }                                                                                     \
    } while (0)

// The path of a helper program of tests/child.
inline std::string child(const char *name)
{
    const char *directory = std::getenv("PM_CHILDREN");
    CHECK(directory != nullptr);
    return std::string(directory) + "/" + name;
}

#if PM_HAS_EXCEPTIONS
// That a call is refused with this status, and a message that names what is wrong.
template <class Call> void refused(pm_status status, std::string_view names, Call &&call)
{
    try {
        call();
    } catch (const pm::Error &error) {
        if (error.status() == status && error.message().find(names) != std::string::npos)
            return;
        std::fprintf(stderr, "%d: %s\n", static_cast<int>(error.status()), error.what());
    }
    CHECK(!"refused as it should be");
}

// Starts a helper program and reads its first line.
inline pm::Process start_ready(pm::Manager &manager, const char *name)
{
    pm::Process process = manager.start(pm::Command(child(name)));
    CHECK(process.output().next().has_value());
    return process;
}
#endif
