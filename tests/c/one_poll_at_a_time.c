/* A poll inside a callback and a poll on a second thread are refused, each with its own status. */
#include "check.h"
#include <pthread.h>

static pm_manager *manager;
static int reentrant, busy;

static void *poll_too(void *data)
{
    pm_error *error = NULL;
    (void)data;
    IS(PM_ERROR_BUSY, pm_manager_poll(manager, 0, NULL, &error));
    ++busy;
    return NULL;
}

static void on_line(pm_id id, const pm_record *record, void *data)
{
    pm_error *error = NULL;
    pthread_t thread;
    size_t calls = 77;
    (void)id, (void)record, (void)data;
    IS(PM_ERROR_REENTRANT, pm_manager_poll(manager, -1, &calls, &error));
    CHECK(calls == 77);
    ++reentrant;
    CHECK(pthread_create(&thread, NULL, poll_too, NULL) == 0 && pthread_join(thread, NULL) == 0);
}

static void *wake(void *data)
{
    pm_error *error = NULL;
    (void)data;
    OK(pm_manager_wake(manager, &error));
    return NULL;
}

int main(void)
{
    pm_error *error = NULL;
    pthread_t thread;
    size_t calls = 77;
    manager = new_manager();
    pm_process *process = start(manager, "echo_args", ARGS("a"));
    OK(pm_manager_set_output_callback(manager, on_line, NULL, NULL, &error));
    while (reentrant == 0)
        OK(pm_manager_poll(manager, -1, NULL, &error));
    CHECK(busy == reentrant);
    OK(pm_process_wait_closed(process, -1, &error));
    do
        OK(pm_manager_poll(manager, 0, &calls, &error));
    while (calls > 0);

    /* Another thread can end a wait. */
    CHECK(pthread_create(&thread, NULL, wake, NULL) == 0);
    OK(pm_manager_poll(manager, -1, &calls, &error));
    CHECK(calls == 0 && pthread_join(thread, NULL) == 0);
    pm_process_free(process);
    pm_manager_free(manager);
    return 0;
}
