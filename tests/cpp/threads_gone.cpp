// No thread before the first process, and none of ours after the last object.
#include "check.hpp"

#include <chrono>
#include <filesystem>
#include <thread>

using namespace std::chrono_literals;

static long threads()
{
    const std::filesystem::directory_iterator all("/proc/self/task");
    return std::distance(begin(all), end(all));
}

// The kernel lists a thread for a moment after it was joined.
static void expect_threads(long expected)
{
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (threads() != expected && std::chrono::steady_clock::now() < end)
        std::this_thread::yield();
    CHECK(threads() == expected);
}

int main()
{
    const long before = threads();
    for (int round = 0; round < 3; ++round) {
        {
            pm::Manager manager;
            CHECK(threads() == before);
            pm::Process process = start_ready(manager, "ticker");
            const pm::Manager other = manager.share();
            const pm::Process same = process.share();
            process.stop();
        }
        expect_threads(before);
    }
}
