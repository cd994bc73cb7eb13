/*
 * What the promises of this library ask for at least: the raw floor's start, and the system calls
 * without which a promise would not hold. Nothing is found out, allocated, locked, logged or offered.
 */
#include "serve.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUT, ERR, END, SOURCES };

/* The kernel's signal set, and its struct sigaction: all zero is the default. */
typedef uint64_t kernel_set;
static const uint64_t default_action[4];

/* For the child, which uses the parent's memory while the parent waits. */
struct plan {
    int input, output, error;
};

static char path[4352], stack[64 << 10] __attribute__((aligned(16)));
static int null_fd, cgroup_fd, events_fd, epoll_fd;

static const char *about(const char *work)
{
    (void)work;
    return "the raw floor's calls; the child in an emptied cgroup of its own, with all signals reset "
           "and nothing open but 0, 1 and 2; both pipes and the pidfd in one epoll, which could hold "
           "more; at the end cgroup.events says that the cgroup is empty, fstat that none is below it";
}

/* One system call that leaves errno alone. */
static inline long call(long number, long a, long b, long c, long d)
{
#ifdef __x86_64__
    register long fourth __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b,
                  x2 __asm__("x2") = c, x3 __asm__("x3") = d;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
#endif
}

static kernel_set exchange_mask(kernel_set mask)
{
    kernel_set before = 0;
    call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, (long)&before, sizeof mask);
    return before;
}

__attribute__((noreturn, used)) static void run_child(const struct plan *plan)
{
    for (int signal = 1; signal <= 64; ++signal)
        if (signal != SIGKILL && signal != SIGSTOP)
            call(SYS_rt_sigaction, signal, (long)default_action, 0, sizeof(kernel_set));
    call(SYS_setpgid, 0, 0, 0, 0);
    call(SYS_dup3, plan->input, 0, 0, 0);
    call(SYS_dup3, plan->output, 1, 0, 0);
    call(SYS_dup3, plan->error, 2, 0, 0);
    call(SYS_close_range, 3, ~0u, 0, 0);
    exchange_mask(0);
    call(SYS_execve, (long)say[0], (long)say, (long)environ, 0);
    for (;;)
        call(SYS_exit_group, 127, 0, 0, 0);
}

/* clone3(2), and in the child run_child() on its own stack instead of a return. */
static long clone_child(const struct clone_args *args, const struct plan *plan)
{
#ifdef __x86_64__
    register const struct plan *kept __asm__("r12") = plan;
    long result;
    __asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 2f\n\txor %%ebp, %%ebp\n\t"
                     "mov %%r12, %%rdi\n\tcall run_child\n2:"
                     : "=a"(result)
                     : "a"(SYS_clone3), "D"(args), "S"(sizeof *args), "r"(kept)
                     : "rcx", "r11", "memory");
    return result;
#else
    register const struct plan *kept __asm__("x20") = plan;
    register long x8 __asm__("x8") = SYS_clone3, x0 __asm__("x0") = (long)args,
                  x1 __asm__("x1") = sizeof *args;
    __asm__ volatile("svc #0\n\tcbnz x0, 2f\n\tmov x0, x20\n\tbl run_child\n2:"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(kept)
                     : "x30", "memory");
    return x0;
#endif
}

/* Starts `say`; what is read from, and the pidfd, go to `sources`. */
static void start(int sources[SOURCES])
{
    int output[2], error[2], pidfd = -1;
    must(!pipe2(output, O_CLOEXEC) && !pipe2(error, O_CLOEXEC), "no pipe");
    const struct plan plan = {null_fd, output[1], error[1]};
    const struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_INTO_CGROUP,
        .pidfd = (uint64_t)&pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)stack,
        .stack_size = sizeof stack,
        .cgroup = cgroup_fd,
    };
    kernel_set before = exchange_mask(~(kernel_set)0);
    long pid = clone_child(&args, &plan);
    exchange_mask(before);
    must(pid > 0, "clone3 failed");
    close(output[1]);
    close(error[1]);
    sources[OUT] = output[0], sources[ERR] = error[0], sources[END] = pidfd;
}

