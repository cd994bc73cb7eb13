/* A run collects both streams, how it ended, and why; its bounds end it. */
#include "check.h"

/* As many as asked at a time; each has a result or an error. */
static void many(pm_manager *manager)
{
    enum { COUNT = 5 };
    pm_error *error = NULL, *errors[COUNT];
    pm_run_result *results[COUNT];
    pm_command *good = helper("exit_code", ARGS("4")), *bad;
    pm_exit end;
    OK(pm_command_new("/no/such/program", NUL, &bad, &error));
    const pm_command *const commands[COUNT] = {good, good, bad, good, good};
    OK(pm_manager_run_many(manager, commands, COUNT, 2, NULL, results, errors, &error));
    for (int at = 0; at < COUNT; ++at) {
        CHECK((results[at] == NULL) == (at == 2) && (errors[at] == NULL) == (at != 2));
        pm_info_exit(pm_run_result_info(results[at]), &end);
        CHECK(at == 2 || end.code == 4);
        CHECK(pm_run_result_lost(results[at]) == 0);
        pm_run_result_free(results[at]);
    }
    CHECK(pm_error_status(errors[2]) == PM_ERROR_PROGRAM_NOT_FOUND);
    pm_error_free(errors[2]);
    IS(PM_ERROR_INVALID_ARGUMENT,
       pm_manager_run_many(manager, commands, COUNT, 0, NULL, results, errors, &error));
    OK(pm_manager_run_many(manager, NULL, 0, 1, NULL, NULL, NULL, &error));
    pm_command_free(good);
    pm_command_free(bad);
}

int main(void)
{
    pm_error *error = NULL;
    pm_run_result *result;
    pm_bytes out, err;
    pm_exit end;
    pm_run_options options = PM_RUN_OPTIONS_INIT;

    pm_command *command = helper("stderr_and_stdout", ARGS("2"));
    OK(pm_command_run(command, &options, &result, &error));
    pm_run_result_stdout(result, &out);
    pm_run_result_stderr(result, &err);
    CHECK(out.len == 12 && memcmp(out.data, "out 0\nout 1\n", 12) == 0);
    CHECK(err.len == 12 && memcmp(err.data, "err 0\nerr 1\n", 12) == 0);
    const pm_info *info = pm_run_result_info(result);
    pm_info_exit(info, &end);
    CHECK(end.kind == PM_EXIT_CODE && end.code == 0 && end.signal == 0 && end.core_dumped == 0);
    CHECK(strcmp(pm_info_name(info), "stderr_and_stdout") == 0);
    CHECK(pm_info_started_at(info) > 0 && pm_info_stopped_at(info) >= pm_info_started_at(info));
    pm_run_result_free(result);
    pm_command_free(command);

    command = helper("ticker", NULL);
    options.timeout_ms = 200;
    OK(pm_command_run(command, &options, &result, &error));
    CHECK(pm_run_result_end(result) == PM_RUN_TIMED_OUT);
    CHECK(pm_info_state(pm_run_result_info(result)) == PM_STATE_FAILED ||
          pm_info_state(pm_run_result_info(result)) == PM_STATE_STOPPED);
    pm_run_result_free(result);
    pm_command_free(command);

    pm_manager *manager = new_manager();
    command = helper("flood", ARGS("lines", "1000", "80"));
    options = (pm_run_options)PM_RUN_OPTIONS_INIT;
    options.max_output = 1000;
    OK(pm_manager_run(manager, command, &options, &result, &error));
    CHECK(pm_run_result_end(result) == PM_RUN_OUTPUT_LIMIT);
    pm_run_result_free(result);
    pm_command_free(command);

    command = helper("kill_self", ARGS("9"));
    OK(pm_manager_run(manager, command, NULL, &result, &error));
    pm_info_exit(pm_run_result_info(result), &end);
    CHECK(end.kind == PM_EXIT_SIGNAL && end.signal == 9 && end.code == -1);
    pm_run_result_free(result);
    pm_command_free(command);
    many(manager);
    pm_manager_free(manager);
    return 0;
}
