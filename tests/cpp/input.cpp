// Input is written and ended: as much as the pipe takes, all, and with a deadline.
#include "check.hpp"

using namespace std::chrono_literals;

int main()
{
    pm::Manager manager;
    pm::Process cat =
        manager.start(pm::Command(child("cat")).stdio(pm::Stream::Stdin, pm::Stdio::Pipe));
    cat.write("one\n");
    CHECK(cat.try_write("two\n") == 4);
    CHECK(cat.write_for("three", 20s));
    pm::Output output = cat.output();
    CHECK(output.next()->line() == "one" && output.next()->line() == "two");
    CHECK(!output.next_for(0s) && !output.is_over()); // no newline yet
    cat.close_stdin();
    const auto last = output.next();
    CHECK(last && last->line() == "three" && last->is_partial() && !last->is_gap());
    CHECK(!output.next() && output.is_over());
    CHECK(cat.wait().success());
    refused(PM_ERROR_CLOSED, "", [&] { cat.close_stdin(); });
    refused(PM_ERROR_CLOSED, "", [&] { cat.write("x"); });

    pm::Process deaf = manager.start(
        pm::Command(child("never_reads_stdin")).stdio(pm::Stream::Stdin, pm::Stdio::Pipe));
    CHECK(!deaf.write_for(std::string(1 << 20, 'x'), 20ms));
    CHECK(deaf.try_write("x") == 0);
    deaf.kill();

    pm::Process prompt =
        manager.start(pm::Command(child("cat")).stdio(pm::Stream::Stdin, pm::Stdio::Pipe));
    pm::Output raw = prompt.output();
    prompt.write("password: ");
    std::string seen;
    while (seen != "password: ") {
        const auto bytes = raw.next_bytes();
        CHECK(bytes && bytes->kind() == PM_RECORD_BYTES);
        seen += bytes->line();
    }
    CHECK(!raw.next_bytes_for(0s));
    prompt.close_stdin();
    CHECK(!raw.next_bytes() && raw.is_over());
}
