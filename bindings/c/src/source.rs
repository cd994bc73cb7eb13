//! What a registered callback is fed from, and one look at it.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll};

use core_api::{EventStream, OutputReader, ProcessRunner};

use crate::callback::Callback;
use crate::event::pm_event;
use crate::record::{pm_record, Views};
use crate::types::{pm_exit, pm_id};

/// Bytes of output that one look at a process delivers at most, so that all get their turn.
const BATCH: usize = 256 * 1024;
/// Events that one look delivers at most.
const EVENTS: usize = 1024;

/// Called for each line or gap of a process's output, in the order in which they were read.
///
/// process: which process. record: borrows; valid until the function returns. user_data: as it was
/// registered.
pub type pm_output_callback =
    Option<unsafe extern "C" fn(process: pm_id, record: *const pm_record, user_data: *mut c_void)>;

/// Called once, when a process has ended and the last of its output was delivered.
///
/// process: which process. exit: borrows; valid until the function returns. user_data: as it was
/// registered.
pub type pm_exit_callback =
    Option<unsafe extern "C" fn(process: pm_id, exit: *const pm_exit, user_data: *mut c_void)>;

/// Called for each event of a manager.
///
/// event: borrows; valid until the function returns. user_data: as it was registered.
pub type pm_event_callback =
    Option<unsafe extern "C" fn(event: *const pm_event, user_data: *mut c_void)>;

pub(crate) type OutputCallback = Arc<Callback<pm_output_callback>>;
pub(crate) type ExitCallback = Arc<Callback<pm_exit_callback>>;
pub(crate) type EventCallback = Arc<Callback<pm_event_callback>>;

pub(crate) enum Source {
    Output(OutputReader, OutputCallback),
    Exit(ProcessRunner, ExitCallback),
    Events(EventStream, EventCallback),
}

/// What a look at a source is about.
#[derive(Clone, Copy)]
pub(crate) struct Glance<'a> {
    pub process: pm_id,
    /// Set when the manager is freed, also inside a call: no further one begins.
    pub is_closed: &'a AtomicBool,
}

impl Glance<'_> {
    fn is_open(self) -> bool {
        !self.is_closed.load(Ordering::Acquire)
    }
}

/// What a look at a source found.
pub(crate) struct Seen {
    pub calls: usize,
    /// Pending: its waker will tell. Ready: whether to look again soon, or never again.
    pub next: Poll<bool>,
}

impl Source {
    /// Delivers what is there. `may_end`: whether the end of the process may be told by now; if
    /// not, the entry is woken when it may.
    pub(crate) fn look(
        &mut self,
        glance: Glance<'_>,
        context: &mut Context<'_>,
        may_end: impl FnOnce() -> bool,
    ) -> Seen {
        match self {
            Self::Output(reader, callback) => look_at_output(reader, callback, glance, context),
            Self::Exit(runner, callback) => {
                let has_ended = runner.poll_closed(context).is_ready() && may_end();
                look_at_exit(has_ended.then_some(runner), callback, glance.process)
            }
            Self::Events(stream, callback) => look_at_events(stream, callback, glance, context),
        }
    }
}

fn look_at_output(
    reader: &mut OutputReader,
    callback: &OutputCallback,
    glance: Glance<'_>,
    context: &mut Context<'_>,
) -> Seen {
    let batch = match reader.poll_batch(context, BATCH) {
        Poll::Pending => return Seen { calls: 0, next: Poll::Pending },
        Poll::Ready(None) => return Seen { calls: 0, next: Poll::Ready(false) },
        Poll::Ready(Some(batch)) => batch,
    };
    let mut calls = 0;
    callback.enter(|function, user_data| {
        let Some(function) = function else { return };
        let mut views = Views::default();
        for record in batch.records() {
            if !callback.is_open() || !glance.is_open() {
                break;
            }
            let record = views.of(record);
            // SAFETY: the host's function, with the arguments that its type documents.
            unsafe { function(glance.process, &record, user_data) };
            calls += 1;
        }
    });
    Seen { calls, next: Poll::Ready(true) }
}

fn look_at_exit(
    ended: Option<&mut ProcessRunner>,
    callback: &ExitCallback,
    process: pm_id,
) -> Seen {
    let Some(runner) = ended else { return Seen { calls: 0, next: Poll::Pending } };
    let exit = pm_exit::from(runner.info().exit);
    let mut calls = 0;
    callback.enter(|function, user_data| {
        let Some(function) = function else { return };
        // SAFETY: the host's function, with the arguments that its type documents.
        unsafe { function(process, &exit, user_data) };
        calls = 1;
    });
    Seen { calls, next: Poll::Ready(false) }
}

fn look_at_events(
    stream: &mut EventStream,
    callback: &EventCallback,
    glance: Glance<'_>,
    context: &mut Context<'_>,
) -> Seen {
    let mut calls = 0;
    while calls < EVENTS && callback.is_open() && glance.is_open() {
        match stream.poll_event(context) {
            Poll::Pending => return Seen { calls, next: Poll::Pending },
            Poll::Ready(None) => return Seen { calls, next: Poll::Ready(false) },
            Poll::Ready(Some(event)) => callback.enter(|function, user_data| {
                let Some(function) = function else { return };
                // SAFETY: the host's function, with the arguments that its type documents.
                unsafe { function(&pm_event::from(event), user_data) };
            }),
        }
        calls += 1;
    }
    Seen { calls, next: Poll::Ready(true) }
}
