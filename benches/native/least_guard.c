/*
 * A guard that does what a guard must, and nothing else: for `promises.c`. It is the subreaper and
 * parent of the program that its arguments name, says on descriptor 3 that this runs, waits until
 * no descendant is left, and says with what the last one has ended.
 *
 * Built with `cc -O2 -static -nostdlib -ffreestanding`, for x86_64.
 */
#include <linux/prctl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { TALK = 3 };

static char stack[4096] __attribute__((aligned(16)));
static char **program, **environment;

static long call(long number, long a, long b, long c, long d)
{
    register long fourth __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}

__attribute__((used, noreturn)) void run_child(void)
{
    static const unsigned long default_action[4];
    call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0);
    for (int signal = 1; signal <= 64; ++signal)
        if (signal != SIGKILL && signal != SIGSTOP)
            call(SYS_rt_sigaction, signal, (long)default_action, 0, 8);
    call(SYS_setpgid, 0, 0, 0, 0);
    call(SYS_close_range, TALK, ~0u, 0, 0);
    call(SYS_execve, (long)program[0], (long)program, (long)environment, 0);
    for (;;)
        call(SYS_exit_group, 127, 0, 0, 0);
}

/* clone(2), and in the child run_child() on the other stack instead of a return. */
static long clone_child(int *pidfd)
{
    register long fourth __asm__("r10") = 0;
    const long flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
    long result;
    __asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 2f\n\tcall run_child\n2:"
                     : "=a"(result)
                     : "a"(SYS_clone), "D"(flags), "S"(stack + sizeof stack), "d"(pidfd), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}

static void tell_start(long pid, int pidfd)
{
    struct {
        struct cmsghdr header;
        int pidfd;
    } control = {{CMSG_LEN(sizeof pidfd), SOL_SOCKET, SCM_RIGHTS}, pidfd};
    struct iovec part = {&pid, sizeof pid};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    call(SYS_sendmsg, TALK, (long)&message, 0, 0);
}

__attribute__((used, noreturn)) void run(long *arguments)
{
    int pidfd = -1, status = 0;
    program = (char **)(arguments + 2);
    environment = (char **)(arguments + 2 + arguments[0]);
    call(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0);
    long pid = clone_child(&pidfd);
    tell_start(pid, pidfd);
    for (int fd = 0; fd < TALK; ++fd)
        call(SYS_close, fd, 0, 0, 0);
    while (call(SYS_wait4, -1, (long)&status, __WALL, 0) > 0)
        ;
    long last = status;
    call(SYS_write, TALK, (long)&last, sizeof last, 0);
    for (;;)
        call(SYS_exit_group, 0, 0, 0, 0);
}

__asm__(".globl _start\n_start: mov %rsp, %rdi\nand $-16, %rsp\ncall run\n");
