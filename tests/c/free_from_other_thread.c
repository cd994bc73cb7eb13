/* Freeing a handle on another thread waits for a call of its callback that runs. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

static pm_process *process;
static int inside[2], go_on[2], freed[2]; /* pipes: the write end is [1] */
static volatile int left, destroyed;
static volatile pid_t freeing;

/* Until the other thread sleeps, in the free or after it. */
static void until_it_waits(void)
{
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)freeing);
    while (state != 'S') {
        FILE *stat = fopen(path, "r");
        CHECK(stat && fscanf(stat, "%*d (%*[^)]) %c", &state) == 1 && fclose(stat) == 0);
        sched_yield();
    }
}

static void on_line(pm_id id, const pm_record *record, void *data)
{
    char byte = 0;
    (void)id, (void)record, (void)data;
    if (left)
        return;
    CHECK(write(inside[1], &byte, 1) == 1);
    CHECK(read(go_on[0], &byte, 1) == 1);
    until_it_waits();
    CHECK(destroyed == 0);
    left = 1;
}

static void on_destroy(void *data)
{
    (void)data;
    CHECK(left == 1);
    ++destroyed;
}

static void *free_it(void *data)
{
    char byte = 0;
    (void)data;
    CHECK(read(inside[0], &byte, 1) == 1);
    freeing = (pid_t)syscall(SYS_gettid);
    CHECK(write(go_on[1], &byte, 1) == 1);
    pm_process_free(process);
    CHECK(left == 1 && destroyed == 1);
    CHECK(write(freed[1], &byte, 1) == 1);
    CHECK(read(inside[0], &byte, 1) == 1); /* not gone before it was seen to wait */
    return NULL;
}

int main(void)
{
    pthread_t thread;
    pm_error *error = NULL;
    char byte;
    CHECK(pipe(inside) == 0 && pipe(go_on) == 0 && pipe(freed) == 0);
    pm_manager *manager = new_manager();
    process = start(manager, "ticker", ARGS("10"));
    OK(pm_process_set_output_callback(process, on_line, NULL, on_destroy, &error));
    CHECK(pthread_create(&thread, NULL, free_it, NULL) == 0);
    while (!left)
        OK(pm_manager_poll(manager, -1, NULL, &error));
    CHECK(read(freed[0], &byte, 1) == 1);
    CHECK(write(inside[1], &byte, 1) == 1);
    CHECK(pthread_join(thread, NULL) == 0);
    pm_manager_free(manager);
    CHECK(destroyed == 1);
    return 0;
}
