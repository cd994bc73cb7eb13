/* A start that fails after the process has begun, since there is no thread for its callbacks,
 * leaves no process. This program's pthread_create stands in for the system's.
 * not: sanitize sanitize-clang valgrind */
#include "check.h"
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

static int has_no_threads;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *),
                   void *data)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    void *const symbol = dlsym(RTLD_NEXT, "pthread_create");
    memcpy(&real, &symbol, sizeof real);
    return has_no_threads ? EAGAIN : real(thread, attributes, body, data);
}

static void on_exit_of(pm_id id, const pm_exit *end, void *data)
{
    (void)id, (void)end, (void)data;
}

int main(void)
{
    pm_error *error = NULL;
    pm_process *processes[2] = {NULL, NULL};
    pm_manager *manager = new_manager();
    pm_command *command = helper("ticker", NULL);
    const pm_command *const both[] = {command, command};
    OK(pm_manager_set_exit_callback(manager, on_exit_of, NULL, NULL, &error));
    /* The engine has its thread by now. */
    pm_process *first = start(manager, "ticker", NULL);
    OK(pm_manager_kill(manager, pm_process_id(first), &error));
    pm_process_free(first);
    OK(pm_manager_deliver_directly(manager, &error));

    has_no_threads = 1;
    IS(PM_ERROR_IO, pm_manager_start(manager, command, processes, &error));
    CHECK(pm_manager_count(manager) == 0 && processes[0] == NULL);
    IS(PM_ERROR_IO, pm_manager_start_all(manager, both, 2, processes, &error));
    CHECK(pm_manager_count(manager) == 0 && processes[0] == NULL);

    has_no_threads = 0;
    OK(pm_manager_start(manager, command, processes, &error));
    CHECK(pm_manager_running_count(manager) == 1);
    pm_process_free(processes[0]);
    pm_command_free(command);
    pm_manager_free(manager);
    return 0;
}
