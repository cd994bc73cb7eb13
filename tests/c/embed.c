/* A program built with plain cc carries a file: it is there byte for byte, and it runs. */
#include "check.h"
#include <process_manager_embed.h>

PM_EMBED_FILE(ticker, TICKER);
PM_EMBED_DECLARE(ticker); /* as another file of the program would */

int main(void)
{
    pm_error *error = NULL;
    pm_extractor *extractor;
    pm_manager *manager;
    pm_command *command;
    pm_run_result *result;
    pm_exit end;
    pm_bytes out;
    OK(pm_extractor_new(&extractor, &error));
    OK(PM_EMBED_ADD(extractor, ticker, &error));

    FILE *file = fopen(TICKER, "rb");
    CHECK(file != NULL);
    for (size_t at = 0; at < PM_EMBED_SIZE(ticker); ++at)
        CHECK(getc(file) == ticker[at]);
    CHECK(getc(file) == EOF && fclose(file) == 0);

    OK(pm_manager_new(extractor, &manager, &error));
    OK(pm_command_new_binary("ticker", NUL, &command, &error));
    pm_run_options options = PM_RUN_OPTIONS_INIT;
    options.max_output = 6;
    OK(pm_manager_run(manager, command, &options, &result, &error));
    pm_run_result_stdout(result, &out);
    pm_info_exit(pm_run_result_info(result), &end);
    CHECK(out.len >= 6 && memcmp(out.data, "ready\n", 6) == 0 && end.kind == PM_EXIT_SIGNAL);
    pm_run_result_free(result);
    pm_command_free(command);
    pm_manager_free(manager);
    pm_extractor_free(extractor);
    return 0;
}
