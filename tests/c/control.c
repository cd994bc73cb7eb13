/* Input, signals, suspending, waiting with a deadline, ladders, and what the info says then. */
#include "check.h"
#include <signal.h>

int main(void)
{
    pm_error *error = NULL;
    pm_exit end = {PM_EXIT_NONE, 0, 0, 0};
    pm_process *process;
    pm_manager *manager = new_manager();
    pm_command *command = helper("cat", NULL);
    pm_output *output;
    const pm_record *records;
    size_t count = 77;

    OK(pm_command_set_stdio(command, PM_STDIN, PM_STDIO_PIPE, &error));
    OK(pm_command_set_name(command, "copy", NUL, &error));
    OK(pm_manager_start(manager, command, &process, &error));
    OK(pm_process_write(process, (const uint8_t *)"one\n", 4, -1, &error));
    OK(pm_process_try_write(process, (const uint8_t *)"two\n", 4, &count, &error));
    CHECK(count == 4);
    IS(PM_TIMED_OUT, pm_process_wait(process, 20, &end, &error));
    CHECK(end.kind == PM_EXIT_NONE);
    OK(pm_process_close_stdin(process, &error));
    IS(PM_ERROR_CLOSED, pm_process_close_stdin(process, &error));
    IS(PM_ERROR_CLOSED, pm_process_write(process, (const uint8_t *)"x", 1, -1, &error));
    OK(pm_process_wait(process, -1, &end, &error));
    CHECK(end.kind == PM_EXIT_CODE && end.code == 0);
    OK(pm_process_output(process, &output, &error));
    size_t lines = 0;
    while (pm_output_next(output, -1, &records, &count, &error) == PM_OK)
        lines += count;
    CHECK(lines == 2);
    pm_output_free(output);
    IS(PM_ERROR_CLOSED, pm_process_signal(process, SIGTERM, &error));
    pm_process_free(process);
    pm_command_free(command);

    process = start(manager, "ignore_term", NULL);
    OK(pm_process_output(process, &output, &error));
    OK(pm_output_next(output, -1, &records, &count, &error));
    pm_output_free(output);
    IS(PM_ERROR_INVALID_ARGUMENT, pm_process_signal(process, 0, &error));
    IS(PM_ERROR_INVALID_ARGUMENT, pm_process_signal(process, 65, &error));
    OK(pm_process_suspend(process, &error));
    OK(pm_process_resume(process, &error));
    const pm_stop_step steps[] = {{SIGTERM, 50}, {SIGUSR1, 2000}};
    OK(pm_process_stop(process, steps, 2, &error));
    OK(pm_process_wait(process, 0, &end, &error));
    CHECK(end.kind == PM_EXIT_SIGNAL && end.signal == SIGUSR1);
    pm_info *info;
    OK(pm_process_info(process, &info, &error));
    CHECK(pm_info_state(info) == PM_STATE_STOPPED && pm_info_is_stop_requested(info));
    CHECK(!pm_info_is_timed_out(info) && pm_info_pid(info) == pm_process_pid(process));
    CHECK(pm_info_containment(info) >= PM_CONTAINMENT_GROUP);
    const pm_id id = pm_info_id(info), same = pm_process_id(process);
    CHECK(memcmp(&id, &same, sizeof id) == 0);
    pm_info_free(info);

    pm_process *again;
    OK(pm_manager_process(manager, id, &again, &error));
    CHECK(pm_process_ref(again) == again);
    pm_process_free(again);
    pm_process_free(again);
    OK(pm_manager_info(manager, id, &info, &error));
    pm_info_free(info);
    OK(pm_manager_remove(manager, id, &error));
    IS(PM_ERROR_PROCESS_NOT_FOUND, pm_manager_info(manager, id, &info, &error));
    IS(PM_ERROR_PROCESS_NOT_FOUND, pm_manager_process(manager, id, &again, &error));
    IS(PM_ERROR_PROCESS_NOT_FOUND, pm_manager_stop(manager, id, NULL, 0, &error));
    IS(PM_ERROR_PROCESS_NOT_FOUND, pm_manager_kill(manager, id, &error));
    pm_process_free(process);
    pm_manager_free(manager);
    return 0;
}
