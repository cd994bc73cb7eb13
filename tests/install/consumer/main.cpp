// A C++ program outside the source tree, which carries another program of its own project.
#include <process_manager.hpp>
#include <process_manager_embed.h>

#include <iostream>

#ifdef WORKER
PM_EMBED_FILE(worker, WORKER);
#else
PM_EMBED_DECLARE(worker);
#endif

int main()
{
    namespace pm = process_manager;
    pm::Extractor extractor;
    extractor.add_binary("worker", worker, PM_EMBED_SIZE(worker));
    pm::Manager manager(extractor);
    pm::Process process = manager.start(pm::Command::binary("worker"));
    pm::Output output = process.output();
    for (const pm::Record &record : output)
        std::cout << record.line() << '\n';
    return process.wait().code().value_or(99);
}
