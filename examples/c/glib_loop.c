/* A GLib main loop: a source on the manager's descriptor. needs: glib-2.0 */

#include <glib-unix.h>
#include <process_manager.h>
#include <stdio.h>
#include <stdlib.h>

static void check(pm_status status, pm_error **error)
{
    if (status >= 0)
        return;
    fprintf(stderr, "glib_loop: %s\n", pm_error_message(*error));
    exit(1);
}

static void on_line(pm_id id, const pm_record *record, void *data)
{
    (void)id, (void)data;
    printf("%.*s\n", (int)record->line.len, (const char *)record->line.data);
}

static void on_end(pm_id id, const pm_exit *end, void *loop)
{
    (void)id;
    printf("ended with %d\n", end->code);
    g_main_loop_quit(loop);
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer manager)
{
    pm_error *error = NULL;
    (void)fd, (void)condition;
    check(pm_manager_poll(manager, 0, NULL, &error), &error);
    return G_SOURCE_CONTINUE;
}

int main(void)
{
    pm_error *error = NULL;
    pm_manager *manager;
    pm_process *process;
    pm_command *command;
    int fd;
    GMainLoop *loop = g_main_loop_new(NULL, FALSE);

    check(pm_manager_new(NULL, &manager, &error), &error);
    check(pm_manager_set_output_callback(manager, on_line, NULL, NULL, &error), &error);
    check(pm_manager_set_exit_callback(manager, on_end, loop, NULL, &error), &error);
    check(pm_command_new("echo", PM_NUL_TERMINATED, &command, &error), &error);
    check(pm_command_add_arg(command, "hello", PM_NUL_TERMINATED, &error), &error);
    check(pm_manager_start(manager, command, &process, &error), &error);
    pm_process_free(process);
    pm_command_free(command);

    check(pm_manager_fd(manager, &fd, &error), &error);
    const guint source = g_unix_fd_add(fd, G_IO_IN, on_readable, manager);
    g_main_loop_run(loop);
    g_source_remove(source);
    g_main_loop_unref(loop);
    pm_manager_free(manager);
    return 0;
}
