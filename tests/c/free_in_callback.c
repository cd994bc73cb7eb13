/* Both handles may be freed inside a callback; the user data is destroyed when it returns, that of
 * the manager's other callbacks too. */
#include "check.h"

static pm_manager *manager;
static pm_process *process;
static int calls, destroyed, others;

static void on_line(pm_id id, const pm_record *record, void *data)
{
    (void)id, (void)record, (void)data;
    ++calls;
    pm_process_free(process);
    CHECK(destroyed == 0);
}

static void on_exit_of(pm_id id, const pm_exit *end, void *data)
{
    (void)id, (void)end, (void)data;
    ++calls;
    pm_manager_free(manager);
    CHECK(destroyed == 1 && others == 0);
}

static void on_event(const pm_event *event, void *data)
{
    (void)event, (void)data;
}

static void on_destroy_other(void *data)
{
    CHECK(data == &others);
    ++others;
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
    process = start(manager, "stderr_and_stdout", NULL);
    OK(pm_process_set_output_callback(process, on_line, &destroyed, on_destroy, &error));
    while (calls < 1)
        OK(pm_manager_poll(manager, -1, NULL, &error));
    CHECK(calls == 1 && destroyed == 1);
    OK(pm_manager_set_exit_callback(manager, on_exit_of, &destroyed, on_destroy, &error));
    OK(pm_manager_set_event_callback(manager, on_event, &others, on_destroy_other, &error));
    while (calls < 2)
        OK(pm_manager_poll(manager, -1, NULL, &error));
    CHECK(calls == 2 && destroyed == 2 && others == 1);
    return 0;
}
