/*
 * The worker's side in C: one contender, asked for one piece of work at a time over its standard
 * input, as `benches/src/serve.rs` says. A contender fills in what it can do.
 */
#ifndef SERVE_H
#define SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What output amounted to; the same sums as in `benches/src/work.rs`. */
struct tally {
    uint64_t bytes, lines, check;
};

/* A line without its newline. */
static inline void count_line(struct tally *tally, const uint8_t *line, size_t len)
{
    tally->lines++;
    tally->bytes += len + 1;
    tally->check += (len > 9 ? line[9] : 0u) * tally->lines;
}

typedef void (*line_seen)(void *context, const uint8_t *line, size_t len);

struct contender {
    /* What exactly it does for a piece of work. */
    const char *(*about)(const char *work);
    /* Starts `child`, reads both outputs to the end, reaps it; checks "tiny" and code 0. */
    void (*start_and_reap)(void);
    /* Counts all bytes of the child. */
    uint64_t (*bytes)(const char *const *child);
    /* Counts all lines of the child. */
    void (*lines)(const char *const *child, struct tally *tally);
    /* Hands over each line of the child as it comes. */
    void (*each_line)(const char *const *child, line_seen seen, void *context);
};

/* Answers requests until standard input ends. */
int serve(const struct contender *contender);

/* The smallest child, with the argument that has it say "tiny". */
extern const char *say[3];

/* Ends this worker with a message unless the condition holds. */
void must(bool condition, const char *what);

#endif
