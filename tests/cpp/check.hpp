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
