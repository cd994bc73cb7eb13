/* An epoll loop: the manager's descriptor is one of many. Two timers' worth of other work goes on. */

#include <process_manager.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void check(pm_status status, pm_error **error)
{
    if (status >= 0)
        return;
    fprintf(stderr, "epoll_loop: %s\n", pm_error_message(*error));
    exit(1);
}

static void on_end(pm_id id, const pm_exit *end, void *is_over)
{
    (void)id;
    printf("ended with %d\n", end->code);
    *(int *)is_over = 1;
}

static void add(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        exit(1);
}

int main(void)
{
    pm_error *error = NULL;
    pm_manager *manager;
    pm_process *process;
    pm_command *command;
    struct epoll_event event;
    struct itimerspec every = {{0, 20000000}, {0, 20000000}};
    int is_over = 0, fd;
    uint64_t ticks;

    check(pm_manager_new(NULL, &manager, &error), &error);
    check(pm_manager_set_exit_callback(manager, on_end, &is_over, NULL, &error), &error);
    check(pm_command_new("sleep", PM_NUL_TERMINATED, &command, &error), &error);
    check(pm_command_add_arg(command, "0.1", PM_NUL_TERMINATED, &error), &error);
    check(pm_manager_start(manager, command, &process, &error), &error);
    pm_process_free(process);
    pm_command_free(command);

    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (epoll < 0 || timerfd_settime(timer, 0, &every, NULL) < 0)
        return 1;
    check(pm_manager_fd(manager, &fd, &error), &error);
    add(epoll, fd);
    add(epoll, timer);
    while (!is_over) {
        if (epoll_wait(epoll, &event, 1, -1) < 0)
            return 1;
        if (event.data.fd == fd)
            check(pm_manager_poll(manager, 0, NULL, &error), &error);
        else if (read(timer, &ticks, sizeof ticks) == sizeof ticks)
            puts("the rest of the program goes on");
    }
    epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL); /* before the manager goes */
    pm_manager_free(manager);
    close(epoll);
    close(timer);
    return 0;
}
