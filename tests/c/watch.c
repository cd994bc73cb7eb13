/* Events and output of all processes are pulled: one at a time, or in batches in one order. */
#include "check.h"

static pm_error *error;
static pm_manager *manager;

static pm_event next(pm_events *events)
{
    const pm_event *event;
    OK(pm_events_next(events, -1, &event, &error));
    return *event;
}

static void one_event_at_a_time(void)
{
    const pm_event *event;
    pm_events *events;
    OK(pm_manager_events(manager, &events, &error));
    IS(PM_TIMED_OUT, pm_events_next(events, 0, &event, &error));
    pm_process *process = start(manager, "exit_code", ARGS("3"));
    const pm_id id = pm_process_id(process);
    pm_event seen = next(events);
    CHECK(seen.kind == PM_EVENT_STARTED && memcmp(&seen.process, &id, sizeof id) == 0);
    seen = next(events);
    CHECK(seen.kind == PM_EVENT_EXITED && seen.exit.kind == PM_EXIT_CODE && seen.exit.code == 3);
    CHECK(next(events).kind == PM_EVENT_CLOSED);
    IS(PM_TIMED_OUT, pm_events_next(events, 0, &event, &error));
    pm_process_free(process);
    pm_events_free(events);
}

static void all_output_of_a_process_before_its_closed(pm_watch *watch)
{
    const pm_watch_item *items;
    size_t count, lines[2] = {0, 0};
    pm_process *process[2] = {start(manager, "flood", ARGS("lines", "2000", "20")),
                              start(manager, "flood", ARGS("lines", "3000", "20"))};
    for (int closed = 0; closed < 2;) {
        OK(pm_watch_next(watch, -1, &items, &count, &error));
        CHECK(count > 0);
        for (const pm_watch_item *item = items; item < items + count; ++item) {
            const pm_id second = pm_process_id(process[1]);
            const int which = memcmp(&item->process, &second, sizeof second) == 0;
            CHECK((item->event == NULL) != (item->record == NULL));
            if (item->record) {
                CHECK(item->record->kind == PM_RECORD_LINE);
                ++lines[which];
            } else if (item->event->kind == PM_EVENT_CLOSED) {
                CHECK(lines[which] == (which ? 3000 : 2000));
                ++closed;
            }
        }
    }
    IS(PM_TIMED_OUT, pm_watch_next(watch, 0, &items, &count, &error));
    pm_process_free(process[0]);
    pm_process_free(process[1]);
}

int main(void)
{
    const pm_watch_item *items;
    const pm_event *event;
    pm_events *events;
    pm_watch *watch;
    size_t count;
    manager = new_manager();
    one_event_at_a_time();
    OK(pm_manager_watch(manager, &watch, &error));
    OK(pm_manager_events(manager, &events, &error));
    for (pm_status got = PM_OK; got == PM_OK;) /* what the manager still remembers */
        got = pm_watch_next(watch, 0, &items, &count, &error);
    all_output_of_a_process_before_its_closed(watch);
    pm_manager_free(manager);
    do
        OK(pm_events_next(events, -1, &event, &error));
    while (event->kind != PM_EVENT_CLOSED);
    while (pm_events_next(events, -1, &event, &error) == PM_OK)
        ;
    IS(PM_END, pm_events_next(events, -1, &event, &error));
    IS(PM_END, pm_watch_next(watch, -1, &items, &count, &error));
    pm_events_free(events);
    pm_watch_free(watch);
    return 0;
}
