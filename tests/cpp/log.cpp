// A function gets the library's messages about itself, and is gone when another one is set.
#include "check.hpp"

#include <memory>

int main()
{
    auto messages = std::make_shared<std::string>();
    pm::set_log(pm::LogLevel::Debug, [messages](pm::LogLevel level, std::string_view message) {
        CHECK(level == pm::LogLevel::Debug);
        *messages += message;
    });
    pm::Extractor();
    CHECK(messages->find("executables") != std::string::npos && messages.use_count() == 2);
    pm::set_log(pm::LogLevel::Off, [](pm::LogLevel, std::string_view) { CHECK(false); });
    CHECK(messages.use_count() == 1);
    messages->clear();
    pm::Extractor();
    CHECK(messages->empty());
}
