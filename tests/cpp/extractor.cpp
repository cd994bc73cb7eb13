// What an extractor holds can be started; wrong data is refused; its directory goes with its last
// owner.
#include "check.hpp"

#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

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

        const std::vector<pm::Binary> one_bad = {{"good", script}, {"bad", ""}};
        refused(PM_ERROR_EXTRACTION_FAILED, "", [&] { extractor.add_multiple_binaries(one_bad); });
        CHECK(extractor.binaries().size() == 1);
        extractor.add_multiple_binaries({{"first", script}, {"second", "#!/bin/sh\nexit 5\n"}});
        CHECK(extractor.binaries().size() == 3);
        CHECK(manager.run(pm::Command::binary("second")).info.exit->code() == 5);
        refused(PM_ERROR_EXTRACTION_FAILED, "", [&] {
            extractor.add_file_verified("bad", "/bin/true", std::string(64, '0'));
        });
        const int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
        extractor.add_fd("true", fd);
        CHECK(close(fd) == 0 && manager.run(pm::Command::binary("true")).success());
        refused(PM_ERROR_INVALID_ARGUMENT, "fd", [&] { extractor.add_fd("none", -1); });
        CHECK(extractor.location() != pm::Location::None);
        CHECK((extractor.location() == pm::Location::Base) == extractor.location_reason().empty());

        pm::ExtractorOptions options;
        options.base = directory;
        options.prefix = "mine";
        options.fallbacks.emplace();
        const pm::Extractor mine(options);
        CHECK(mine.directory().find(directory + "/mine") == 0);
        options.base = "/no/such/directory";
        refused(PM_ERROR_EXTRACTION_FAILED, "/no/such", [&] { pm::Extractor::create(options); });

        const pm::Extractor other = extractor.share();
        extractor = pm::Extractor::create_in(directory);
        CHECK(std::filesystem::path(extractor.directory()).parent_path() == directory);
        CHECK(std::filesystem::exists(other.path("script")));
    }
    CHECK(!std::filesystem::exists(directory));
}
