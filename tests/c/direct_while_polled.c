/* Direct mode that is asked for while another thread polls: the poll returns, also one that would
 * wait without end, and the thread of the library goes on with the calls. */
#include "check.h"
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

static pm_manager *manager;
static pthread_t polling;
static int inside[2], go_on[2], taken_over[2]; /* pipes: the write end is [1] */
static volatile pid_t poller;
static int has_been_inside;

static void put(const int pipe[2]) { CHECK(write(pipe[1], "", 1) == 1); }

static void take(const int pipe[2])
{
    char byte;
    CHECK(read(pipe[0], &byte, 1) == 1);
}

static void on_line(pm_id id, const pm_record *record, void *data)
{
    (void)id, (void)record, (void)data;
    if (!pthread_equal(polling, pthread_self())) {
        put(taken_over);
    } else if (!has_been_inside) {
        has_been_inside = 1;
        put(inside);
        take(go_on);
    }
}

static void *poll_until_busy(void *data)
{
    pm_error *error = NULL;
    pm_status status = PM_OK;
    poller = (pid_t)syscall(SYS_gettid);
    put((const int *)data);
    while (status == PM_OK)
        status = pm_manager_poll(manager, -1, NULL, &error);
    CHECK(status == PM_ERROR_BUSY);
    pm_error_free(error);
    return NULL;
}

static int sleeps(int thread)
{
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
    FILE *stat = fopen(path, "r");
    const int got = stat ? fscanf(stat, "%*d (%*[^)]) %c", &state) : 0;
    return (!stat || fclose(stat) == 0) && got == 1 && state == 'S';
}

/* The library's thread for callbacks; 0 if there is none. */
static int callback_thread(void)
{
    int found = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    for (struct dirent *task; (task = readdir(tasks)) && !found;) {
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *comm = fopen(path, "r");
        const int got = comm ? fscanf(comm, "%31s", name) : 0;
        if (got == 1 && strcmp(name, "pm-callbacks") == 0)
            found = atoi(task->d_name);
        CHECK(!comm || fclose(comm) == 0);
    }
    CHECK(closedir(tasks) == 0);
    return found;
}

static void while_a_callback_runs(void)
{
    pm_error *error = NULL;
    int begun[2], thread;
    CHECK(pipe(begun) == 0);
    manager = new_manager();
    OK(pm_manager_set_output_callback(manager, on_line, NULL, NULL, &error));
    pm_process *process = start(manager, "ticker", ARGS("5"));
    CHECK(pthread_create(&polling, NULL, poll_until_busy, begun) == 0);
    take(inside);
    OK(pm_manager_deliver_directly(manager, &error));
    /* It has found the other thread inside, and waits. */
    while ((thread = callback_thread()) == 0 || !sleeps(thread))
        sched_yield();
    put(go_on);
    CHECK(pthread_join(polling, NULL) == 0);
    take(taken_over);
    pm_process_free(process);
    pm_manager_free(manager);
}

static void while_a_poll_waits(void)
{
    pm_error *error = NULL;
    int begun[2];
    CHECK(pipe(begun) == 0);
    manager = new_manager();
    CHECK(pthread_create(&polling, NULL, poll_until_busy, begun) == 0);
    take(begun);
    while (!sleeps(poller))
        sched_yield();
    OK(pm_manager_deliver_directly(manager, &error));
    CHECK(pthread_join(polling, NULL) == 0);
    pm_manager_free(manager);
}

int main(void)
{
    CHECK(pipe(inside) == 0 && pipe(go_on) == 0 && pipe(taken_over) == 0);
    while_a_poll_waits();
    while_a_callback_runs();
    return 0;
}
