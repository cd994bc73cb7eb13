/* Starting as another user through sudo: whose it runs as, what is refused, and why. */
#include "check.h"
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>

static pm_error *error;
static int asked;

static bool cancel(uint8_t *buffer, size_t capacity, size_t *len, void *data)
{
    CHECK(capacity == 511 && data == &asked);
    memset(buffer, 'x', capacity);
    *len = capacity;
    ++asked;
    return false;
}

static pm_command *program(const char *path, const char *const *args)
{
    pm_command *command;
    OK(pm_command_new(path, NUL, &command, &error));
    OK(pm_command_add_args(command, args, &error));
    return command;
}

static void refused(pm_sudo_options options, pm_status status, const char *names)
{
    pm_process *process = NULL;
    pm_command *command = program("/bin/true", ARGS(NULL));
    const pm_status got = pm_process_start_with_sudo(command, &options, &process, &error);
    if (got != status || !strstr(pm_error_message(error), names) || process ||
        pm_error_sudo(error) != PM_SUDO_ERROR_NONE) {
        fprintf(stderr, "%s: %s: %s\n", names, pm_status_string(got), pm_error_message(error));
        exit(1);
    }
    pm_error_free(error);
    error = NULL;
    pm_command_free(command);
}

static void bad_options(void)
{
    pm_sudo_options options = PM_SUDO_OPTIONS_INIT;
    uint8_t password[512];
    memset(password, 'x', sizeof password);
    options.password = password;
    options.password_len = sizeof password;
    refused(options, PM_ERROR_INVALID_ARGUMENT, "password");
    options.password = (const uint8_t *)"two\nlines";
    options.password_len = 9;
    refused(options, PM_ERROR_INVALID_ARGUMENT, "password");
    options.ask = cancel;
    refused(options, PM_ERROR_INVALID_ARGUMENT, "options.ask");
    options = (pm_sudo_options)PM_SUDO_OPTIONS_INIT;
    options.password_len = 1;
    refused(options, PM_ERROR_NULL_ARGUMENT, "options.password");
    options = (pm_sudo_options)PM_SUDO_OPTIONS_INIT;
    options.user = "\xff";
    refused(options, PM_ERROR_INVALID_ARGUMENT, "options.user");
    options.user = "no-such-user-here";
    refused(options, PM_ERROR_INVALID_ARGUMENT, "no-such-user-here");
    options.user = "";
    refused(options, PM_ERROR_INVALID_ARGUMENT, "user");
    options = (pm_sudo_options)PM_SUDO_OPTIONS_INIT;
    options.preserve_env = ARGS("A=B");
    refused(options, PM_ERROR_INVALID_ARGUMENT, "env");
    options.struct_size = 0;
    refused(options, PM_ERROR_INVALID_ARGUMENT, "struct_size");
}

/* Root may become anybody without a password; the real sudo does it. */
static void runs_as_the_user(pm_manager *manager)
{
    pm_sudo_options options = PM_SUDO_OPTIONS_INIT;
    pm_command *command = program("/usr/bin/id", ARGS("-u"));
    pm_process *process;
    pm_output *output;
    const pm_record *records;
    size_t count;
    options.user = "#65534";
    options.ask = cancel;
    options.ask_data = &asked;
    OK(pm_manager_start_with_sudo(manager, command, &options, &process, &error));
    OK(pm_process_output(process, &output, &error));
    OK(pm_output_next(output, -1, &records, &count, &error));
    CHECK(count == 1 && is_line(records, "65534") && asked == 0);
    OK(pm_process_wait_closed(process, -1, &error));
    pm_output_free(output);
    pm_process_free(process);
    pm_command_free(command);
}

/* Who may not become root is told why; nothing was guessed from sudo's text. */
static int as_nobody(void)
{
    pm_sudo_options options = PM_SUDO_OPTIONS_INIT;
    pm_command *command = program("/bin/true", ARGS(NULL));
    pm_process *process = NULL;
    CHECK(setenv("TMPDIR", "/tmp", 1) == 0);
    CHECK(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
    options.ask = cancel;
    options.ask_data = &asked;
    const pm_status got = pm_process_start_with_sudo(command, &options, &process, &error);
    CHECK(got == PM_ERROR_AUTHENTICATION_FAILED && process == NULL);
    const pm_sudo_error why = pm_error_sudo(error);
    fprintf(stderr, "%s\n", pm_error_message(error));
    CHECK(asked == 1 ? why == PM_SUDO_ERROR_NO_PASSWORD : why == PM_SUDO_ERROR_NOT_PERMITTED);
    pm_error_free(error);
    pm_command_free(command);
    return 0;
}

int main(void)
{
    bad_options();
    if (geteuid() != 0 || access("/usr/bin/sudo", X_OK) != 0) {
        printf("skipped: needs root and sudo\n");
        return 77;
    }
    fflush(NULL);
    const pid_t nobody = fork();
    if (nobody == 0)
        _exit(as_nobody());
    int status;
    CHECK(waitpid(nobody, &status, 0) == nobody && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    /* What runs as another user is in the directory for temporary files. */
    CHECK(chmod(getenv("TMPDIR"), 0711) == 0);
    pm_manager *manager = new_manager();
    runs_as_the_user(manager);
    pm_manager_free(manager);
    return 0;
}
