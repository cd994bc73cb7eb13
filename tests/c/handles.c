/* Who holds a process decides over it: the manager, a handle, or nobody any more. */
#include "check.h"

static pm_error *error;

static void a_taken_process_is_its_handles_affair(pm_manager *manager)
{
    pm_process *process = start(manager, "ticker", NULL), *taken;
    const pm_id id = pm_process_id(process);
    pm_process_free(process);
    OK(pm_manager_take(manager, id, &taken, &error));
    CHECK(pm_manager_count(manager) == 0 && pm_process_is_running(taken));
    IS(PM_ERROR_PROCESS_NOT_FOUND, pm_manager_take(manager, id, &process, &error));
    OK(pm_process_stop(taken, NULL, 0, &error));
    pm_process_free(taken);
}

static void all_end_whoever_has_handles(pm_manager *manager)
{
    pm_process *process = start(manager, "ticker", NULL);
    OK(pm_manager_end_all(manager, 10000, &error));
    OK(pm_process_wait(process, 10000, NULL, &error));
    CHECK(!pm_process_is_running(process));
    pm_process_free(process);
}

static void the_program_sees_the_name_that_was_set(pm_manager *manager)
{
    pm_command *command;
    pm_run_result *result;
    pm_bytes out;
    OK(pm_command_new("/bin/sh", NUL, &command, &error));
    OK(pm_command_set_arg0(command, "other-name", NUL, &error));
    OK(pm_command_add_args(command, ARGS("-c", "echo $0"), &error));
    OK(pm_manager_run(manager, command, NULL, &result, &error));
    pm_run_result_stdout(result, &out);
    CHECK(out.len == 11 && memcmp(out.data, "other-name\n", 11) == 0);
    pm_run_result_free(result);
    pm_command_free(command);
}

int main(void)
{
    pm_manager *manager = new_manager();
    a_taken_process_is_its_handles_affair(manager);
    all_end_whoever_has_handles(manager);
    the_program_sees_the_name_that_was_set(manager);
    pm_manager_free(manager);
    return 0;
}
