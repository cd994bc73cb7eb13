/* Output without callbacks: raw bytes, one stream of the two, time-outs, the end, late readers. */
#include "check.h"

int main(void)
{
    pm_error *error = NULL;
    const pm_record *records = NULL;
    size_t count = 77;
    pm_output *output;
    pm_manager *manager = new_manager();
    pm_command *command = helper("no_newline", ARGS("5", "wait"));
    pm_process *process;
    OK(pm_command_set_stdio(command, PM_STDIN, PM_STDIO_PIPE, &error));
    OK(pm_manager_start(manager, command, &process, &error));
    pm_command_free(command);

    OK(pm_process_output(process, &output, &error));
    OK(pm_output_next_bytes(output, -1, &records, &count, &error));
    CHECK(count > 0 && records->kind == PM_RECORD_BYTES && records->line.data[0] == 'x');
    records = NULL, count = 77;
    IS(PM_TIMED_OUT, pm_output_next_bytes(output, 0, &records, &count, &error));
    CHECK(records == NULL && count == 77);
    OK(pm_process_close_stdin(process, &error));
    OK(pm_process_wait_closed(process, -1, &error));
    while (pm_output_next_bytes(output, -1, &records, &count, &error) == PM_OK)
        ;
    IS(PM_END, pm_output_next_bytes(output, -1, &records, &count, &error));
    pm_output_free(output);

    /* A late reader begins at the oldest; the last line had no newline. */
    OK(pm_process_output(process, &output, &error));
    OK(pm_output_next(output, -1, &records, &count, &error));
    CHECK(count == 1 && records->kind == PM_RECORD_PARTIAL_LINE && records->line.len == 5);
    IS(PM_END, pm_output_next(output, -1, &records, &count, &error));
    pm_output_free(output);
    pm_process_free(process);

    process = start(manager, "stderr_and_stdout", ARGS("3"));
    OK(pm_process_output(process, &output, &error));
    IS(PM_ERROR_INVALID_ARGUMENT, pm_output_only(output, 3, &error));
    OK(pm_output_only(output, PM_SOURCE_STDERR, &error));
    size_t lines = 0;
    pm_status status;
    while ((status = pm_output_next(output, -1, &records, &count, &error)) == PM_OK)
        for (size_t at = 0; at < count; ++at, ++lines)
            CHECK(records[at].source == PM_SOURCE_STDERR);
    CHECK(status == PM_END && lines == 3);
    pm_output_free(output);
    pm_process_free(process);
    pm_manager_free(manager);
    return 0;
}
