// A whole tree ends, also what left its group: by a stop, by a kill, and when its objects are gone.
#include "check.hpp"

#include <csignal>
#include <functional>
#include <optional>
#include <vector>

// The pids that the helper "tree" prints: itself, a child, one in a session of its own, a daemon.
static std::vector<pid_t> pids(const pm::Process &tree)
{
    std::vector<pid_t> all;
    pm::Output output = tree.output();
    for (const pm::Record &record : output) {
        if (record.line() == "ready")
            break;
        const std::string line(record.line());
        all.push_back(std::stoi(line.substr(line.find(' '))));
    }
    CHECK(all.size() == 4);
    return all;
}

// A daemon's last remains are for init to collect: a zombie has ended too.
static bool has_ended(pid_t pid)
{
    if (kill(pid, 0) != 0)
        return errno == ESRCH;
    std::FILE *stat = std::fopen(("/proc/" + std::to_string(pid) + "/stat").c_str(), "r");
    char state = 'X';
    if (stat) {
        const int read = std::fscanf(stat, "%*d (%*[^)]) %c", &state);
        state = read == 1 ? state : 'X';
        std::fclose(stat);
    }
    return state == 'Z' || state == 'X';
}

using Objects = std::optional<pm::Manager>;

static void ends_by(const std::function<void(Objects &, std::optional<pm::Process> &)> &end)
{
    Objects manager(std::in_place);
    std::optional<pm::Process> tree = manager->start(pm::Command(child("tree")));
    if (tree->info().containment < pm::Containment::Guard) {
        std::printf("skipped: neither guards nor control groups hold a tree here\n");
        std::exit(77);
    }
    const std::vector<pid_t> all = pids(*tree);
    for (const pid_t pid : all)
        CHECK(!has_ended(pid));
    end(manager, tree);
    for (const pid_t pid : all)
        CHECK(has_ended(pid));
}

int main()
{
    ends_by([](Objects &, auto &tree) { tree->stop(); });
    ends_by([](Objects &, auto &tree) { tree->kill(); });
    ends_by([](Objects &manager, auto &) { manager->stop_all(); });
    ends_by([](Objects &manager, auto &tree) { manager->kill(tree->id()); });
    ends_by([](Objects &manager, auto &tree) {
        tree.reset();
        manager.reset();
    });
    ends_by([](Objects &manager, auto &tree) {
        manager.reset();
        tree.reset();
    });
}
