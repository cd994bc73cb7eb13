/* A libuv loop: a uv_poll_t on the manager's descriptor. needs: libuv */

#include <process_manager.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static void check(pm_status status, pm_error **error)
{
    if (status >= 0)
        return;
    fprintf(stderr, "libuv_loop: %s\n", pm_error_message(*error));
    exit(1);
}

static void on_line(pm_id id, const pm_record *record, void *data)
{
    (void)id, (void)data;
    printf("%.*s\n", (int)record->line.len, (const char *)record->line.data);
}

static void on_end(pm_id id, const pm_exit *end, void *poll)
{
    (void)id;
    printf("ended with %d\n", end->code);
    uv_close((uv_handle_t *)poll, NULL); /* the loop ends with its last handle */
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    pm_error *error = NULL;
    (void)status, (void)events;
    check(pm_manager_poll(poll->data, 0, NULL, &error), &error);
}

int main(void)
{
    pm_error *error = NULL;
    pm_manager *manager;
    pm_process *process;
    pm_command *command;
    uv_poll_t poll;
    int fd;

    check(pm_manager_new(NULL, &manager, &error), &error);
    check(pm_manager_set_output_callback(manager, on_line, NULL, NULL, &error), &error);
    check(pm_manager_set_exit_callback(manager, on_end, &poll, NULL, &error), &error);
    check(pm_command_new("echo", PM_NUL_TERMINATED, &command, &error), &error);
    check(pm_command_add_arg(command, "hello", PM_NUL_TERMINATED, &error), &error);
    check(pm_manager_start(manager, command, &process, &error), &error);
    pm_process_free(process);
    pm_command_free(command);

    check(pm_manager_fd(manager, &fd, &error), &error);
    if (uv_poll_init(uv_default_loop(), &poll, fd) < 0)
        return 1;
    poll.data = manager;
    uv_poll_start(&poll, UV_READABLE, on_readable);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    uv_loop_close(uv_default_loop());
    pm_manager_free(manager);
    return 0;
}
