//! What the last handle of a process does when it goes.
//!
//! The reactor shares the process too, so the count that matters is of handles: each runner and
//! the manager's entry share one `Handle`.

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

use super::core::Process;
use super::state::{Cause, Event};
use super::wait::Moment;
use crate::command::{DropPolicy, StopLadder};
use crate::reactor::Hold;

/// How long dropping the last handle waits for the tree to be gone.
pub(crate) const DROP_WAIT: Duration = Duration::from_millis(200);

/// The shared handle of a process.
pub(crate) struct Handle {
    pub(crate) process: Arc<Process>,
    /// Goes after the process.
    _hold: Hold,
}

impl Handle {
    pub(crate) fn new(process: Arc<Process>) -> Self {
        let _hold = process.hold();
        Self { process, _hold }
    }
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
    }
}

/// Kills what is left of the tree and waits a bounded time, unless somebody has done so for many
/// at once; the reactor finishes the rest.
fn end(process: &Arc<Process>) {
    process.request_stop(Some(StopLadder::kill()), Cause::Requested);
    let wait = if process.is_awaited.load(Ordering::SeqCst) { Duration::ZERO } else { DROP_WAIT };
    if let Err(error) = process.block_until(Moment::TreeGone, Some(wait)) {
        log::warn!("{}: not seen to end: {error}", process.describe());
    }
    if !process.log.has_reader() {
        process.abandon_output(&mut |waker| waker.wake());
    }
}

/// Says that the end of a killed process was waited for already: its last handle does not again.
pub(crate) fn note_awaited(process: &Process) {
    process.is_awaited.store(true, Ordering::SeqCst);
}

/// Lets the process run on, unwatched. Its end is collected by a later start of this host; who
/// waits for it is told that nobody will see it.
pub(crate) fn detach(process: &Arc<Process>) {
    process.close_input();
    process.abandon_output(&mut |waker| waker.wake());
    process.feed(Event::Leave);
}
