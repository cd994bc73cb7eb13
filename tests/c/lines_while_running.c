/* Lines come while the process runs, by callbacks of its handle; then its end, once, after them. */
#include "check.h"

struct seen {
    int lines;
    int exits;
    int destroyed;
};

static void on_line(pm_id id, const pm_record *record, void *data)
{
    struct seen *seen = data;
    (void)id;
    CHECK(record->source == PM_SOURCE_STDOUT);
    CHECK(seen->lines > 0 || is_line(record, "ready"));
    CHECK(seen->exits == 0);
    ++seen->lines;
}

static void on_exit_of(pm_id id, const pm_exit *end, void *data)
{
    (void)id;
    CHECK(end->kind == PM_EXIT_CODE && end->code == 0);
    ++((struct seen *)data)->exits;
}

static void on_destroy(void *data) { ++((struct seen *)data)->destroyed; }

int main(void)
{
    pm_error *error = NULL;
    struct seen seen = {0, 0, 0};
    size_t calls;
    pm_manager *manager = new_manager();
    pm_process *process = start(manager, "ticker", ARGS("20"));
    OK(pm_process_set_output_callback(process, on_line, &seen, on_destroy, &error));
    OK(pm_process_set_exit_callback(process, on_exit_of, &seen, on_destroy, &error));
    while (seen.lines < 3)
        OK(pm_manager_poll(manager, -1, &calls, &error));
    CHECK(pm_process_is_running(process));
    CHECK(pm_manager_running_count(manager) == 1);
    OK(pm_process_begin_stop(process, NULL, 0, &error));
    while (seen.exits == 0)
        OK(pm_manager_poll(manager, -1, &calls, &error));
    CHECK(pm_process_state(process) == PM_STATE_STOPPED);
    OK(pm_manager_poll(manager, 0, &calls, &error));
    CHECK(calls == 0 && seen.exits == 1 && seen.destroyed == 0);
    pm_process_free(process);
    CHECK(seen.destroyed == 2);
    pm_manager_free(manager);
    return 0;
}
