/* Binaries come from memory, files and descriptors, one or several, also with a checksum. */
#include "check.h"
#include <fcntl.h>

static const char SUM[] = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

static pm_error *error;

static const char *file(const char *name, const char *text)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", getenv("TMPDIR"), name);
    FILE *stream = fopen(path, "w");
    CHECK(stream && fputs(text, stream) >= 0 && fclose(stream) == 0);
    return path;
}

static void several_or_none(pm_extractor *extractor)
{
    const char *const names[] = {"one", "two"}, *const bad[] = {"three", "a/b"};
    const char *const missing[] = {"three", NULL};
    const pm_bytes data[] = {{(const uint8_t *)"1", 1}, {(const uint8_t *)"22", 2}};
    const pm_bytes hole[] = {{(const uint8_t *)"1", 1}, {NULL, 2}};
    pm_names *list;
    OK(pm_extractor_add_multiple_binaries(extractor, names, data, 2, &error));
    OK(pm_extractor_add_multiple_binaries(extractor, NULL, NULL, 0, &error));
    IS(PM_ERROR_INVALID_ARGUMENT, pm_extractor_add_multiple_binaries(extractor, bad, data, 2, &error));
    IS(PM_ERROR_NULL_ARGUMENT, pm_extractor_add_multiple_binaries(extractor, missing, data, 2, &error));
    IS(PM_ERROR_NULL_ARGUMENT, pm_extractor_add_multiple_binaries(extractor, names, hole, 2, &error));
    OK(pm_extractor_list(extractor, &list, &error));
    CHECK(pm_names_count(list) == 2 && strcmp(pm_names_get(list, 1), "two") == 0);
    pm_names_free(list);
}

static void from_a_file_and_a_descriptor(pm_extractor *extractor)
{
    const char *path = file("hello", "hello");
    const int fd = open(path, O_RDONLY);
    pm_names *found;
    char content[8] = "";
    OK(pm_extractor_add_file_verified(extractor, "file", NUL, path, NUL, SUM, &error));
    IS(PM_ERROR_EXTRACTION_FAILED,
       pm_extractor_add_file_verified(extractor, "other", NUL, child("flood"), NUL, SUM, &error));
    OK(pm_extractor_add_fd(extractor, "fd", NUL, fd, &error));
    IS(PM_ERROR_INVALID_ARGUMENT, pm_extractor_add_fd(extractor, "fd", NUL, -1, &error));
    CHECK(close(fd) == 0 && unlink(path) == 0);
    OK(pm_extractor_path(extractor, "fd", NUL, &found, &error));
    FILE *copy = fopen(pm_names_get(found, 0), "r");
    CHECK(copy && fgets(content, sizeof content, copy) && fclose(copy) == 0);
    CHECK(strcmp(content, "hello") == 0);
    pm_names_free(found);
}

static void bad_options(void)
{
    pm_extractor_options options = PM_EXTRACTOR_OPTIONS_INIT;
    pm_extractor *extractor;
    options.base = "/no/such/directory";
    IS(PM_ERROR_EXTRACTION_FAILED, pm_extractor_new_with(&options, &extractor, &error));
    options.base = NULL;
    options.prefix = "a/b";
    IS(PM_ERROR_INVALID_ARGUMENT, pm_extractor_new_with(&options, &extractor, &error));
    options.prefix = "\xff";
    IS(PM_ERROR_INVALID_ARGUMENT, pm_extractor_new_with(&options, &extractor, &error));
}

int main(void)
{
    pm_extractor_options options = PM_EXTRACTOR_OPTIONS_INIT;
    pm_extractor *extractor;
    bad_options();
    options.base = getenv("TMPDIR");
    options.prefix = "mine";
    options.fallbacks = ARGS(NULL);
    OK(pm_extractor_new_with(&options, &extractor, &error));
    const char *directory = pm_extractor_directory(extractor);
    CHECK(strncmp(directory, options.base, strlen(options.base)) == 0 && strstr(directory, "/mine-"));
    CHECK(pm_extractor_location(extractor) == PM_LOCATION_BASE);
    CHECK(strcmp(pm_extractor_location_reason(extractor), "") == 0);
    several_or_none(extractor);
    from_a_file_and_a_descriptor(extractor);
    pm_extractor_free(extractor);
    return 0;
}
