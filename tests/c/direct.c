/* Direct mode: callbacks on one thread of the library, none before the first process, none after
 * the manager. */
#include "check.h"
#include <pthread.h>
#include <signal.h>

static int ended[2];
static pthread_t caller;
static int lines;

static void on_line(pm_id id, const pm_record *record, void *data)
{
    sigset_t mask;
    (void)id, (void)record, (void)data;
    CHECK(lines == 0 || pthread_equal(caller, pthread_self()));
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0 && sigismember(&mask, SIGINT) == 1);
    caller = pthread_self();
    ++lines;
}

static void on_exit_of(pm_id id, const pm_exit *end, void *data)
{
    (void)id, (void)end, (void)data;
    CHECK(write(ended[1], "", 1) == 1);
}

int main(void)
{
    pm_error *error = NULL;
    char byte;
    CHECK(pipe(ended) == 0);
    for (int round = 0; round < 3; ++round) {
        pm_manager *manager = new_manager();
        OK(pm_manager_deliver_directly(manager, &error));
        OK(pm_manager_set_output_callback(manager, on_line, NULL, NULL, &error));
        OK(pm_manager_set_exit_callback(manager, on_exit_of, NULL, NULL, &error));
        lines = 0;
        pm_process *process = start(manager, "stderr_and_stdout", NULL);
        IS(PM_ERROR_BUSY, pm_manager_poll(manager, 0, NULL, &error));
        CHECK(read(ended[0], &byte, 1) == 1);
        CHECK(lines > 0 && !pthread_equal(caller, pthread_self()));
        pm_process_free(process);
        pm_manager_free(manager);
    }
    return 0;
}
