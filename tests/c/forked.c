/* In a forked copy of the host every call on an old handle is refused, and frees end nothing,
 * wait for no thread that the copy lacks, and leave the user data of callbacks alone.
 * The copy keeps memory of threads that it does not have:
 * not: valgrind */
#include "check.h"
#include <sys/wait.h>

static pm_manager *direct;
static int inside[2], go_on[2]; /* pipes: the write end is [1] */
static volatile int destroyed;

static void on_destroy(void *data)
{
    (void)data;
    ++destroyed;
}

/* The first call waits until the copy has gone. */
static void on_line(pm_id id, const pm_record *record, void *data)
{
    char byte = 0;
    (void)id, (void)record, (void)data;
    if (write(inside[1], &byte, 1) == 1)
        CHECK(read(go_on[0], &byte, 1) <= 1);
}

static void on_exit_of(pm_id id, const pm_exit *end, void *data)
{
    (void)id, (void)end, (void)data;
}

static void ends_well(pid_t copy)
{
    int status;
    CHECK(waitpid(copy, &status, 0) == copy && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The copy has neither the thread that polls, nor the call that it is in. */
static void while_calls_are_direct(void)
{
    pm_error *error = NULL;
    char byte;
    CHECK(pipe(inside) == 0 && pipe(go_on) == 0);
    direct = new_manager();
    OK(pm_manager_deliver_directly(direct, &error));
    OK(pm_manager_set_output_callback(direct, on_line, NULL, on_destroy, &error));
    OK(pm_manager_set_exit_callback(direct, on_exit_of, NULL, on_destroy, &error));
    pm_process *process = start(direct, "ticker", NULL);
    OK(pm_process_set_exit_callback(process, on_exit_of, NULL, on_destroy, &error));
    CHECK(read(inside[0], &byte, 1) == 1);

    const pid_t copy = fork();
    if (copy == 0) {
        IS(PM_ERROR_FORKED, pm_manager_poll(direct, 0, NULL, &error));
        IS(PM_ERROR_FORKED, pm_manager_deliver_directly(direct, &error));
        pm_process_free(process);
        pm_manager_free(direct);
        CHECK(destroyed == 0);
        _exit(0);
    }
    ends_well(copy);
    CHECK(close(go_on[1]) == 0 && destroyed == 0);
    pm_process_free(process);
    CHECK(destroyed == 1);
    pm_manager_free(direct);
    CHECK(destroyed == 3);
}

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
    ends_well(copy);
    OK(pm_output_next(output, -1, &records, &count, &error));
    CHECK(pm_process_is_running(process));
    OK(pm_process_stop(process, NULL, 0, &error));
    pm_output_free(output);
    pm_process_free(process);
    pm_manager_free(manager);
    while_calls_are_direct();
    return 0;
}
