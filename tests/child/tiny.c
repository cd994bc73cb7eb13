/*
 * A program of a few hundred bytes that needs no C library, so that starting it costs as little
 * as the kernel allows: what a start costs is then the starter's doing. Built for the benchmarks
 * with `cc -O2 -static -nostdlib -ffreestanding`.
 *
 * The number of its arguments says what it does: 0: it ends with code 0; 1: it writes the line
 * "tiny" first; 2: it waits until it is ended; 3: after a second it writes that line a hundred
 * times, one every 10 ms, and then waits until it is ended.
 */

#if defined(__x86_64__)
static long call3(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}
enum { WRITE = 1, NANOSLEEP = 35, EXIT = 231 };
__asm__(".globl _start\n"
        "_start: mov (%rsp), %rdi\n"
        "and $-16, %rsp\n"
        "call start_with\n");
#elif defined(__aarch64__)
static long call3(long number, long a, long b, long c)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
enum { WRITE = 64, EXIT = 94, NANOSLEEP = 101 };
__asm__(".globl _start\n"
        "_start: ldr x0, [sp]\n"
        "bl start_with\n");
#else
#error "x86_64 and aarch64 only"
#endif

static void say(void)
{
    static const char line[] = "tiny\n";

    call3(WRITE, 1, (long)line, sizeof line - 1);
}

static void sleep_for(long seconds, long nanoseconds)
{
    const long duration[] = {seconds, nanoseconds};

    call3(NANOSLEEP, (long)duration, 0, 0);
}

static void say_often(void)
{
    sleep_for(1, 0);
    for (int count = 0; count < 100; ++count) {
        say();
        sleep_for(0, 10000000);
    }
}

__attribute__((used, noreturn)) void start_with(long argument_count)
{
    if (argument_count == 2)
        say();
    if (argument_count > 3)
        say_often();
    while (argument_count > 2)
        sleep_for(1000000, 0);
    for (;;)
        call3(EXIT, 0, 0, 0);
}
