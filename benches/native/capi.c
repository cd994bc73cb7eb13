/*
 * This library through its C interface. The argument says how output is taken: `pull` with
 * pm_output_next(), a batch at a time, or `poll` with a callback that pm_manager_poll() runs.
 */
#include "serve.h"

#include <process_manager.h>
#include <stdio.h>
#include <string.h>

static pm_manager *manager;
static bool is_polling;

static void check(pm_status status, pm_error *error)
{
    must(status >= 0, error ? pm_error_message(error) : pm_status_string(status));
}

static const char *about(const char *work)
{
    if (!strcmp(work, "bytes"))
        return "pm_manager_start, pm_output_next_bytes to the end, pm_process_wait";
    if (strcmp(work, "lines") && strcmp(work, "latency"))
        return "pm_manager_run";
    return is_polling ? "pm_process_set_output_callback, pm_manager_poll until the exit callback"
                      : "pm_output_next, every record of each batch";
}

static pm_command *command_for(const char *const *child)
{
    pm_error *error = NULL;
    pm_command *command;
    check(pm_command_new(child[0], PM_NUL_TERMINATED, &command, &error), error);
    check(pm_command_add_args(command, child + 1, &error), error);
    return command;
}

static void start_and_reap(void)
{
    static pm_command *command;
    pm_error *error = NULL;
    pm_run_result *result;
    pm_bytes out, err;
    pm_exit ended;
    if (!command)
        command = command_for(say);
    check(pm_manager_run(manager, command, NULL, &result, &error), error);
    pm_run_result_stdout(result, &out);
    pm_run_result_stderr(result, &err);
    pm_info_exit(pm_run_result_info(result), &ended);
    must(out.len == 5 && !memcmp(out.data, "tiny\n", 5) && err.len == 0, "another output");
    must(ended.kind == PM_EXIT_CODE && ended.code == 0, "another end");
    pm_run_result_free(result);
}

static pm_process *start(const char *const *child)
{
    pm_error *error = NULL;
    pm_process *process;
    pm_command *command = command_for(child);
    check(pm_manager_start(manager, command, &process, &error), error);
    pm_command_free(command);
    return process;
}

static void finish(pm_process *process)
{
    pm_error *error = NULL;
    pm_exit ended;
    check(pm_process_wait(process, -1, &ended, &error), error);
    must(ended.kind == PM_EXIT_CODE && ended.code == 0, "another end");
    pm_process_free(process);
}

typedef pm_status (*pull_function)(pm_output *, int64_t, const pm_record **, size_t *, pm_error **);

static void pull(pm_process *process, pull_function next, line_seen seen, void *context)
{
    pm_error *error = NULL;
    pm_output *output;
    const pm_record *records;
    pm_status status;
    size_t count;
    check(pm_process_output(process, &output, &error), error);
    while ((status = next(output, -1, &records, &count, &error)) == PM_OK)
        for (size_t at = 0; at < count; ++at) {
            must(records[at].kind != PM_RECORD_GAP, "lost output");
            seen(context, records[at].line.data, records[at].line.len);
        }
    check(status, error);
    pm_output_free(output);
}

static void add_bytes(void *sum, const uint8_t *data, size_t len)
{
    (void)data;
    *(uint64_t *)sum += len;
}

static uint64_t bytes(const char *const *child)
{
    uint64_t sum = 0;
    pm_process *process = start(child);
    pull(process, pm_output_next_bytes, add_bytes, &sum);
    finish(process);
    return sum;
}

struct callbacks {
    line_seen seen;
    void *context;
    bool has_ended;
};

static void on_line(pm_id id, const pm_record *record, void *user_data)
{
    struct callbacks *callbacks = user_data;
    (void)id;
    must(record->kind == PM_RECORD_LINE, "lost output");
    callbacks->seen(callbacks->context, record->line.data, record->line.len);
}

static void on_exit_of(pm_id id, const pm_exit *ended, void *user_data)
{
    struct callbacks *callbacks = user_data;
    (void)id;
    (void)ended;
    callbacks->has_ended = true;
}

static void poll_lines(pm_process *process, line_seen seen, void *context)
{
    pm_error *error = NULL;
    struct callbacks all = {seen, context, false};
    check(pm_process_set_output_callback(process, on_line, &all, NULL, &error), error);
    check(pm_process_set_exit_callback(process, on_exit_of, &all, NULL, &error), error);
    while (!all.has_ended)
        check(pm_manager_poll(manager, -1, NULL, &error), error);
}

static void lines(const char *const *child, line_seen seen, void *context)
{
    pm_process *process = start(child);
    if (is_polling)
        poll_lines(process, seen, context);
    else
        pull(process, pm_output_next, seen, context);
    finish(process);
}

int main(int argc, char **argv)
{
    const struct contender contender = {about, start_and_reap, bytes, lines};
    pm_error *error = NULL;
    is_polling = argc > 1 && !strcmp(argv[1], "poll");
    check(pm_manager_new(NULL, &manager, &error), error);
    int code = serve(&contender);
    pm_manager_free(manager);
    return code;
}
