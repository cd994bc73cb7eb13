/* Who starts several gets the handles of all, also where the first have ended by then and the
 * manager keeps no entries of what has ended. */
#include "check.h"

enum { MANY = 100 };

static int exits;

static void on_exit_of(pm_id id, const pm_exit *end, void *data)
{
    (void)id, (void)end, (void)data;
    ++exits;
}

/* Each handle is of its own command. */
static void in_order(pm_process **processes)
{
    pm_error *error = NULL;
    for (int at = 0; at < MANY; ++at) {
        pm_exit end;
        CHECK(processes[at] != NULL);
        OK(pm_process_wait(processes[at], -1, &end, &error));
        CHECK(end.kind == PM_EXIT_CODE && end.code == at);
        pm_process_free(processes[at]);
        processes[at] = NULL;
    }
}

int main(void)
{
    pm_error *error = NULL;
    pm_process *processes[MANY] = {NULL};
    const pm_command *commands[MANY];
    pm_command *all[MANY];
    pm_manager *manager = new_manager();
    OK(pm_manager_set_retention(manager, 0, &error));
    OK(pm_manager_set_exit_callback(manager, on_exit_of, NULL, NULL, &error));
    for (int at = 0; at < MANY; ++at) {
        char code[12];
        snprintf(code, sizeof code, "%d", at);
        commands[at] = all[at] = helper("exit_code", ARGS(code));
    }
    OK(pm_manager_start_all(manager, commands, MANY, processes, &error));
    in_order(processes);
    OK(pm_manager_start_pipeline(manager, commands, MANY, processes, &error));
    in_order(processes);
    while (exits < 2 * MANY)
        OK(pm_manager_poll(manager, -1, NULL, &error));
    for (int at = 0; at < MANY; ++at)
        pm_command_free(all[at]);
    pm_manager_free(manager);
    CHECK(exits == 2 * MANY);
    return 0;
}
