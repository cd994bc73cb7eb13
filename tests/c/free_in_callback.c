/* Both handles may be freed inside a callback; the user data is destroyed when it returns. Freeing
 * the manager ends the calls of all callbacks at once, and the rest when the poll returns. */
#include "threads.h"

static pm_manager *manager;
static pm_process *process;
static int calls, destroyed, others, is_freed;
static int ended[2];

static void on_line(pm_id id, const pm_record *record, void *data)
{
    (void)id, (void)record, (void)data;
    ++calls;
    pm_process_free(process);
    CHECK(destroyed == 0);
}

static void on_exit_of(pm_id id, const pm_exit *end, void *data)
{
    (void)id, (void)end, (void)data;
    ++calls;
    pm_manager_free(manager);
    CHECK(destroyed == 1 && others == 0);
}

static void on_event(const pm_event *event, void *data)
{
    (void)event, (void)data;
    CHECK(!is_freed);
}

/* The first of several lines. */
static void on_first_line(pm_id id, const pm_record *record, void *data)
{
    (void)id, (void)record, (void)data;
    CHECK(!is_freed);
    is_freed = 1;
    pm_manager_free(manager);
    CHECK(others == 0 && pm_process_is_running(process));
}

static void on_other_destroy(void *data)
{
    (void)data;
    ++others;
    if (ended[1] > 0)
        CHECK(write(ended[1], "", 1) == 1);
}

static void on_destroy(void *data)
{
    CHECK(data == &destroyed);
    ++destroyed;
}

/* What the manager of on_first_line() holds: a process that the program holds too, and two callbacks. */
static void prepare(void)
{
    pm_error *error = NULL;
    pm_command *command;
    is_freed = others = 0;
    manager = new_manager();
    OK(pm_manager_set_output_callback(manager, on_first_line, NULL, on_other_destroy, &error));
    OK(pm_manager_set_event_callback(manager, on_event, NULL, on_other_destroy, &error));
    OK(pm_command_new("sh", NUL, &command, &error));
    OK(pm_command_add_args(command, ARGS("-c", "printf 'one\\ntwo\\n'; exec sleep 1000"), &error));
    OK(pm_manager_start(manager, command, &process, &error));
    pm_command_free(command);
}

static void in_a_poll(void)
{
    pm_error *error = NULL;
    prepare();
    while (!is_freed)
        OK(pm_manager_poll(manager, -1, NULL, &error));
    CHECK(others == 2);
    OK(pm_process_kill(process, &error));
    pm_process_free(process);
}

/* The thread that ran the callback ends by itself; a program that ends before is told by valgrind
 * that it lost what that thread still held. */
static void in_direct_mode(int threads_before)
{
    pm_error *error = NULL;
    char byte;
    CHECK(pipe(ended) == 0);
    prepare();
    OK(pm_manager_deliver_directly(manager, &error));
    CHECK(read(ended[0], &byte, 1) == 1 && read(ended[0], &byte, 1) == 1);
    OK(pm_process_kill(process, &error));
    pm_process_free(process);
    expect_threads(threads_before);
}

int main(void)
{
    pm_error *error = NULL;
    const int threads_before = threads();
    manager = new_manager();
    process = start(manager, "stderr_and_stdout", NULL);
    OK(pm_process_set_output_callback(process, on_line, &destroyed, on_destroy, &error));
    while (calls < 1)
        OK(pm_manager_poll(manager, -1, NULL, &error));
    CHECK(calls == 1 && destroyed == 1);
    OK(pm_manager_set_exit_callback(manager, on_exit_of, &destroyed, on_destroy, &error));
    OK(pm_manager_set_event_callback(manager, on_event, NULL, on_other_destroy, &error));
    while (calls < 2)
        OK(pm_manager_poll(manager, -1, NULL, &error));
    CHECK(calls == 2 && destroyed == 2 && others == 1);
    in_a_poll();
    in_direct_mode(threads_before);
    return 0;
}
