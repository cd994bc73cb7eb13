/* Cold use of this library: one process, its output checked, end of the program. */
#include <process_manager.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    pm_command *command;
    pm_run_result *result;
    pm_bytes out;
    if (pm_command_new(getenv("BENCH_TINY"), PM_NUL_TERMINATED, &command, NULL) != PM_OK ||
        pm_command_add_arg(command, "say", PM_NUL_TERMINATED, NULL) != PM_OK ||
        pm_command_run(command, NULL, &result, NULL) != PM_OK)
        return 1;
    pm_run_result_stdout(result, &out);
    int is_other = out.len != 5 || memcmp(out.data, "tiny\n", 5);
    pm_run_result_free(result);
    pm_command_free(command);
    return is_other;
}
