/* The library says nothing by itself. A log callback gets its messages, from the level asked for
 * on, and its user data is destroyed once. */
#include "check.h"
#include <fcntl.h>
#include <signal.h>

static pm_error *error;
static char last[1000];
static uint32_t last_level;
static int calls, destroyed;

static void on_message(uint32_t level, const char *message, void *data)
{
    CHECK(data == &calls && destroyed == 0);
    ++calls;
    last_level = level;
    snprintf(last, sizeof last, "%s", message);
}

static void on_destroy(void *data)
{
    CHECK(data == &calls);
    ++destroyed;
}

static void make_extractor(void)
{
    pm_extractor *extractor;
    OK(pm_extractor_new(&extractor, &error));
    pm_extractor_free(extractor);
}

static int parent_of(uint32_t pid)
{
    char path[64];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%u/stat", pid);
    FILE *stat = fopen(path, "r");
    CHECK(stat && fscanf(stat, "%*d (%*[^)]) %*c %d", &parent) == 1 && fclose(stat) == 0);
    return parent;
}

/* What the library has to say something about. */
static void lose_a_guard(void)
{
    pm_info *info;
    pm_process *process;
    pm_manager *manager = new_manager();
    pm_command *command = helper("ticker", NULL);
    OK(pm_command_set_containment(command, PM_CONTAINMENT_GUARD, &error));
    OK(pm_manager_start(manager, command, &process, &error));
    OK(pm_process_info(process, &info, &error));
    CHECK(kill(parent_of(pm_info_pid(info)), SIGKILL) == 0);
    OK(pm_process_wait_closed(process, -1, &error));
    pm_info_free(info);
    pm_process_free(process);
    pm_command_free(command);
    pm_manager_free(manager);
}

int main(void)
{
    char text[1000];
    int ends[2];
    const int own = dup(2);
    CHECK(own >= 0 && pipe2(ends, O_NONBLOCK) == 0 && dup2(ends[1], 2) == 2);
    make_extractor();
    lose_a_guard();
    CHECK(dup2(own, 2) == 2 && close(ends[1]) == 0 && read(ends[0], text, sizeof text) == 0);

    OK(pm_set_log_callback(PM_LOG_ERROR, on_message, &calls, on_destroy, &error));
    make_extractor();
    CHECK(calls == 0);
    lose_a_guard();
    CHECK(calls > 0 && last_level == PM_LOG_ERROR && strstr(last, "its guard was killed"));
    calls = 0;
    OK(pm_set_log_callback(PM_LOG_DEBUG, on_message, &calls, NULL, &error));
    CHECK(destroyed == 1);
    destroyed = 0;
    make_extractor();
    CHECK(calls > 0 && last_level == PM_LOG_DEBUG);
    calls = 0;
    OK(pm_set_log_callback(PM_LOG_OFF, NULL, NULL, NULL, &error));
    make_extractor();
    CHECK(calls == 0 && close(ends[0]) == 0 && close(own) == 0);
    return 0;
}
