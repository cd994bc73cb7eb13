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

    commands.clear();
    commands.push_back(pm::Command("printf").arg("out"));
    commands.emplace_back("/no/such/program");
    commands.push_back(pm::Command("false"));
    const std::vector<pm::Ran> ran = manager.run_many(commands, 2);
    CHECK(ran.size() == 3 && ran[0] && !ran[1] && ran[2]);
    CHECK(ran[0].result->success() && ran[0].result->standard_output == "out");
    CHECK(ran[0].result->lost == 0 && !ran[0].error);
    CHECK(ran[1].error->status() == PM_ERROR_PROGRAM_NOT_FOUND);
    CHECK(ran[2].result->info.exit->code() == 1);
    refused(PM_ERROR_INVALID_ARGUMENT, "parallel", [&] { manager.run_many(commands, 0); });

    const pm::Process taken = start_ready(manager, "ticker");
    const pm::Process ended = start_ready(manager, "ticker");
    const pm::Process same = manager.take(taken.id());
    refused(PM_ERROR_PROCESS_NOT_FOUND, "", [&] { manager.take(taken.id()); });
    manager.end_all(std::chrono::seconds(20));
    CHECK(ended.wait().signal() == 9 && taken.is_running() && same.id() == taken.id());

    CHECK(manager.start_each({}).empty() && manager.run_many({}, 1).empty());
    manager.set_retention(1);
    CHECK(manager.count() <= 1);
}
