/* A callback that is set while processes are being started meets each of them once. */
#include "check.h"
#include <pthread.h>

enum { COUNT = 200 };
static int exits;

static void on_exit_of(pm_id id, const pm_exit *end, void *data)
{
    (void)id, (void)end, (void)data;
    ++exits;
}

static void *start_all_of_them(void *manager)
{
    for (int nth = 0; nth < COUNT; ++nth)
        pm_process_free(start(manager, "exit_code", ARGS("0")));
    return NULL;
}

int main(void)
{
    pm_error *error = NULL;
    pthread_t thread;
    pm_manager *manager = new_manager();
    OK(pm_manager_set_retention(manager, COUNT, &error));
    CHECK(pthread_create(&thread, NULL, start_all_of_them, manager) == 0);
    while (pm_manager_count(manager) < COUNT / 4)
        OK(pm_manager_poll(manager, 1, NULL, &error));
    OK(pm_manager_set_exit_callback(manager, on_exit_of, NULL, NULL, &error));
    while (exits < COUNT)
        OK(pm_manager_poll(manager, -1, NULL, &error));
    CHECK(pthread_join(thread, NULL) == 0);
    OK(pm_manager_poll(manager, 0, NULL, &error));
    CHECK(exits == COUNT);
    pm_manager_free(manager);
    return 0;
}
