/*
 * What the promises of this library ask for at least: the raw floor's start, and the system calls
 * without which a promise would not hold. Nothing is found out, allocated, locked, logged or offered.
 *
 * The argument says what holds the tree: `cgroup`, or `guard`, a program that is the parent of the
 * child (`least_guard.c`).
 */
#include "serve.h"

#ifndef __x86_64__
#include <stdio.h>

int main(void)
{
    puts("skipped: written for x86_64 only");
    return 0;
}
#else

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
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
    int descriptors[4], count;
    const char *const *argv;
};

static char path[4352], stack[64 << 10] __attribute__((aligned(16)));
static int null_fd, cgroup_fd, events_fd, epoll_fd;
/* The guard with its arguments; NULL where a cgroup holds the tree. */
static const char *guarded[4];

static const char *about(const char *work)
{
    (void)work;
    if (guarded[0])
        return "the raw floor's calls for a guard, a static program of a few hundred bytes, which is a "
               "subreaper and makes them again for the child, with all signals reset and a signal for "
               "its own end; it sends the child's pidfd, then the end of the last descendant; pipes "
               "and socket in one epoll";
    return "the raw floor's calls; the child in an emptied cgroup of its own, with all signals reset "
           "and nothing open but 0, 1 and 2; both pipes and the pidfd in one epoll, which could hold "
           "more; at the end cgroup.events says that the cgroup is empty, fstat that none is below it";
}

/* One system call that leaves errno alone. */
static inline long call(long number, long a, long b, long c, long d)
{
    register long fourth __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}

static kernel_set exchange_mask(kernel_set mask)
{
    kernel_set before = 0;
    call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, (long)&before, sizeof mask);
    return before;
}

__attribute__((noreturn, used)) static void run_child(const struct plan *plan)
{
    for (int signal = 1; signal <= 64 && !guarded[0]; ++signal)
        if (signal != SIGKILL && signal != SIGSTOP)
            call(SYS_rt_sigaction, signal, (long)default_action, 0, sizeof(kernel_set));
    call(SYS_setpgid, 0, 0, 0, 0);
    for (int fd = 0; fd < plan->count; ++fd)
        call(SYS_dup3, plan->descriptors[fd], fd, 0, 0);
    call(SYS_close_range, plan->count, ~0u, 0, 0);
    exchange_mask(0);
    call(SYS_execve, (long)plan->argv[0], (long)plan->argv, (long)environ, 0);
    for (;;)
        call(SYS_exit_group, 127, 0, 0, 0);
}

/* clone3(2), and in the child run_child() on its own stack instead of a return. */
static long clone_child(const struct clone_args *args, const struct plan *plan)
{
    register const struct plan *kept __asm__("r12") = plan;
    long result;
    __asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 2f\n\txor %%ebp, %%ebp\n\t"
                     "mov %%r12, %%rdi\n\tcall run_child\n2:"
                     : "=a"(result)
                     : "a"(SYS_clone3), "D"(args), "S"(sizeof *args), "r"(kept)
                     : "rcx", "r11", "memory");
    return result;
}

/* The child's pidfd, which the guard sends when the child runs. */
static int receive_pidfd(int socket)
{
    long pid;
    int pidfd = -1;
    char control[CMSG_SPACE(sizeof pidfd)];
    struct iovec part = {&pid, sizeof pid};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    must(recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == sizeof pid && pid > 0, "no child");
    must(message.msg_controllen > 0, "no pidfd");
    memcpy(&pidfd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof pidfd);
    return pidfd;
}

/* Makes the child, or the guard; gives its pidfd. */
static int clone_into(int output, int error, int socket)
{
    int pidfd = -1;
    const struct plan plan = {
        {null_fd, output, error, socket}, guarded[0] ? 4 : 3, guarded[0] ? guarded : say};
    const struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | (guarded[0] ? 0 : CLONE_INTO_CGROUP),
        .pidfd = (uint64_t)&pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)stack,
        .stack_size = sizeof stack,
        .cgroup = guarded[0] ? 0 : cgroup_fd,
    };
    kernel_set before = exchange_mask(~(kernel_set)0);
    long pid = clone_child(&args, &plan);
    exchange_mask(before);
    must(pid > 0, "clone3 failed");
    return pidfd;
}

/* Starts `say`. What tells of it goes to `sources`; gives the pidfd of our own child. */
static int start(int sources[SOURCES])
{
    int output[2], error[2], talk[2] = {-1, -1};
    must(!pipe2(output, O_CLOEXEC) && !pipe2(error, O_CLOEXEC), "no pipe");
    if (guarded[0])
        must(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, talk), "no socket");
    int pidfd = clone_into(output[1], error[1], talk[1]);
    close(output[1]);
    close(error[1]);
    sources[OUT] = output[0], sources[ERR] = error[0], sources[END] = guarded[0] ? talk[0] : pidfd;
    if (guarded[0]) {
        close(talk[1]);
        close(receive_pidfd(talk[0]));
    }
    return pidfd;
}

static void reap(int pidfd)
{
    siginfo_t info;
    must(!waitid(P_PIDFD, pidfd, &info, WEXITED), "waitid failed");
    must(info.si_code == CLD_EXITED && info.si_status == 0, "another end");
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
    long status;
    if (at == END && guarded[0]) {
        must(recv(sources[END], &status, sizeof status, 0) == sizeof status, "no end");
        must(status == 0, "another end");
    } else if (at == END) {
        reap(sources[END]);
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
    int pidfd = start(sources);
    watch(sources);
    for (int open = SOURCES; open > 0;) {
        int count = epoll_wait(epoll_fd, events, SOURCES, -1);
        for (int at = 0; at < count; ++at) {
            uint32_t source = events[at].data.u32;
            open -= take(sources, source, said[source], &len[source]);
        }
    }
    must(len[OUT] == 5 && !memcmp(said[OUT], "tiny\n", 5) && len[ERR] == 0, "another output");
    if (!guarded[0])
        return expect_empty_cgroup();
    reap(pidfd);
    close(pidfd);
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

static const char *prepare(const char *holder)
{
    null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!strcmp(holder, "cgroup"))
        return make_cgroup() ? NULL : "no cgroup of its own can be made";
    guarded[0] = getenv("BENCH_GUARD"), guarded[1] = getenv("BENCH_TINY"), guarded[2] = say[1];
    return guarded[0] ? NULL : "BENCH_GUARD is not set";
}

int main(int argc, char **argv)
{
    const struct contender contender = {about, start_and_reap, NULL, NULL, NULL};
    const char *missing = argc == 2 ? prepare(argv[1]) : "names no holder";
    if (missing) {
        printf("skipped: %s\n", missing);
        return 0;
    }
    return serve(&contender);
}
#endif
