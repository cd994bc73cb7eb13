/* A plain poll(2) loop that serves standard input and the processes. Ends when they have ended. */

#include <poll.h>
#include <process_manager.h>
#include <stdio.h>
#include <stdlib.h>

static void check(pm_status status, pm_error **error)
{
    if (status >= 0)
        return;
    fprintf(stderr, "poll_loop: %s\n", pm_error_message(*error));
    exit(1);
}

static void on_line(pm_id id, const pm_record *record, void *data)
{
    (void)id, (void)data;
    printf("%.*s\n", (int)record->line.len, (const char *)record->line.data);
}

static void on_end(pm_id id, const pm_exit *end, void *running)
{
    (void)id;
    printf("ended with %d\n", end->code);
    --*(int *)running;
}

int main(void)
{
    pm_error *error = NULL;
    pm_manager *manager;
    pm_process *process;
    pm_command *command;
    int running = 0;
    struct pollfd fds[1] = {{.events = POLLIN}};

    check(pm_manager_new(NULL, &manager, &error), &error);
    check(pm_manager_set_output_callback(manager, on_line, NULL, NULL, &error), &error);
    check(pm_manager_set_exit_callback(manager, on_end, &running, NULL, &error), &error);
    check(pm_command_new("echo", PM_NUL_TERMINATED, &command, &error), &error);
    check(pm_command_add_arg(command, "hello", PM_NUL_TERMINATED, &error), &error);
    for (; running < 3; ++running) {
        check(pm_manager_start(manager, command, &process, &error), &error);
        pm_process_free(process); /* the manager keeps the process */
    }
    pm_command_free(command);

    check(pm_manager_fd(manager, &fds[0].fd, &error), &error);
    while (running > 0) {
        if (poll(fds, 1, -1) < 0) /* any other descriptor of the program goes in here too */
            return 1;
        check(pm_manager_poll(manager, 0, NULL, &error), &error);
    }
    pm_manager_free(manager);
    return 0;
}
