//! What the last handle of a process does when it goes.
//!
//! The reactor shares the process too, so the count that matters is of handles: each runner and
//! the manager's entry share one `Handle`.

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::core::Process;
use super::state::{Cause, Event};
use super::wait::Moment;
use crate::command::{DropPolicy, StopLadder};
use crate::reactor::Reactor;

/// How long dropping the last handle waits for the tree to be gone.
pub(crate) const DROP_WAIT: Duration = Duration::from_millis(200);

/// How long it waits for a callback in flight.
const CALLBACK_WAIT: Duration = Duration::from_millis(20);

/// The shared handle of a process.
pub(crate) struct Handle {
    pub(crate) process: Arc<Process>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        let process = &self.process;
        // A forked copy owns nothing: it neither signals nor waits.
        if process.reactor().check_fork().is_err() {
            return;
        }
        // Before the readers are looked at: the last of them looks at this.
        process.is_let_go.store(true, Ordering::SeqCst);
        let is_over = process.lock().state.is_over();
        match process.policy.on_drop {
            _ if is_over => {}
            DropPolicy::Kill => end(process),
            DropPolicy::Detach => detach(process),
        }
        outlast_callbacks(process);
    }
}

/// Waits for a callback on the engine's thread that still holds the closed process, and with it
/// the engine: were it the last to let go, the thread could not be joined. Bounded, because
/// waiting futures hold the process too.
fn outlast_callbacks(process: &Arc<Process>) {
    let until = Instant::now() + CALLBACK_WAIT;
    let is_held = || process.lock().state.is_over() && Arc::strong_count(process) > 1;
    while is_held() && !Reactor::is_calling_here() && Instant::now() < until {
        std::thread::yield_now();
    }
}

/// Kills what is left of the tree and waits a bounded time; the reactor finishes the rest.
fn end(process: &Arc<Process>) {
    process.request_stop(Some(StopLadder::kill()), Cause::Requested);
    if let Err(error) = process.block_until(Moment::TreeGone, Some(DROP_WAIT)) {
        log::warn!("{}: not seen to end: {error}", process.describe());
    }
    if !process.log.has_reader() {
        process.abandon_output(&mut |waker| waker.wake());
    }
}

/// Lets the process run on, unwatched. Its end is collected by a later start of this host; who
/// waits for it is told that nobody will see it.
pub(crate) fn detach(process: &Arc<Process>) {
    process.close_input();
    process.abandon_output(&mut |waker| waker.wake());
    process.feed(Event::Leave);
}
