/* A callback can be set while another thread starts a process, however long that takes: here the
 * program's file is leased to this test, so that exec waits until the lease is given back.
 * not: valgrind */
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

static pm_manager *manager;
static pm_command *command;
static pm_process *process;
static int exits;

static void on_exit_of(pm_id id, const pm_exit *end, void *data)
{
    (void)id, (void)end, (void)data;
    ++exits;
}

static void *start_it(void *data)
{
    pm_error *error = NULL;
    (void)data;
    OK(pm_manager_start(manager, command, &process, &error));
    return NULL;
}

/* A file of its own: nobody else has it open. */
static void copy_program(const char *to)
{
    char bytes[65536];
    ssize_t count;
    const int from = open(child("exit_code"), O_RDONLY | O_CLOEXEC);
    const int copy = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    CHECK(from >= 0 && copy >= 0);
    while ((count = read(from, bytes, sizeof bytes)) > 0)
        CHECK(write(copy, bytes, (size_t)count) == count);
    CHECK(count == 0 && close(from) == 0 && close(copy) == 0);
}

int main(void)
{
    char path[4096];
    sigset_t broken;
    pthread_t thread;
    pm_error *error = NULL;
    snprintf(path, sizeof path, "%s/program", getenv("TMPDIR"));
    copy_program(path);
    CHECK(sigemptyset(&broken) == 0 && sigaddset(&broken, SIGIO) == 0);
    CHECK(pthread_sigmask(SIG_BLOCK, &broken, NULL) == 0);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(file >= 0);
    if (fcntl(file, F_SETLEASE, F_WRLCK) != 0) {
        printf("skipped: no lease on a file here: %s\n", strerror(errno));
        CHECK(unlink(path) == 0);
        return 77;
    }

    manager = new_manager();
    OK(pm_command_new(path, NUL, &command, &error));
    CHECK(pthread_create(&thread, NULL, start_it, NULL) == 0);
    /* The start is at exec, and stays there. */
    while (sigwaitinfo(&broken, NULL) != SIGIO)
        CHECK(errno == EINTR);
    OK(pm_manager_set_exit_callback(manager, on_exit_of, NULL, NULL, &error));
    CHECK(fcntl(file, F_SETLEASE, F_UNLCK) == 0 && close(file) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    while (exits == 0)
        OK(pm_manager_poll(manager, -1, NULL, &error));
    CHECK(exits == 1);
    pm_process_free(process);
    pm_command_free(command);
    pm_manager_free(manager);
    CHECK(unlink(path) == 0);
    return 0;
}
