/* A registration that fails destroys the user data exactly once, before it returns. */
#include "check.h"

static int destroyed;

static void on_line(pm_id id, const pm_record *record, void *data)
{
    (void)id, (void)record, (void)data;
    CHECK(!"called");
}

static void on_exit_of(pm_id id, const pm_exit *end, void *data)
{
    (void)id, (void)end, (void)data;
    CHECK(!"called");
}

static void on_event(const pm_event *event, void *data)
{
    (void)event, (void)data;
    CHECK(!"called");
}

static void on_destroy(void *data) { ++*(int *)data; }

int main(void)
{
    pm_error *error = NULL;
    int *one = &destroyed;
    IS(PM_ERROR_NULL_ARGUMENT, pm_manager_set_output_callback(NULL, on_line, one, on_destroy, &error));
    IS(PM_ERROR_NULL_ARGUMENT, pm_manager_set_exit_callback(NULL, on_exit_of, one, on_destroy, &error));
    IS(PM_ERROR_NULL_ARGUMENT, pm_manager_set_event_callback(NULL, on_event, one, on_destroy, &error));
    IS(PM_ERROR_NULL_ARGUMENT, pm_process_set_output_callback(NULL, on_line, one, on_destroy, &error));
    IS(PM_ERROR_NULL_ARGUMENT, pm_process_set_exit_callback(NULL, on_exit_of, one, on_destroy, &error));
    CHECK(destroyed == 5);

    /* A process without a manager has nobody who could call. */
    pm_process *process;
    pm_command *command = helper("exit_code", ARGS("0"));
    OK(pm_process_start(command, &process, &error));
    IS(PM_ERROR_CLOSED, pm_process_set_output_callback(process, on_line, one, on_destroy, &error));
    IS(PM_ERROR_CLOSED, pm_process_set_exit_callback(process, on_exit_of, one, on_destroy, &error));
    CHECK(destroyed == 7);
    pm_process_free(process);

    /* Replacing and clearing destroy what was there, and clearing what comes with it. */
    pm_manager *manager = new_manager();
    OK(pm_manager_set_event_callback(manager, on_event, one, on_destroy, &error));
    OK(pm_manager_set_event_callback(manager, on_event, one, on_destroy, &error));
    CHECK(destroyed == 8);
    OK(pm_manager_set_event_callback(manager, NULL, one, on_destroy, &error));
    CHECK(destroyed == 10);
    OK(pm_manager_set_output_callback(manager, on_line, one, on_destroy, &error));
    pm_manager_free(manager);
    CHECK(destroyed == 11);
    pm_command_free(command);
    return 0;
}
