/* Callbacks of the whole manager get all processes, those that run already and those to come. */
#include "check.h"

static int lines, exits, started;

static void on_line(pm_id id, const pm_record *record, void *data)
{
    (void)id, (void)record, (void)data;
    ++lines;
}

static void on_exit_of(pm_id id, const pm_exit *end, void *data)
{
    (void)id, (void)data;
    CHECK(end->kind == PM_EXIT_CODE);
    CHECK(end->code == 3 || end->code == 4);
    ++exits;
}

static void on_event(const pm_event *event, void *data)
{
    (void)data;
    started += event->kind == PM_EVENT_STARTED;
}

int main(void)
{
    pm_error *error = NULL;
    pm_manager *manager = new_manager();
    pm_process *before = start(manager, "exit_code", ARGS("3"));
    OK(pm_manager_set_output_callback(manager, on_line, NULL, NULL, &error));
    OK(pm_manager_set_exit_callback(manager, on_exit_of, NULL, NULL, &error));
    OK(pm_manager_set_event_callback(manager, on_event, NULL, NULL, &error));
    pm_process *after = start(manager, "exit_code", ARGS("4"));
    pm_process *echo = start(manager, "exit_code", ARGS("3"));
    while (exits < 3)
        OK(pm_manager_poll(manager, -1, NULL, &error));
    CHECK(started == 2);
    CHECK(pm_process_state(after) == PM_STATE_FAILED);
    pm_process_free(before);
    pm_process_free(after);
    pm_process_free(echo);
    CHECK(pm_manager_count(manager) == 3);
    pm_manager_free(manager);
    return 0;
}
