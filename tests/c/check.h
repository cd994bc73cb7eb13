/* What the C tests share. One behaviour a program: it ends with 0, or says where it failed. */
#ifndef CHECK_H
#define CHECK_H

#include <process_manager.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NUL PM_NUL_TERMINATED

#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                \
        }                                                                           \
    } while (0)

/* The call must give PM_OK. Uses the variable `error`, which it leaves NULL. */
#define OK(call) check_status((call), PM_OK, &error, __FILE__, __LINE__)
/* The call must give this status; an error object comes with the negative ones only. */
#define IS(status, call) check_status((call), (status), &error, __FILE__, __LINE__)

static inline void check_status(pm_status got, pm_status wanted, pm_error **error,
                                const char *file, int line)
{
    if (got != wanted || (got < 0) != (*error != NULL) || pm_error_status(*error) > 0 ||
        (*error && pm_error_status(*error) != got)) {
        fprintf(stderr, "%s:%d: %s, not %s: %s\n", file, line, pm_status_string(got),
                pm_status_string(wanted), pm_error_message(*error));
        exit(1);
    }
    pm_error_free(*error);
    *error = NULL;
}

/* The path of a helper program of tests/child. */
static inline const char *child(const char *name)
{
    static char path[4096];
    const char *directory = getenv("PM_CHILDREN");
    CHECK(directory != NULL);
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

/* A command for a helper program, with arguments that end with NULL. */
static inline pm_command *helper(const char *name, const char *const *args)
{
    pm_command *command;
    pm_error *error = NULL;
    OK(pm_command_new(child(name), NUL, &command, &error));
    if (args)
        OK(pm_command_add_args(command, args, &error));
    return command;
}

/* Starts a helper program under a manager. */
static inline pm_process *start(pm_manager *manager, const char *name, const char *const *args)
{
    pm_process *process;
    pm_error *error = NULL;
    pm_command *command = helper(name, args);
    OK(pm_manager_start(manager, command, &process, &error));
    pm_command_free(command);
    return process;
}

static inline pm_manager *new_manager(void)
{
    pm_manager *manager;
    pm_error *error = NULL;
    OK(pm_manager_new(NULL, &manager, &error));
    return manager;
}

static inline int is_line(const pm_record *record, const char *text)
{
    return record->kind == PM_RECORD_LINE && record->line.len == strlen(text) &&
           memcmp(record->line.data, text, record->line.len) == 0;
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
