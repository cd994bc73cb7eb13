/* How many threads this program has. */
#ifndef THREADS_H
#define THREADS_H

#include "check.h"
#include <dirent.h>
#include <sched.h>
#include <time.h>

static inline int threads(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    for (struct dirent *entry; (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

/* The kernel lists a thread for a moment after it was joined. */
static inline void expect_threads(int expected)
{
    for (time_t end = time(NULL) + 20; threads() != expected && time(NULL) < end;)
        sched_yield();
    CHECK(threads() == expected);
}

#endif
