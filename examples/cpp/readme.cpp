// Embeds a program, starts it, prints its lines while it runs, stops it, and leaves nothing.

#include <process_manager.hpp>
#include <process_manager_embed.h>

#include <filesystem>
#include <iostream>

namespace pm = process_manager;

PM_EMBED_FILE(ticker, TICKER);

static std::string run()
{
    pm::Extractor extractor;
    extractor.add_binary("ticker", ticker, PM_EMBED_SIZE(ticker));
    pm::Manager manager(extractor);

    int lines = 0;
    pm::Process process = manager.start(pm::Command::binary("ticker").arg("50")); // every 50 ms
    process.on_output([&](const pm::Record &record) {
        std::cout << record.line() << std::endl;
        ++lines;
    });
    while (lines < 4)
        manager.poll();
    process.stop(); // its whole tree, and waits for it
    return extractor.directory();
}

int main()
{
    try {
        const std::string directory = run();
        if (!std::filesystem::exists(directory))
            return 0;
        std::cerr << "readme: " << directory << " is still there\n";
    } catch (const pm::Error &error) {
        std::cerr << "readme: " << error.what() << '\n';
    }
    return 1;
}
