/* In a forked copy of the host every call on an old handle is refused, and frees end nothing.
 * The copy keeps memory of threads that it does not have:
 * not: valgrind */
#include "check.h"
#include <sys/wait.h>

int main(void)
{
    pm_error *error = NULL;
    pm_manager *manager = new_manager();
    pm_process *process = start(manager, "ticker", NULL);
    pm_output *output;
    const pm_record *records;
    size_t count;
    OK(pm_process_output(process, &output, &error));
    OK(pm_output_next(output, -1, &records, &count, &error));

    const pid_t copy = fork();
    if (copy == 0) {
        pm_process *other;
        pm_command *command = helper("exit_code", ARGS("0"));
        IS(PM_ERROR_FORKED, pm_manager_poll(manager, 0, NULL, &error));
        IS(PM_ERROR_FORKED, pm_manager_start(manager, command, &other, &error));
        IS(PM_ERROR_FORKED, pm_process_stop(process, NULL, 0, &error));
        IS(PM_ERROR_FORKED, pm_process_kill(process, &error));
        IS(PM_ERROR_FORKED, pm_process_signal(process, 9, &error));
        IS(PM_ERROR_FORKED, pm_process_wait(process, 0, NULL, &error));
        IS(PM_ERROR_FORKED, pm_output_next(output, 0, &records, &count, &error));
        IS(PM_ERROR_FORKED, pm_manager_stop_all(manager, NULL, 0, &error));
        pm_output_free(output);
        pm_process_free(process);
        pm_manager_free(manager);
        pm_command_free(command);
        _exit(0);
    }
    int status;
    CHECK(waitpid(copy, &status, 0) == copy && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    OK(pm_output_next(output, -1, &records, &count, &error));
    CHECK(pm_process_is_running(process));
    OK(pm_process_stop(process, NULL, 0, &error));
    pm_output_free(output);
    pm_process_free(process);
    pm_manager_free(manager);
    return 0;
}
