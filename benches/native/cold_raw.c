/* The floor of cold use: the same with system calls only. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char output[64];

static size_t read_all(int fd)
{
    size_t len = 0;
    ssize_t count;
    while ((count = read(fd, output + len, sizeof output - len)) > 0)
        len += count;
    return len;
}

int main(void)
{
    char *const args[] = {getenv("BENCH_TINY"), "say", NULL};
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC), out[2], err[2], status;
    if (null < 0 || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
        return 1;
    pid_t pid = vfork();
    if (pid == 0) {
        setpgid(0, 0);
        dup2(null, 0), dup2(out[1], 1), dup2(err[1], 2);
        execve(args[0], args, environ);
        _exit(127);
    }
    close(out[1]), close(err[1]);
    if (read_all(out[0]) != 5 || memcmp(output, "tiny\n", 5) || read_all(err[0]) != 0)
        return 1;
    return waitpid(pid, &status, 0) != pid || status != 0;
}
