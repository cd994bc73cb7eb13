// Several processes at once, with lambdas: tagged lines as they come, and how each ended.

#include <process_manager.hpp>

#include <iostream>
#include <map>

namespace pm = process_manager;

int main()
{
    try {
        pm::Manager manager;
        std::map<pm::Id, std::string> names;
        manager.on_output([&](pm::Id id, const pm::Record &record) {
            std::cout << names[id] << ": " << record.line() << '\n';
        });
        manager.on_exit([&](pm::Id id, const pm::Exit &exit) {
            std::cout << names[id] << " ended with " << exit.code().value_or(-1) << '\n';
            names.erase(id);
        });
        for (const char *name : {"one", "two", "three"}) {
            const pm::Process process = manager.start(
                pm::Command("sh").args({"-c", "for i in 1 2 3; do echo line $i; done"}).name(name));
            names[process.id()] = process.info().name;
        }
        while (!names.empty())
            manager.poll();
    } catch (const pm::Error &error) {
        std::cerr << "many: " << error.what() << '\n';
        return 1;
    }
}
