/* Each bad input gives its own status and a message that names it, and leaves nothing behind. */
#include "check.h"
#include <sys/stat.h>

static pm_manager *manager;
static pm_error *error;

static void refused(pm_command *command, pm_status wanted, const char *names)
{
    pm_process *process = NULL;
    const pm_status got = pm_manager_start(manager, command, &process, &error);
    if (got != wanted || !strstr(pm_error_message(error), names)) {
        fprintf(stderr, "%s, not %s: %s\n", pm_status_string(got), pm_status_string(wanted),
                pm_error_message(error));
        exit(1);
    }
    CHECK(process == NULL);
    CHECK(pm_manager_count(manager) == 0);
    pm_error_free(error);
    error = NULL;
    pm_command_free(command);
}

static pm_command *program(const char *path)
{
    pm_command *command;
    OK(pm_command_new(path, NUL, &command, &error));
    return command;
}

int main(void)
{
    pm_command *command;
    char path[4096];
    manager = new_manager();

    OK(pm_command_new_binary("absent", NUL, &command, &error));
    refused(command, PM_ERROR_BINARY_NOT_FOUND, "absent");
    refused(program("/no/such/program"), PM_ERROR_PROGRAM_NOT_FOUND, "/no/such/program");
    refused(program("no-such-program-in-path"), PM_ERROR_PROGRAM_NOT_FOUND, "no-such-program");
    refused(program("/tmp"), PM_ERROR_IS_A_DIRECTORY, "/tmp");
    refused(program(""), PM_ERROR_INVALID_ARGUMENT, "program");

    snprintf(path, sizeof path, "%s/not_executable", getenv("TMPDIR"));
    FILE *file = fopen(path, "w");
    CHECK(file && fputs("text\n", file) >= 0 && fclose(file) == 0 && chmod(path, 0644) == 0);
    refused(program(path), PM_ERROR_NOT_EXECUTABLE, "not_executable");
    CHECK(chmod(path, 0755) == 0);
    refused(program(path), PM_ERROR_BAD_FORMAT, "not_executable");
    CHECK(unlink(path) == 0);

    OK(pm_command_new_binary("", NUL, &command, &error));
    refused(command, PM_ERROR_INVALID_ARGUMENT, "binary name");
    command = program("/bin/true");
    OK(pm_command_add_arg(command, "a\0b", 3, &error));
    refused(command, PM_ERROR_INVALID_ARGUMENT, "args[0]");
    command = program("/bin/true");
    OK(pm_command_set_directory(command, "/no/such/directory", NUL, &error));
    refused(command, PM_ERROR_WORKING_DIRECTORY, "/no/such/directory");
    command = program("/bin/true");
    OK(pm_command_set_env(command, "A=B", NUL, "c", NUL, &error));
    refused(command, PM_ERROR_INVALID_ARGUMENT, "env name");

    pm_extractor *extractor;
    OK(pm_manager_extractor(manager, &extractor, &error));
    IS(PM_ERROR_INVALID_ARGUMENT,
       pm_extractor_add_binary(extractor, "", 0, (const uint8_t *)"x", 1, &error));
    IS(PM_ERROR_INVALID_ARGUMENT,
       pm_extractor_add_binary(extractor, "a/b", NUL, (const uint8_t *)"x", 1, &error));
    IS(PM_ERROR_INVALID_ARGUMENT,
       pm_extractor_add_binary(extractor, "\xff", NUL, (const uint8_t *)"x", 1, &error));
    IS(PM_ERROR_EXTRACTION_FAILED, pm_extractor_add_binary(extractor, "x", NUL, NULL, 0, &error));
    IS(PM_ERROR_BINARY_NOT_FOUND, pm_extractor_remove(extractor, "x", NUL, &error));
    pm_extractor_free(extractor);
    pm_manager_free(manager);
    return 0;
}
