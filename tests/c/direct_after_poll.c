/* Direct mode that is asked for while a poll is under way begins when that ends. */
#include "check.h"
#include <pthread.h>

static int inside[2], go_on[2], later[2];
static pthread_t poller;
static int calls;

static void on_line(pm_id id, const pm_record *record, void *data)
{
    char byte;
    (void)id, (void)record, (void)data;
    if (pthread_equal(poller, pthread_self())) {
        CHECK(write(inside[1], "", 1) == 1);
        CHECK(read(go_on[0], &byte, 1) == 1);
    } else if (calls++ == 0) {
        CHECK(write(later[1], "", 1) == 1);
    }
}

static void *poll_once(void *manager)
{
    pm_error *error = NULL;
    poller = pthread_self();
    OK(pm_manager_poll(manager, -1, NULL, &error));
    return NULL;
}

int main(void)
{
    pm_error *error = NULL;
    pthread_t thread;
    char byte;
    CHECK(pipe(inside) == 0 && pipe(go_on) == 0 && pipe(later) == 0);
    pm_manager *manager = new_manager();
    OK(pm_manager_set_output_callback(manager, on_line, NULL, NULL, &error));
    pm_process *process = start(manager, "ticker", NULL);
    CHECK(pthread_create(&thread, NULL, poll_once, manager) == 0);
    CHECK(read(inside[0], &byte, 1) == 1);
    OK(pm_manager_deliver_directly(manager, &error));
    for (int more = 0; more < 100; ++more)
        CHECK(write(go_on[1], "", 1) == 1);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(read(later[0], &byte, 1) == 1);
    pm_process_free(process);
    pm_manager_free(manager);
    return 0;
}
