// An exit code and a signal are told apart, in the exit and in the state.
#include "check.hpp"

#include <csignal>

int main()
{
    pm::Manager manager;
    const pm::Process coded = manager.start(pm::Command(child("exit_code")).arg("9"));
    const pm::Exit code = coded.wait();
    CHECK(code.code() == 9 && !code.signal() && !code.success() && !code.unknown());
    CHECK(coded.state() == pm::State::Failed);

    const pm::Process killed = manager.start(pm::Command(child("kill_self")).arg("9"));
    const pm::Exit signal = killed.wait();
    CHECK(signal.signal() == SIGKILL && !signal.code() && !signal.success());
    CHECK(!signal.core_dumped() && killed.state() == pm::State::Failed);

    const pm::Process good = manager.start(pm::Command(child("exit_code")).arg("0"));
    CHECK(good.wait().success() && good.state() == pm::State::Stopped);
    const pm::Info info = good.info();
    CHECK(info.exit && info.exit->code() == 0 && info.usage && info.usage->max_rss > 0);
    CHECK(info.started_at && info.stopped_at && *info.started_at <= *info.stopped_at);
    CHECK(!info.stop_requested && !info.timed_out && info.pid == good.pid());
}
