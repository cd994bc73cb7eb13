// Output is a range of records; objects move.
#include "check.hpp"

#include <type_traits>

static_assert(!std::is_copy_constructible_v<pm::Process>);
static_assert(std::is_nothrow_move_constructible_v<pm::Process>);
static_assert(!std::is_copy_constructible_v<pm::Manager>);
static_assert(std::is_nothrow_move_constructible_v<pm::Manager>);

int main()
{
    pm::Process first = pm::Process::start(pm::Command("printf").arg("a\\nb\\nc"));
    pm::Process process = std::move(first);
    std::string text;
    pm::Output output = process.output();
    for (const pm::Record &record : output) {
        text += record.line();
        text += record.is_partial() ? "" : "\n";
    }
    CHECK(text == "a\nb\nc");
    CHECK(process.wait().success());
    const pm::Info info = process.info();
    CHECK(info.state == pm::State::Stopped && info.exit && info.exit->code() == 0);
    CHECK(info.id == process.id() && info.id.to_string().size() == 36);
}
