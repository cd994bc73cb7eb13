/* A run collects both streams, how it ended, and why; its bounds end it. */
#include "check.h"

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
    pm_manager_free(manager);
    return 0;
}
