/* Several starts in one call: all or none, each for itself, and as a pipeline. */
#include "check.h"

int main(void)
{
    pm_error *error = NULL;
    pm_manager *manager = new_manager();
    pm_command *good = helper("ticker", NULL), *bad, *cat = helper("cat", NULL);
    pm_process *processes[3] = {NULL, NULL, NULL};
    pm_error *errors[3];
    OK(pm_command_new("/no/such/program", NUL, &bad, &error));

    const pm_command *const one_bad[] = {good, good, bad};
    IS(PM_ERROR_PROGRAM_NOT_FOUND, pm_manager_start_all(manager, one_bad, 3, processes, &error));
    CHECK(processes[0] == NULL && pm_manager_count(manager) == 0);

    OK(pm_manager_start_each(manager, one_bad, 3, processes, errors, &error));
    CHECK(processes[0] && processes[1] && !processes[2] && !errors[0] && !errors[1]);
    CHECK(pm_error_status(errors[2]) == PM_ERROR_PROGRAM_NOT_FOUND);
    pm_error_free(errors[2]);
    CHECK(pm_manager_running_count(manager) == 2);
    OK(pm_manager_stop_all(manager, NULL, 0, &error));
    CHECK(pm_manager_running_count(manager) == 0);
    pm_process_free(processes[0]);
    pm_process_free(processes[1]);

    const pm_command *const line[] = {good, cat, cat};
    OK(pm_manager_start_pipeline(manager, line, 3, processes, &error));
    pm_output *output;
    const pm_record *records;
    size_t count;
    OK(pm_process_output(processes[2], &output, &error));
    OK(pm_output_next(output, -1, &records, &count, &error));
    CHECK(is_line(records, "ready"));
    OK(pm_process_stop(processes[0], NULL, 0, &error));
    OK(pm_process_wait(processes[2], -1, NULL, &error));
    pm_output_free(output);
    for (int at = 0; at < 3; ++at)
        pm_process_free(processes[at]);

    IS(PM_ERROR_INVALID_ARGUMENT, pm_manager_start_pipeline(manager, NULL, 0, NULL, &error));
    pm_info_list *list;
    OK(pm_manager_list(manager, false, &list, &error));
    CHECK(pm_info_list_count(list) == 5 && pm_info_list_get(list, 5) == NULL);
    CHECK(strcmp(pm_info_name(pm_info_list_get(list, 0)), "ticker") == 0);
    pm_info_list_free(list);
    pm_command_free(good);
    pm_command_free(bad);
    pm_command_free(cat);
    pm_manager_free(manager);
    return 0;
}
