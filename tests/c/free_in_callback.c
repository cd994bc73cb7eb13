/* Both handles may be freed inside a callback; the user data is destroyed when it returns. */
#include "check.h"

static pm_manager *manager;
static pm_process *process;
static int calls, destroyed;

static void on_line(pm_id id, const pm_record *record, void *data)
{
    (void)id, (void)record, (void)data;
    ++calls;
    pm_process_free(process);
    CHECK(destroyed == 0);
}

static void on_event(const pm_event *event, void *data)
{
    (void)data;
    if (event->kind != PM_EVENT_EXITED)
        return;
    ++calls;
    pm_manager_free(manager);
    CHECK(destroyed == 1);
}

static void on_destroy(void *data)
{
    CHECK(data == &destroyed);
    ++destroyed;
}

int main(void)
{
    pm_error *error = NULL;
    manager = new_manager();
    OK(pm_manager_set_event_callback(manager, on_event, &destroyed, on_destroy, &error));
    process = start(manager, "stderr_and_stdout", NULL);
    OK(pm_process_set_output_callback(process, on_line, &destroyed, on_destroy, &error));
    const pm_id id = pm_process_id(process);
    while (calls < 1)
        OK(pm_manager_poll(manager, -1, NULL, &error));
    CHECK(calls == 1 && destroyed == 1);
    (void)id;
    while (calls < 2)
        OK(pm_manager_poll(manager, -1, NULL, &error));
    CHECK(calls == 2 && destroyed == 2);
    return 0;
}
