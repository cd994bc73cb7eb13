/* A program outside the source tree: carries a file, starts it, reads its first line, stops it. */
#include <process_manager.h>
#include <process_manager_embed.h>
#include <stdio.h>

#ifdef TICKER
PM_EMBED_FILE(ticker, TICKER);
#else
PM_EMBED_DECLARE(ticker);
#endif

int main(void)
{
    const size_t nul = PM_NUL_TERMINATED;
    pm_extractor *extractor = NULL;
    pm_manager *manager = NULL;
    pm_command *command = NULL;
    pm_process *process = NULL;
    pm_output *output = NULL;
    const pm_record *records = NULL;
    size_t count;
    int failed = pm_version_number() != PM_VERSION_NUMBER ||
        pm_extractor_new(&extractor, NULL) ||
        pm_extractor_add_binary(extractor, "ticker", nul, ticker, PM_EMBED_SIZE(ticker), NULL) ||
        pm_manager_new(extractor, &manager, NULL) ||
        pm_command_new_binary("ticker", nul, &command, NULL) ||
        pm_manager_start(manager, command, &process, NULL) ||
        pm_process_output(process, &output, NULL) ||
        pm_output_next(output, -1, &records, &count, NULL);
    if (!failed)
        printf("%.*s\n", (int)records->line.len, (const char *)records->line.data);
    failed = failed || pm_process_stop(process, NULL, 0, NULL);
    pm_output_free(output);
    pm_process_free(process);
    pm_command_free(command);
    pm_manager_free(manager);
    pm_extractor_free(extractor);
    return failed;
}
