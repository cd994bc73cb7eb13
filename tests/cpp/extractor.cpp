// What an extractor holds can be started; wrong data is refused; its directory goes with its last
// owner.
#include "check.hpp"

#include <filesystem>

int main()
{
    const std::string_view script = "#!/bin/sh\necho $0 is here\n";
    std::string directory;
    {
        pm::Extractor extractor;
        directory = extractor.directory();
        extractor.add_binary("script", script.data(), script.size());
        extractor.add_file("coded", child("exit_code"));
        const std::vector<std::string> names = extractor.binaries();
        CHECK((names == std::vector<std::string>{"coded", "script"}));
        refused(PM_ERROR_INVALID_ARGUMENT, "name", [&] { extractor.add_binary("a/b", "x", 1); });
        refused(PM_ERROR_EXTRACTION_FAILED, "", [&] { extractor.add_binary("none", "", 0); });
        refused(PM_ERROR_EXTRACTION_FAILED, "", [&] {
            extractor.add_verified("bad", script.data(), script.size(), std::string(64, '0'));
        });
        refused(PM_ERROR_BINARY_NOT_FOUND, "absent", [&] { extractor.remove("absent"); });
        refused(PM_ERROR_BINARY_NOT_FOUND, "absent", [&] { extractor.path("absent"); });

        pm::Manager manager(extractor);
        const pm::RunResult result = manager.run(pm::Command::binary("script"));
        CHECK(result.success() && result.standard_output == extractor.path("script") + " is here\n");
        CHECK(manager.run(pm::Command::binary("coded").arg("7")).info.exit->code() == 7);
        manager.extractor().remove("coded");
        refused(PM_ERROR_BINARY_NOT_FOUND, "coded", [&] { manager.run(pm::Command::binary("coded")); });

        const pm::Extractor other = extractor.share();
        extractor = pm::Extractor::create_in(directory);
        CHECK(std::filesystem::path(extractor.directory()).parent_path() == directory);
        CHECK(std::filesystem::exists(other.path("script")));
    }
    CHECK(!std::filesystem::exists(directory));
}
