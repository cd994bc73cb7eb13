/* A copy that is forked in direct mode has no thread to wait for: its free returns.
 * The copy keeps memory of threads that it does not have:
 * not: valgrind */
#include "check.h"
#include <sys/wait.h>

int main(void)
{
    pm_error *error = NULL;
    pm_manager *manager = new_manager();
    OK(pm_manager_deliver_directly(manager, &error));
    pm_process *process = start(manager, "ticker", NULL);
    const pid_t copy = fork();
    if (copy == 0) {
        alarm(60);
        pm_process_free(process);
        pm_manager_free(manager);
        _exit(0);
    }
    int status;
    CHECK(waitpid(copy, &status, 0) == copy && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(pm_process_is_running(process));
    pm_process_free(process);
    pm_manager_free(manager);
    return 0;
}
