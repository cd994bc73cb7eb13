/* A program that loads the library at run time, uses it, and unloads it, twice.
 * not: static */

#include <dlfcn.h>
#include <process_manager.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Finds a function under its own name and with its own type. */
#define LOAD(name)                                        \
    do {                                                  \
        void *found = dlsym(library, #name);              \
        if (!found)                                       \
            return 1;                                     \
        memcpy(&functions.name, &found, sizeof found);    \
    } while (0)
#define FUNCTION(name) __typeof__(&name) name

static int use(const char *path)
{
    struct {
        FUNCTION(pm_version_number);
        FUNCTION(pm_command_new);
        FUNCTION(pm_command_add_arg);
        FUNCTION(pm_command_free);
        FUNCTION(pm_process_start);
        FUNCTION(pm_process_wait);
        FUNCTION(pm_process_free);
    } functions;
    pm_command *command;
    pm_process *process;
    pm_exit end;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "dlopen: %s\n", dlerror());
        return 1;
    }
    LOAD(pm_version_number);
    LOAD(pm_command_new);
    LOAD(pm_command_add_arg);
    LOAD(pm_command_free);
    LOAD(pm_process_start);
    LOAD(pm_process_wait);
    LOAD(pm_process_free);
    if (functions.pm_version_number() / 1000 != PM_VERSION_NUMBER / 1000)
        return 1;
    if (functions.pm_command_new("true", PM_NUL_TERMINATED, &command, NULL) ||
        functions.pm_process_start(command, &process, NULL) ||
        functions.pm_process_wait(process, -1, &end, NULL))
        return 1;
    functions.pm_process_free(process);
    functions.pm_command_free(command);
    printf("ended with %d\n", end.code);
    return dlclose(library);
}

int main(void)
{
    const char *path = getenv("PM_LIBRARY");
    path = path ? path : "libprocess_manager.so.0";
    return use(path) || use(path);
}
