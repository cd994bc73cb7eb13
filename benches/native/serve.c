/* See serve.h. */
#include "serve.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *say[3] = {NULL, "say", NULL};

void must(bool condition, const char *what)
{
    if (condition)
        return;
    printf("failed: %s\n", what);
    exit(1);
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static const char *helper(const char *name)
{
    static char path[4096];
    const char *directory = getenv("BENCH_CHILDREN");
    must(directory != NULL, "BENCH_CHILDREN is not set");
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void starts(const struct contender *contender, long count, long pause_ms)
{
    const struct timespec pause = {pause_ms / 1000, pause_ms % 1000 * 1000000};
    int64_t spent = 0;
    for (long at = 0; at < count; ++at) {
        if (pause_ms > 0) {
            nanosleep(&pause, NULL);
        }
        int64_t begin = now();
        contender->start_and_reap();
        spent += now() - begin;
    }
    printf("%f\n", spent / 1e3 / count);
}

static void crowded(const struct contender *contender, long descriptors, long count)
{
    int *crowd = calloc(descriptors + 1, sizeof *crowd);
    contender->start_and_reap();
    for (long at = 0; at < descriptors; ++at)
        must((crowd[at] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0, "too many descriptors");
    starts(contender, count, 0);
    for (long at = 0; at < descriptors; ++at)
        close(crowd[at]);
    free(crowd);
}

static void heavy(const struct contender *contender, long mib, long count)
{
    volatile char *memory = malloc((size_t)mib << 20);
    must(memory != NULL, "no memory");
    for (size_t at = 0; at < (size_t)mib << 20; at += 4096)
        memory[at] = 1;
    starts(contender, count, 0);
    free((void *)memory);
}

static void bytes(const struct contender *contender, const char *count)
{
    const char *const child[] = {helper("flood"), "bytes", count, NULL};
    int64_t begin = now();
    must(contender->bytes(child) == strtoull(count, NULL, 10), "another number of bytes");
    printf("%f\n", (now() - begin) / 1e6 / (strtod(count, NULL) / (1 << 30)));
}

static void lines(const struct contender *contender, const char *count)
{
    const char *const child[] = {helper("flood"), "lines", count, "80", NULL};
    uint64_t expected = strtoull(count, NULL, 10), check = 0;
    struct tally tally = {0};
    int64_t begin = now();
    contender->lines(child, &tally);
    int64_t spent = now() - begin;
    for (uint64_t at = 0; at < expected; ++at)
        check += ('0' + at % 10) * (at + 1);
    must(tally.lines == expected && tally.bytes == expected * 80, "another number of lines");
    must(tally.check == check, "lines out of order");
    printf("%f\n", (double)spent / expected);
}

struct delays {
    double *micros;
    size_t count, room;
};

static void note_delay(void *context, const uint8_t *line, size_t len)
{
    struct delays *delays = context;
    int64_t sent = 0, seen = now();
    for (size_t at = 0; at < len; ++at)
        sent = sent * 10 + (line[at] - '0');
    must(delays->count < delays->room, "too many lines");
    delays->micros[delays->count++] = (seen - sent) / 1e3;
}

static int by_size(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

static void latency(const struct contender *contender, const char *count)
{
    const char *const child[] = {helper("clock"), "1", count, NULL};
    struct delays delays = {.room = strtoul(count, NULL, 10)};
    delays.micros = calloc(delays.room, sizeof *delays.micros);
    contender->each_line(child, note_delay, &delays);
    must(delays.count == delays.room, "another number of lines");
    qsort(delays.micros, delays.count, sizeof *delays.micros, by_size);
    size_t last = delays.count - 1;
    printf("%f %f\n", delays.micros[last / 2], delays.micros[last * 99 / 100]);
    free(delays.micros);
}

static void answer(const struct contender *contender, char *request)
{
    char *words[4] = {"", "0", "0", "0"};
    int count = 0;
    for (char *word = strtok(request, " \n"); word && count < 4; word = strtok(NULL, " \n"))
        words[count++] = word;
    if (!strcmp(words[0], "about"))
        printf("%s\n", contender->about(words[1]));
    else if (!strcmp(words[0], "starts"))
        starts(contender, atol(words[1]), atol(words[2]));
    else if (!strcmp(words[0], "crowded"))
        crowded(contender, atol(words[1]), atol(words[2]));
    else if (!strcmp(words[0], "heavy"))
        heavy(contender, atol(words[1]), atol(words[2]));
    else if (!strcmp(words[0], "bytes") && contender->bytes)
        bytes(contender, words[1]);
    else if (!strcmp(words[0], "lines") && contender->lines)
        lines(contender, words[1]);
    else if (!strcmp(words[0], "latency") && contender->each_line)
        latency(contender, words[1]);
    else
        printf("failed: not offered: %s\n", words[0]);
}

int serve(const struct contender *contender)
{
    char request[256];
    setvbuf(stdout, NULL, _IOLBF, 0);
    say[0] = getenv("BENCH_TINY");
    must(say[0] != NULL, "BENCH_TINY is not set");
    puts("ready");
    while (fgets(request, sizeof request, stdin))
        answer(contender, request);
    return 0;
}
