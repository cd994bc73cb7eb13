/* Every option of a command reaches the child; numbers that are no value of an enum are refused.
 * valgrind keeps the limit of descriptors for itself.
 * not: valgrind */
#include "check.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static pm_error *error;

/* Runs a command to its end; its standard output must be this. */
static void writes(pm_command *command, const char *text)
{
    pm_run_result *result;
    pm_bytes out;
    OK(pm_command_run(command, NULL, &result, &error));
    pm_run_result_stdout(result, &out);
    if (out.len != strlen(text) || memcmp(out.data, text, out.len) != 0) {
        fprintf(stderr, "wrote '%.*s', not '%s'\n", (int)out.len, (const char *)out.data, text);
        exit(1);
    }
    CHECK(pm_run_result_end(result) == PM_RUN_COMPLETE);
    pm_run_result_free(result);
    pm_command_free(command);
}

static pm_command *shell(const char *script)
{
    pm_command *command;
    OK(pm_command_new("sh", NUL, &command, &error));
    OK(pm_command_add_args(command, ARGS("-c", script), &error));
    return command;
}

static void streams(void)
{
    pm_command *command = shell("cat; echo err >&2");
    OK(pm_command_set_input(command, (const uint8_t *)"in\n", 3, &error));
    OK(pm_command_set_stdio(command, PM_STDERR, PM_STDIO_MERGE, &error));
    writes(command, "in\nerr\n");

    char path[4096];
    snprintf(path, sizeof path, "%s/file", getenv("TMPDIR"));
    command = shell("echo one");
    OK(pm_command_set_stdio_file(command, PM_STDOUT, path, NUL, false, &error));
    writes(command, "");
    command = shell("echo two");
    OK(pm_command_set_stdio_file(command, PM_STDOUT, path, NUL, true, &error));
    writes(command, "");
    command = shell("cat");
    OK(pm_command_set_stdio_file(command, PM_STDIN, path, NUL, false, &error));
    writes(command, "one\ntwo\n");

    const int fd = open(path, O_RDONLY);
    command = shell("cat");
    OK(pm_command_set_stdio_fd(command, PM_STDIN, fd, &error));
    CHECK(close(fd) == 0); /* it was copied */
    writes(command, "one\ntwo\n");
    const int other = open(path, O_RDONLY);
    command = shell("cat <&7");
    OK(pm_command_add_fd(command, other, 7, &error));
    CHECK(close(other) == 0);
    writes(command, "one\ntwo\n");
    CHECK(unlink(path) == 0);
}

static void surroundings(void)
{
    pm_command *command = shell("echo $A-$B-$HOME; pwd; umask; ulimit -n; nice");
    OK(pm_command_clear_env(command, &error));
    OK(pm_command_set_env(command, "A", NUL, "b\nyyy", 1, &error));
    OK(pm_command_set_env(command, "B", NUL, "gone", NUL, &error));
    OK(pm_command_remove_env(command, "B", NUL, &error));
    OK(pm_command_set_env(command, "PATH", NUL, "/bin:/usr/bin", NUL, &error));
    OK(pm_command_set_directory(command, "/usr", NUL, &error));
    OK(pm_command_set_umask(command, 027, &error));
    OK(pm_command_add_rlimit(command, RLIMIT_NOFILE, 99, 99, &error));
    OK(pm_command_set_nice(command, 7, &error));
    writes(command, "b--\n/usr\n0027\n99\n7\n");
}

static void group(void)
{
    pm_command *command = shell("set -- $(cat /proc/self/stat); test $5 = $$ && test $6 = $$ && echo own");
    OK(pm_command_set_group(command, PM_GROUP_SESSION, &error));
    writes(command, "own\n");
    if (geteuid() == 0) {
        const uint32_t gids[] = {7, 8};
        command = shell("id -u; id -g; id -G");
        OK(pm_command_set_uid(command, 65534, &error));
        OK(pm_command_set_gid(command, 65533, &error));
        OK(pm_command_set_groups(command, gids, 2, &error));
        writes(command, "65534\n65533\n65533 7 8\n");
    }
    const uint32_t cpu = 0;
    command = shell("grep -c Cpus_allowed_list:.0$ /proc/self/status");
    OK(pm_command_set_cpus(command, &cpu, 1, &error));
    writes(command, "1\n");
}

static void refusals(void)
{
    pm_command *command = shell("true");
    const pm_stop_step bad_step = {99, 0};
    pm_output_options options = PM_OUTPUT_OPTIONS_INIT;
    IS(PM_ERROR_INVALID_ARGUMENT, pm_command_set_stdio(command, 3, PM_STDIO_NULL, &error));
    IS(PM_ERROR_INVALID_ARGUMENT, pm_command_set_stdio(command, PM_STDOUT, 4, &error));
    IS(PM_ERROR_INVALID_ARGUMENT, pm_command_set_stdio(command, PM_STDIN, PM_STDIO_MERGE, &error));
    IS(PM_ERROR_INVALID_ARGUMENT, pm_command_set_stdio_fd(command, PM_STDOUT, -1, &error));
    IS(PM_ERROR_INVALID_ARGUMENT, pm_command_set_stdio_fd(command, PM_STDOUT, 12345, &error));
    IS(PM_ERROR_INVALID_ARGUMENT, pm_command_set_group(command, 3, &error));
    IS(PM_ERROR_INVALID_ARGUMENT, pm_command_set_on_drop(command, 2, &error));
    IS(PM_ERROR_INVALID_ARGUMENT, pm_command_set_descendants(command, UINT32_MAX, &error));
    IS(PM_ERROR_INVALID_ARGUMENT, pm_command_set_containment(command, 0, &error));
    IS(PM_ERROR_INVALID_ARGUMENT, pm_command_set_containment(command, 6, &error));
    IS(PM_ERROR_INVALID_ARGUMENT, pm_command_set_stop(command, &bad_step, 1, &error));
    IS(PM_ERROR_INVALID_ARGUMENT, pm_set_log_callback(6, NULL, NULL, NULL, &error));
    IS(PM_ERROR_INVALID_ARGUMENT, pm_command_add_arg(command, "x", SIZE_MAX - 1, &error));
    options.policy = 4;
    IS(PM_ERROR_INVALID_ARGUMENT, pm_command_set_output(command, &options, &error));
    options = (pm_output_options)PM_OUTPUT_OPTIONS_INIT;
    options.struct_size = 0;
    IS(PM_ERROR_INVALID_ARGUMENT, pm_command_set_output(command, &options, &error));
    /* A newer program's struct: fine as long as what this library does not know is not used. */
    struct { pm_output_options known; uint64_t more; } newer = {PM_OUTPUT_OPTIONS_INIT, 0};
    newer.known.struct_size = sizeof newer;
    OK(pm_command_set_output(command, &newer.known, &error));
    newer.more = 1;
    IS(PM_ERROR_INVALID_ARGUMENT, pm_command_set_output(command, &newer.known, &error));
    /* Length 0: the pointer is not looked at. */
    OK(pm_command_add_arg(command, NULL, 0, &error));
    OK(pm_command_set_input(command, NULL, 0, &error));
    writes(command, "");
}

int main(void)
{
    streams();
    surroundings();
    group();
    refusals();
    return 0;
}
