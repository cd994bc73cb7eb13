/* Cold use of this library: one process, its end and its output checked, end of the program. */
#include <process_manager.h>
#include <stdlib.h>
#include <string.h>

static int is_as_expected(const pm_run_result *result)
{
    pm_bytes out, err;
    pm_exit ended;
    pm_run_result_stdout(result, &out);
    pm_run_result_stderr(result, &err);
    pm_info_exit(pm_run_result_info(result), &ended);
    return out.len == 5 && !memcmp(out.data, "tiny\n", 5) && err.len == 0 &&
           ended.kind == PM_EXIT_CODE && ended.code == 0;
}

int main(void)
{
    pm_command *command;
    pm_run_result *result;
    if (pm_command_new(getenv("BENCH_TINY"), PM_NUL_TERMINATED, &command, NULL) != PM_OK ||
        pm_command_add_arg(command, "say", PM_NUL_TERMINATED, NULL) != PM_OK ||
        pm_command_run(command, NULL, &result, NULL) != PM_OK)
        return 1;
    int is_right = is_as_expected(result);
    pm_run_result_free(result);
    pm_command_free(command);
    return !is_right;
}
