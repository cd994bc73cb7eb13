// Every option of a command reaches the child.
#include "check.hpp"

#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <sys/resource.h>
#include <unistd.h>

using namespace std::chrono_literals;

static std::string shell(pm::Manager &manager, pm::Command command)
{
    const pm::RunResult result = manager.run(command);
    CHECK(result.success());
    return result.standard_output;
}

static pm::Command sh(const char *script) { return pm::Command("sh").args({"-c", script}); }

// What was fetched before is passed over too.
static void only_one_stream(pm::Manager &manager)
{
    pm::Process process = manager.start(sh("echo out >&1; echo err >&2; echo out; echo err >&2"));
    process.wait_closed();
    pm::Output output = process.output();
    CHECK(output.next().has_value());
    output.only(pm::Source::Stdout);
    while (const auto record = output.next())
        CHECK(record->source() == pm::Source::Stdout);
}

static void of_the_process(pm::Manager &manager)
{
    CHECK(shell(manager, sh("echo $A${HOME-none}").env_clear().env("A", "b")) == "bnone\n");
    CHECK(shell(manager, sh("echo ${HOME-none}").env_remove("HOME")) == "none\n");
    CHECK(shell(manager, sh("pwd").directory("/")) == "/\n");
    CHECK(shell(manager, sh("umask").umask(0027)) == "0027\n");
    CHECK(shell(manager, sh("nice").nice(5)) == "5\n");
    CHECK(shell(manager, sh("ulimit -t").rlimit(RLIMIT_CPU, 50, 50)) == "50\n");
    CHECK(shell(manager, sh("ulimit -c").rlimit(RLIMIT_CORE, 0, 0)) == "0\n");
    CHECK(shell(manager, sh("test $(ps -o sid= -p $$) = $$").group(pm::Group::Session)).empty());
    CHECK(shell(manager, sh("nproc").cpus({0})) == "1\n");
    CHECK(shell(manager, pm::Command("printf").args(std::vector<std::string>{"%s", "x"})) == "x");
    CHECK(shell(manager, sh("tr '\\0' ' ' < /proc/$$/cmdline").arg0("me")).find("me ") == 0);
    if (geteuid() != 0)
        return;
    CHECK(shell(manager, sh("id -u; id -g; id -G").uid(65534).gid(65533).groups({65532})) ==
          "65534\n65533\n65533 65532\n");
}

static void of_the_streams(pm::Manager &manager)
{
    const std::string path = std::string(std::getenv("TMPDIR")) + "/file";
    manager.run(sh("echo one").stdio_file(pm::Stream::Stdout, path));
    manager.run(sh("echo two").stdio_file(pm::Stream::Stdout, path, true));
    CHECK(shell(manager, sh("cat").stdio_file(pm::Stream::Stdin, path)) == "one\ntwo\n");

    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    CHECK(shell(manager, sh("read x <&7; echo $x").extra_fd(file, 7)) == "one\n");
    lseek(file, 0, SEEK_SET);
    CHECK(shell(manager, sh("cat").stdio_fd(pm::Stream::Stdin, file)) == "one\ntwo\n");
    close(file);
    std::remove(path.c_str());

    CHECK(shell(manager, sh("echo e >&2").stdio(pm::Stream::Stderr, pm::Stdio::Merge)) == "e\n");
    CHECK(shell(manager, sh("echo o").stdio(pm::Stream::Stdout, pm::Stdio::Null)).empty());
}

static void of_the_output(pm::Manager &manager)
{
    pm::OutputOptions options;
    options.max_line = 4;
    options.limit = 8192;
    options.policy = pm::OutputPolicy::DropOldest;
    options.drain = 100ms;
    const pm::Process process = manager.start(sh("echo 123456; echo e >&2").output(options));
    pm::Output output = process.output();
    output.only(pm::Source::Stdout);
    const auto part = output.next();
    CHECK(part && part->is_partial() && part->line() == "1234");
    CHECK(output.next()->line() == "56" && !output.next());
}

int main()
{
    pm::Manager manager;
    only_one_stream(manager);
    of_the_process(manager);
    of_the_streams(manager);
    of_the_output(manager);

    const pm::Process late = manager.start(pm::Command(child("ticker")).timeout(50ms));
    late.wait(); // with success, or by SIGTERM where that came before it was told apart
    CHECK(late.info().timed_out && late.state() == pm::State::Failed);

    pid_t detached = 0;
    {
        const pm::Process left = pm::Process::start(pm::Command(child("ticker"))
                                                        .on_drop(pm::OnDrop::Detach)
                                                        .containment(pm::Containment::Process));
        CHECK(left.output().next());
        detached = static_cast<pid_t>(left.pid());
    }
    CHECK(kill(detached, 0) == 0 && kill(detached, SIGKILL) == 0);
    refused(PM_ERROR_INVALID_ARGUMENT, "level", [&] {
        pm::Command("true").containment(pm::Containment::Unknown);
    });
    CHECK(shell(manager, sh("true").descendants(pm::Descendants::Leave)).empty());
}
