// Built with -fno-exceptions, the header gives results. flags: -fno-exceptions
#include "check.hpp"

int main()
{
    auto manager = pm::Manager::create();
    CHECK(manager);
    const auto refused = manager->start(pm::Command("true").name("\xff").arg("x"));
    CHECK(!refused && refused.error().status() == PM_ERROR_INVALID_ARGUMENT);
    const auto missing = manager->start(pm::Command("/no/such"));
    CHECK(!missing && missing.error().error_number() == ENOENT);

    auto process = manager->start(pm::Command("printf").arg("1\\n2\\n"));
    CHECK(process);
    int lines = 0;
    bool ended = false;
    CHECK(process->on_output([&](const pm::Record &) { ++lines; }));
    CHECK(process->on_exit([&](const pm::Exit &exit) { ended = exit.success(); }));
    while (!ended)
        CHECK(manager->poll());
    CHECK(lines == 2);
    std::vector<pm::Command> commands;
    commands.push_back(pm::Command("true").name("\xff"));
    const auto mistaken = manager->start_each(commands);
    CHECK(!mistaken && mistaken.error().status() == PM_ERROR_INVALID_ARGUMENT);
    commands.pop_back();
    commands.emplace_back("/no/such");
    auto each = manager->start_each(commands);
    CHECK(each && !each.value()[0] && each.value()[0].error->error_number() == ENOENT);
    CHECK(!pm::run(pm::Command("true").name("\xff")));

    auto watch = manager->watch();
    CHECK(watch);
    const auto item = watch->next();
    CHECK(item && "no error");

    auto output = process->output();
    CHECK(output);
    const auto record = output->next();
    CHECK(record && "no error");
}