static void watch(const int sources[SOURCES])
{
    for (uint32_t at = 0; at < SOURCES; ++at) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = at};
        if (at != END)
            must(!fcntl(sources[at], F_SETFL, O_NONBLOCK), "fcntl failed");
        must(!epoll_ctl(epoll_fd, EPOLL_CTL_ADD, sources[at], &event), "epoll_ctl failed");
    }
}

static void forget(int source)
{
    must(!epoll_ctl(epoll_fd, EPOLL_CTL_DEL, source, NULL), "epoll_ctl failed");
    close(source);
}

/* Takes what a source has to give. True: it was the last of it. */
static bool take(const int sources[SOURCES], uint32_t at, char *said, size_t *len)
{
    if (at == END) {
        siginfo_t info;
        must(!waitid(P_PIDFD, sources[END], &info, WEXITED), "waitid failed");
        must(info.si_code == CLD_EXITED && info.si_status == 0, "another end");
    } else {
        ssize_t count = read(sources[at], said + *len, 64 - *len);
        must(count >= 0, "read failed");
        *len += count;
        if (count > 0)
            return false;
    }
    forget(sources[at]);
    return true;
}

static void expect_empty_cgroup(void)
{
    char text[128] = "";
    struct stat status;
    must(pread(events_fd, text, sizeof text - 1, 0) > 0, "cgroup.events cannot be read");
    must(strstr(text, "populated 0") != NULL, "something is left in the cgroup");
    must(!fstat(cgroup_fd, &status) && status.st_nlink == 2, "something is below the cgroup");
}

static void start_and_reap(void)
{
    int sources[SOURCES];
    char said[SOURCES][64];
    size_t len[SOURCES] = {0};
    struct epoll_event events[SOURCES];
    start(sources);
    watch(sources);
    for (int open = SOURCES; open > 0;) {
        int count = epoll_wait(epoll_fd, events, SOURCES, -1);
        for (int at = 0; at < count; ++at) {
            uint32_t source = events[at].data.u32;
            open -= take(sources, source, said[source], &len[source]);
        }
    }
    must(len[OUT] == 5 && !memcmp(said[OUT], "tiny\n", 5) && len[ERR] == 0, "another output");
    expect_empty_cgroup();
}

/* Where cgroup version 2 is mounted. */
static void find_mount(char *mount, size_t size)
{
    char line[4096], place[2048], type[64];
    FILE *mounts = fopen("/proc/self/mounts", "r");
    while (mounts && fgets(line, sizeof line, mounts))
        if (sscanf(line, "%*s %2047s %63s", place, type) == 2 && !strcmp(type, "cgroup2"))
            snprintf(mount, size, "%s", place);
    if (mounts)
        fclose(mounts);
}

static void find_own(char *own, size_t size)
{
    char line[4096];
    FILE *cgroups = fopen("/proc/self/cgroup", "r");
    while (cgroups && fgets(line, sizeof line, cgroups))
        if (!strncmp(line, "0::", 3))
            snprintf(own, size, "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
    if (cgroups)
        fclose(cgroups);
}

static void remove_cgroup(void)
{
    rmdir(path);
}

static bool make_cgroup(void)
{
    char mount[2048] = "", own[2048] = "";
    find_mount(mount, sizeof mount);
    find_own(own, sizeof own);
    snprintf(path, sizeof path, "%s%s/promises.%d", mount, own, (int)getpid());
    if (!mount[0] || mkdir(path, 0755))
        return false;
    atexit(remove_cgroup);
    cgroup_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    events_fd = openat(cgroup_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
    return cgroup_fd >= 0 && events_fd >= 0;
}

int main(void)
{
    const struct contender contender = {about, start_and_reap, NULL, NULL};
    null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!make_cgroup()) {
        puts("skipped: no cgroup of its own can be made");
        return 0;
    }
    return serve(&contender);
}
