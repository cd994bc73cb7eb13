/* A stop ends the whole tree, also what has left the group and the session of its process.
 * Every member holds the write end of a pipe: its end-of-file proves that none is left. */
#include "check.h"
#include <poll.h>

static pm_error *error;

static pm_process *start_tree(pm_manager *manager, uint32_t level, int *proof)
{
    int ends[2];
    pm_process *process;
    pm_output *output;
    const pm_record *records;
    size_t count = 0;
    pm_command *command = helper("tree", NULL);
    CHECK(pipe(ends) == 0);
    OK(pm_command_add_fd(command, ends[1], 9, &error));
    OK(pm_command_set_containment(command, level, &error));
    OK(pm_manager_start(manager, command, &process, &error));
    pm_command_free(command);
    CHECK(close(ends[1]) == 0);
    *proof = ends[0];
    OK(pm_process_output(process, &output, &error));
    do
        OK(pm_output_next(output, -1, &records, &count, &error));
    while (!is_line(&records[count - 1], "ready"));
    pm_output_free(output);
    return process;
}

static bool can_have(pm_manager *manager, uint32_t level)
{
    pm_process *process;
    pm_command *command = helper("exit_code", ARGS("0"));
    OK(pm_command_set_containment(command, level, &error));
    const pm_status status = pm_manager_start(manager, command, &process, &error);
    pm_command_free(command);
    if (status == PM_ERROR_UNSUPPORTED) {
        pm_error_free(error);
        error = NULL;
        return false;
    }
    CHECK(status == PM_OK);
    pm_process_free(process);
    return true;
}

int main(void)
{
    pm_manager *manager = new_manager();
    for (uint32_t level = PM_CONTAINMENT_GUARD; level <= PM_CONTAINMENT_PIDNS; ++level) {
        char byte;
        int proof;
        if (!can_have(manager, level))
            continue;
        pm_process *process = start_tree(manager, level, &proof);
        OK(pm_process_stop(process, NULL, 0, &error));
        struct pollfd gone = {proof, POLLIN, 0};
        CHECK(poll(&gone, 1, 30000) == 1 && read(proof, &byte, 1) == 0 && close(proof) == 0);
        pm_process_free(process);
    }
    pm_manager_free(manager);
    return 0;
}
