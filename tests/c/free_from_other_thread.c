/* Freeing a handle on another thread waits for a call of its callback that runs. */
#include "check.h"
#include <pthread.h>

static pm_process *process;
static int inside[2], go_on[2], freed[2]; /* pipes: the write end is [1] */
static volatile int left, destroyed;

static void on_line(pm_id id, const pm_record *record, void *data)
{
    char byte = 0;
    struct timespec pause = {0, 20 * 1000 * 1000};
    (void)id, (void)record, (void)data;
    if (left)
        return;
    CHECK(write(inside[1], &byte, 1) == 1);
    CHECK(read(go_on[0], &byte, 1) == 1);
    nanosleep(&pause, NULL); /* gives the other thread a chance to do it wrong */
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
    CHECK(write(go_on[1], &byte, 1) == 1);
    pm_process_free(process);
    CHECK(left == 1 && destroyed == 1);
    CHECK(write(freed[1], &byte, 1) == 1);
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
    CHECK(pthread_join(thread, NULL) == 0);
    pm_manager_free(manager);
    CHECK(destroyed == 1);
    return 0;
}
