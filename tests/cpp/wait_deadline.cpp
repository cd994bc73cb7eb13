// A wait has a deadline and changes nothing; without one it lasts as long as it takes.
#include "check.hpp"

using namespace std::chrono_literals;

int main()
{
    pm::Manager manager;
    pm::Process ticker = start_ready(manager, "ticker");
    CHECK(!ticker.wait_for(20ms) && !ticker.wait_closed_for(1us) && !ticker.wait_for(-1s));
    CHECK(ticker.is_running() && ticker.state() == pm::State::Running);
    CHECK(manager.poll_for(0s) == 0);
    ticker.begin_stop();
    CHECK(ticker.wait_for(20s) && ticker.wait_closed_for(20s));
    ticker.wait_closed();
    CHECK(!ticker.is_running() && ticker.wait().success());
}
