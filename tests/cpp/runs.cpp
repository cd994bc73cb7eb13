// Options, runs, pipelines and control from C++.
#include "check.hpp"

#include <csignal>

using namespace std::chrono_literals;

int main()
{
    pm::Manager manager;
    const pm::RunResult result = manager.run(
        pm::Command("sh").args({"-c", "cat; echo $A; echo e >&2; exit 3"}).env("A", "b").input("in\n"));
    CHECK(result.standard_output == "in\nb\n" && result.standard_error == "e\n");
    CHECK(!result.success() && result.info.exit->code() == 3);

    const pm::RunResult late = pm::run(pm::Command(child("ticker")), {200ms, 0});
    CHECK(late.end == PM_RUN_TIMED_OUT && !late.success());

    const pm::RunResult flood = pm::run(pm::Command(child("flood")).args({"bytes", "1000000"}), {0ms, 4096});
    CHECK(flood.end == PM_RUN_OUTPUT_LIMIT && flood.standard_output.size() == 4096);
    CHECK(flood.lost > 0);

    std::vector<pm::Command> commands;
    commands.push_back(pm::Command("printf").arg("b\\na\\n"));
    commands.push_back(pm::Command("sort"));
    std::vector<pm::Process> line = manager.start_pipeline(commands);
    CHECK(line.size() == 2 && line[0].wait().success());
    pm::Output sorted = line[1].output();
    CHECK(sorted.next()->line() == "a" && sorted.next()->line() == "b");
    CHECK(!sorted.next() && sorted.is_over());

    pm::Process cat = manager.start(
        pm::Command(child("cat")).stdio(pm::Stream::Stdin, pm::Stdio::Pipe).name("cat"));
    cat.write("x\n");
    pm::Output output = cat.output();
    CHECK(output.next()->line() == "x");
    CHECK(!output.next_for(1ms) && !output.is_over());
    CHECK(!cat.wait_for(1ms));
    cat.close_stdin();
    CHECK(cat.wait().success());
    CHECK(manager.info(cat.id()).name == "cat");

    pm::Process ticker = manager.start(pm::Command(child("ticker")));
    ticker.stop({{SIGKILL, 1000ms}});
    CHECK(ticker.wait().signal() == SIGKILL);
    CHECK(manager.list().size() == 5 && manager.running().empty());
}
