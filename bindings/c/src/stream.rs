//! `pm_events` and `pm_watch`: what happens to all processes of a manager, without callbacks.

use std::task::{Context, Poll, Waker};

use core_api::{EventStream, Watch, WatchItem};

use crate::convert;
use crate::error::pm_error;
use crate::event::pm_event;
use crate::guard;
use crate::handle::{self, Out};
use crate::manager::pm_manager;
use crate::record::pm_record;
use crate::status::pm_status::{self, PM_END, PM_OK};
use crate::types::pm_id;

/// Items that one call gives at most.
const BATCH: usize = 1024;

/// The events of a manager from the moment on at which this was made. Any number can exist.
pub struct pm_events {
    stream: EventStream,
    last: Option<pm_event>,
}

/// The events and the output of all processes of a manager, in one order: all output of a process
/// comes before its `PM_EVENT_CLOSED`. Processes that run already take part with the output that
/// is kept.
pub struct pm_watch {
    watch: Watch,
    items: Vec<pm_watch_item>,
    taken: Vec<Taken>,
}

/// What happened to a process, or what it wrote: one of the two. The struct is part of the ABI and
/// never changes.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct pm_watch_item {
    /// The process; all zero for `PM_EVENT_MISSED`.
    pub process: pm_id,
    /// What happened; NULL where it is output.
    pub event: *const pm_event,
    /// A line, or a gap; NULL where it is an event.
    pub record: *const pm_record,
}

/// What an item is a view of.
enum Taken {
    Event(pm_event),
    /// The record points into the item, which is kept unchanged beside it.
    Output(pm_id, pm_record, #[allow(dead_code)] WatchItem),
}

// SAFETY: the pointers in `items` and `taken` are to memory that `taken` keeps alive and unchanged.
unsafe impl Send for pm_watch {}

impl pm_watch {
    fn take(&mut self, item: WatchItem) {
        match item {
            WatchItem::Event(event) => self.taken.push(Taken::Event(event.into())),
            WatchItem::Output { id, ref record } => {
                let record = pm_record::from(record);
                self.taken.push(Taken::Output(id.into(), record, item));
            }
            // A kind that this version of the C interface has no name for.
            _ => {}
        }
    }

    /// What is there besides the first, without waiting.
    fn take_rest(&mut self) {
        let context = &mut Context::from_waker(Waker::noop());
        while self.taken.len() < BATCH {
            match self.watch.poll_item(context) {
                Poll::Ready(Some(item)) => self.take(item),
                // The end comes again with the next call.
                Poll::Ready(None) | Poll::Pending => return,
            }
        }
    }

    /// Ends what was given before.
    fn let_go(&mut self) {
        self.items.clear();
        self.taken.clear();
    }

    /// The views of this one and of what else is there, made when nothing in `taken` moves any more.
    fn keep(&mut self, first: WatchItem) -> (*const pm_watch_item, usize) {
        self.take(first);
        self.take_rest();
        self.items.extend(self.taken.iter().map(pm_watch_item::from));
        (self.items.as_ptr(), self.items.len())
    }
}

impl From<&Taken> for pm_watch_item {
    fn from(taken: &Taken) -> Self {
        let (event, record) = (std::ptr::null(), std::ptr::null());
        match taken {
            Taken::Event(event) => Self { process: event.process, event, record },
            Taken::Output(process, record, _) => Self { process: *process, event, record },
        }
    }
}

/// A new subscription to the events of the manager.
///
/// manager: borrows. events: returns owned; free with pm_events_free().
/// Errors: `PM_ERROR_CLOSED`, `PM_ERROR_IO`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_events(
    manager: *mut pm_manager,
    events: *mut *mut pm_events,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (manager, out) =
            unsafe { (handle::borrow(manager, "manager")?, Out::new(events, "events")?) };
        out.give(pm_events { stream: manager.core()?.events()?, last: None });
        Ok(PM_OK)
    })
}

/// Waits for the next event.
///
/// events: borrows. timeout_ms: 0 does not wait, negative waits without a deadline. event: a view,
/// valid until the next call with the same `events`.
/// Returns `PM_END` when the manager is gone, `PM_TIMED_OUT` when the time is over.
/// Errors: `PM_ERROR_FORKED`. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_events_next(
    events: *mut pm_events,
    timeout_ms: i64,
    event: *mut *const pm_event,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (events, out) =
            unsafe { (handle::borrow_mut(events, "events")?, Out::new(event, "event")?) };
        let next = events.stream.next_blocking(convert::timeout(timeout_ms))?;
        let Some(next) = next else { return Ok(PM_END) };
        out.put(events.last.insert(next.into()));
        Ok(PM_OK)
    })
}

/// Ends a subscription. NULL is fine.
///
/// events: takes. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_events_free(events: *mut pm_events) {
    // SAFETY: a handle or NULL.
    guard::quiet(|| unsafe { handle::free(events) });
}

/// A new watch over the manager: events and output together.
///
/// manager: borrows. watch: returns owned; free with pm_watch_free().
/// Errors: `PM_ERROR_CLOSED`, `PM_ERROR_IO`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_watch(
    manager: *mut pm_manager,
    watch: *mut *mut pm_watch,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (manager, out) =
            unsafe { (handle::borrow(manager, "manager")?, Out::new(watch, "watch")?) };
        let watch = manager.core()?.watch()?;
        out.give(pm_watch { watch, items: Vec::new(), taken: Vec::new() });
        Ok(PM_OK)
    })
}

/// Waits until there is something, and gives what is there: at least one item, at most 1024.
///
/// watch: borrows. timeout_ms: 0 does not wait, negative waits without a deadline. items: an array
/// of `count`, a view that is valid, with what it points to, until the next call with this watch.
/// Returns `PM_END` when the manager is gone, `PM_TIMED_OUT` when the time is over.
/// Errors: `PM_ERROR_FORKED`. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_watch_next(
    watch: *mut pm_watch,
    timeout_ms: i64,
    items: *mut *const pm_watch_item,
    count: *mut usize,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (watch, out, out_count) = unsafe {
            let watch = handle::borrow_mut(watch, "watch")?;
            (watch, Out::new(items, "items")?, Out::new(count, "count")?)
        };
        watch.let_go();
        let next = watch.watch.next_blocking(convert::timeout(timeout_ms))?;
        let Some(first) = next else { return Ok(PM_END) };
        let (first, number) = watch.keep(first);
        out.put(first);
        out_count.put(number);
        Ok(PM_OK)
    })
}

/// Ends a watch, and with it the views that it gave. NULL is fine.
///
/// watch: takes. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_watch_free(watch: *mut pm_watch) {
    // SAFETY: a handle or NULL.
    guard::quiet(|| unsafe { handle::free(watch) });
}
