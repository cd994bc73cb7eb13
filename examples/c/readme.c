/* Embeds a program, starts it, prints its lines while it runs, stops it, and leaves nothing. */

#include <process_manager.h>
#include <process_manager_embed.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

PM_EMBED_FILE(ticker, TICKER);

static void check(pm_status status, pm_error **error)
{
    if (status >= 0)
        return;
    fprintf(stderr, "readme: %s\n", pm_error_message(*error));
    pm_error_free(*error);
    exit(1);
}

static void print_line(pm_id process, const pm_record *record, void *user_data)
{
    (void)process;
    printf("%.*s\n", (int)record->line.len, (const char *)record->line.data);
    ++*(int *)user_data;
}

int main(void)
{
    pm_extractor *extractor;
    pm_manager *manager;
    pm_command *command;
    pm_process *process;
    pm_error *error = NULL;
    const size_t nul = PM_NUL_TERMINATED;
    int lines = 0;

    check(pm_extractor_new(&extractor, &error), &error);
    check(pm_extractor_add_binary(extractor, "ticker", nul, ticker, PM_EMBED_SIZE(ticker), &error),
          &error);
    check(pm_manager_new(extractor, &manager, &error), &error);
    char *directory = strdup(pm_extractor_directory(extractor));
    pm_extractor_free(extractor); /* the manager keeps it */

    check(pm_command_new_binary("ticker", nul, &command, &error), &error);
    check(pm_command_add_arg(command, "50", nul, &error), &error); /* a line every 50 ms */
    check(pm_manager_start(manager, command, &process, &error), &error);
    check(pm_process_set_output_callback(process, print_line, &lines, NULL, &error), &error);
    while (lines < 4)
        check(pm_manager_poll(manager, -1, NULL, &error), &error);

    check(pm_process_stop(process, NULL, 0, &error), &error); /* its whole tree, and waits for it */
    pm_process_free(process);
    pm_command_free(command);
    pm_manager_free(manager);

    if (access(directory, F_OK) == 0) {
        fprintf(stderr, "readme: %s is still there\n", directory);
        return 1;
    }
    free(directory);
    return 0;
}
