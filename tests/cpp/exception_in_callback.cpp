// An exception that leaves a callback is thrown by the poll; no line is lost by it.
#include "check.hpp"

#include <stdexcept>

int main()
{
    pm::Manager manager;
    pm::Process process = manager.start(pm::Command("printf").arg("1\\n2\\n3\\n"));
    int lines = 0, thrown = 0;
    bool ended = false;
    process.on_output([&](const pm::Record &record) {
        ++lines;
        if (record.line() == "2")
            throw std::runtime_error("two");
    });
    process.on_exit([&](const pm::Exit &exit) { ended = exit.success(); });
    while (!ended) {
        try {
            manager.poll();
        } catch (const std::runtime_error &error) {
            CHECK(std::string(error.what()) == "two");
            ++thrown;
        }
    }
    CHECK(lines == 3 && thrown == 1);
}
