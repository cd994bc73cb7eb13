//! A start through sudo as a future. The talk takes as long as sudo and whoever types, so it runs
//! on a thread of its own, which ends with it.

use std::any::Any;
use std::future::Future;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread::Builder;

use super::lock;
use crate::error::{ProcessError, Result};
use crate::process::ProcessRunner;
use crate::sudo::{Cancel, SudoOptions};
use crate::sys::mask;

type Outcome = std::result::Result<Result<ProcessRunner>, Box<dyn Any + Send>>;
type Undo = Arc<dyn Fn(&ProcessRunner) + Send + Sync>;

/// Resolves when the process runs, or with the error. Dropped before that it gives the start up:
/// sudo is ended, and what was started meanwhile is undone.
pub(super) struct Talk {
    state: Arc<Mutex<State>>,
    cancel: Arc<Cancel>,
    undo: Undo,
}

enum State {
    Talking(Option<Waker>),
    Over(Outcome),
    /// The outcome was taken, or nobody waits for it any more.
    Left,
}

impl Talk {
    /// Starts the thread. `start` may panic, in a callback of the user's: the future panics then.
    pub(super) fn start(
        options: SudoOptions,
        start: impl FnOnce(SudoOptions) -> Result<ProcessRunner> + Send + 'static,
        undo: Undo,
    ) -> Result<Self> {
        let cancel = Cancel::new()?;
        let options = options.cancelled_by(cancel.clone());
        let state = Arc::new(Mutex::new(State::Talking(None)));
        let (shared, undone) = (state.clone(), undo.clone());
        let body = move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| start(options)));
            if let Some(Ok(Ok(runner))) = finish(&shared, outcome) {
                undone(&runner);
            }
        };
        let thread = mask::spawn_deaf(Builder::new().name("pm-sudo".into()), body);
        thread.map_err(|error| ProcessError::io("start a thread for sudo", error))?;
        Ok(Self { state, cancel, undo })
    }
}

/// Leaves the outcome for who waits; gives it back where nobody does.
fn finish(state: &Mutex<State>, outcome: Outcome) -> Option<Outcome> {
    let mut state = lock(state);
    let State::Talking(waiter) = &mut *state else { return Some(outcome) };
    let waiter = waiter.take();
    *state = State::Over(outcome);
    drop(state);
    waiter.into_iter().for_each(Waker::wake);
    None
}

impl Future for Talk {
    type Output = Result<ProcessRunner>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Cloned and dropped without the lock: a waker is foreign code.
        let mut new = Some(cx.waker().clone());
        let mut state = lock(&self.state);
        if let State::Talking(waiter) = &mut *state {
            std::mem::swap(waiter, &mut new);
            drop(state);
            return Poll::Pending;
        }
        let over = std::mem::replace(&mut *state, State::Left);
        drop(state);
        match over {
            State::Over(Ok(result)) => Poll::Ready(result),
            State::Over(Err(panic)) => resume_unwind(panic),
            _ => Poll::Ready(Err(ProcessError::Closed("a start that is over".into()))),
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let state = std::mem::replace(&mut *lock(&self.state), State::Left);
        self.cancel.cancel();
        if let State::Over(Ok(Ok(runner))) = state {
            (self.undo)(&runner);
        }
    }
}
