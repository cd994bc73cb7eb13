/* No thread before the first process, and none of ours after the last handle. */
#include "threads.h"

int main(void)
{
    pm_error *error = NULL;
    const int before = threads();
    for (int round = 0; round < 3; ++round) {
        pm_manager *manager = new_manager();
        CHECK(threads() == before);
        pm_process *process = start(manager, "ticker", NULL);
        pm_output *output;
        const pm_record *records;
        size_t count;
        OK(pm_process_output(process, &output, &error));
        OK(pm_output_next(output, -1, &records, &count, &error));
        CHECK(is_line(records, "ready"));
        OK(pm_process_stop(process, NULL, 0, &error));
        pm_output_free(output);
        pm_process_free(process);
        pm_manager_free(manager);
        expect_threads(before);
    }
    return 0;
}
