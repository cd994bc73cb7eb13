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

/* Inline: who pulls needs no call through a pointer for each line, so neither does this. */
static inline void pull(const char *const *child, pull_function next, line_seen seen, void *context)
{
    pm_error *error = NULL;
    pm_output *output;
    const pm_record *records;
    pm_status status;
    size_t count;
    pm_process *process = start(child);
    check(pm_process_output(process, &output, &error), error);
    while ((status = next(output, -1, &records, &count, &error)) == PM_OK)
        for (size_t at = 0; at < count; ++at) {
            must(records[at].kind != PM_RECORD_GAP, "lost output");
            seen(context, records[at].line.data, records[at].line.len);
        }
    check(status, error);
    pm_output_free(output);
    finish(process);
}

static void add_bytes(void *sum, const uint8_t *data, size_t len)
{
    (void)data;
    *(uint64_t *)sum += len;
}

static uint64_t bytes(const char *const *child)
{
    uint64_t sum = 0;
    pull(child, pm_output_next_bytes, add_bytes, &sum);
    return sum;
}

struct callbacks {
    line_seen seen;
    void *context;
};

static void on_line(pm_id id, const pm_record *record, void *user_data)
{
    const struct callbacks *callbacks = user_data;
    (void)id;
    must(record->kind == PM_RECORD_LINE, "lost output");
    callbacks->seen(callbacks->context, record->line.data, record->line.len);
}

static void on_counted_line(pm_id id, const pm_record *record, void *tally)
{
    (void)id;
    must(record->kind == PM_RECORD_LINE, "lost output");
    count_line(tally, record->line.data, record->line.len);
}

static void on_exit_of(pm_id id, const pm_exit *ended, void *has_ended)
{
    (void)id;
    (void)ended;
    *(bool *)has_ended = true;
}

static void poll_output(const char *const *child, pm_output_callback on_output, void *user_data)
{
    pm_error *error = NULL;
    bool has_ended = false;
    pm_process *process = start(child);
    check(pm_process_set_output_callback(process, on_output, user_data, NULL, &error), error);
    check(pm_process_set_exit_callback(process, on_exit_of, &has_ended, NULL, &error), error);
    while (!has_ended)
        check(pm_manager_poll(manager, -1, NULL, &error), error);
    finish(process);
}

static void add_line(void *tally, const uint8_t *line, size_t len)
{
    count_line(tally, line, len);
}

static void lines(const char *const *child, struct tally *tally)
{
    if (is_polling)
        poll_output(child, on_counted_line, tally);
    else
        pull(child, pm_output_next, add_line, tally);
}

static void each_line(const char *const *child, line_seen seen, void *context)
{
    struct callbacks callbacks = {seen, context};
    if (is_polling)
        poll_output(child, on_line, &callbacks);
    else
        pull(child, pm_output_next, seen, context);
}

int main(int argc, char **argv)
{
    const struct contender contender = {about, start_and_reap, bytes, lines, each_line};
    pm_error *error = NULL;
    is_polling = argc > 1 && !strcmp(argv[1], "poll");
    check(pm_manager_new(NULL, &manager, &error), error);
    int code = serve(&contender);
    pm_manager_free(manager);
    return code;
}
