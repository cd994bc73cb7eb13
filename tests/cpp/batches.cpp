// Several starts in one call: all or none, each for itself, and as a pipeline.
#include "check.hpp"

int main()
{
    pm::Manager manager;
    std::vector<pm::Command> commands;
    commands.emplace_back(child("ticker"));
    commands.emplace_back(child("ticker"));
    commands.emplace_back("/no/such/program");
    refused(PM_ERROR_PROGRAM_NOT_FOUND, "/no/such/program", [&] { manager.start_all(commands); });
    CHECK(manager.count() == 0);

    std::vector<pm::Started> each = manager.start_each(commands);
    CHECK(each.size() == 3 && each[0] && each[1] && !each[2]);
    CHECK(each[2].error->status() == PM_ERROR_PROGRAM_NOT_FOUND);
    CHECK(each[2].error->error_number() == ENOENT && each[2].error->step() == "exec");
    CHECK(manager.running_count() == 2 && manager.running().size() == 2);
    manager.stop_all();
    CHECK(manager.running_count() == 0 && manager.list().size() == 2);

    commands.pop_back();
    std::vector<pm::Process> both = manager.start_all(commands);
    CHECK(both.size() == 2 && both[0].id() < both[1].id() && both[0].id() != both[1].id());
    manager.stop_all();

    std::vector<pm::Command> line;
    line.emplace_back(child("ticker"));
    line.emplace_back(child("cat"));
    line.emplace_back(child("cat"));
    std::vector<pm::Process> piped = manager.start_pipeline(line);
    CHECK(piped.size() == 3 && piped[2].output().next()->line() == "ready");
    piped[0].stop();
    CHECK(piped[2].wait().success());
    refused(PM_ERROR_INVALID_ARGUMENT, "", [&] { manager.start_pipeline({}); });

    CHECK(manager.start_each({}).empty());
    manager.set_retention(1);
    CHECK(manager.count() <= 1);
}
