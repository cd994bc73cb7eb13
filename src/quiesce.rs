//! Callbacks that end cleanly: never called once destroy has begun, destroyed exactly once.
//!
//! Counts the calls in flight. `close` ends new calls; destroy runs after the last call that was
//! in flight has returned, on the thread that brings the count to zero: the closing one, or the
//! last caller. So a callback may close itself, and a close from another thread waits for a call
//! in flight, with `wait_destroyed`. Any thread; a model check (loom) covers the counting.

use std::sync::PoisonError;

use crate::sync::{lock, Condvar, Mutex};

/// The state of one registered callback.
pub struct Quiesce {
    state: Mutex<State>,
    destroyed: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Closed; the last call in flight will destroy.
    Closing,
    /// Somebody destroys, or has.
    Destroying,
    Destroyed,
}

struct State {
    phase: Phase,
    calls: usize,
}

impl Default for Quiesce {
    fn default() -> Self {
        Self::new()
    }
}

impl Quiesce {
    /// An open callback without calls.
    pub fn new() -> Self {
        let state = State { phase: Phase::Open, calls: 0 };
        Self { state: Mutex::new(state), destroyed: Condvar::new() }
    }

    /// Begins a call. False: it was closed, do not call. Every true is followed by one `leave`.
    #[must_use = "false means that the callback must not be called"]
    pub fn enter(&self) -> bool {
        let mut state = lock(&self.state);
        let is_open = state.phase == Phase::Open;
        state.calls += usize::from(is_open);
        is_open
    }

    /// Ends a call. True: the caller destroys now, and then says so with `destroyed`.
    #[must_use = "true means that the caller has to destroy"]
    pub fn leave(&self) -> bool {
        let mut state = lock(&self.state);
        state.calls = state.calls.saturating_sub(1);
        Self::claim(&mut state)
    }

    /// Ends new calls, and returns at once. True: the caller destroys now, and then says so with
    /// `destroyed`. Closing again is allowed and does nothing.
    #[must_use = "true means that the caller has to destroy"]
    pub fn close(&self) -> bool {
        let mut state = lock(&self.state);
        if state.phase == Phase::Open {
            state.phase = Phase::Closing;
        }
        Self::claim(&mut state)
    }

    /// Exactly one caller gets true: the one that finds it closed and without calls first.
    fn claim(state: &mut State) -> bool {
        let is_mine = state.phase == Phase::Closing && state.calls == 0;
        if is_mine {
            state.phase = Phase::Destroying;
        }
        is_mine
    }

    /// Says that destroy has returned: whoever waits for it goes on.
    pub fn destroyed(&self) {
        lock(&self.state).phase = Phase::Destroyed;
        self.destroyed.notify_all();
    }

    /// Waits until destroy has returned. Not inside a call of this callback: it would wait for
    /// itself.
    pub fn wait_destroyed(&self) {
        let mut state = lock(&self.state);
        while state.phase != Phase::Destroyed {
            state = self.destroyed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(all(test, loom))]
#[allow(clippy::unwrap_used)]
mod loom_tests {
    use loom::sync::atomic::{AtomicUsize, Ordering};
    use loom::sync::Arc;
    use loom::thread;

    use super::Quiesce;

    #[derive(Default)]
    struct Callback {
        quiesce: Quiesce,
        calls: AtomicUsize,
        destroys: AtomicUsize,
    }

    impl Callback {
        fn call(&self) {
            if self.quiesce.enter() {
                self.calls.fetch_add(1, Ordering::SeqCst);
                assert_eq!(self.destroys.load(Ordering::SeqCst), 0, "called after destroy");
                self.calls.fetch_sub(1, Ordering::SeqCst);
                if self.quiesce.leave() {
                    self.destroy();
                }
            }
        }

        fn close(&self) {
            if self.quiesce.close() {
                self.destroy();
            }
        }

        fn destroy(&self) {
            assert_eq!(self.calls.load(Ordering::SeqCst), 0, "destroyed during a call");
            self.destroys.fetch_add(1, Ordering::SeqCst);
            self.quiesce.destroyed();
        }
    }

    fn run(first: fn(&Callback), second: fn(&Callback), main: fn(&Callback)) {
        loom::model(move || {
            let callback = Arc::new(Callback::default());
            let threads = [first, second].map(|body| {
                let callback = callback.clone();
                thread::spawn(move || body(&callback))
            });
            main(&callback);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(callback.destroys.load(Ordering::SeqCst), 1);
        });
    }

    #[test]
    fn calls_and_close_destroy_exactly_once_after_the_last_call() {
        run(Callback::call, Callback::call, Callback::close);
    }

    #[test]
    fn two_closes_destroy_exactly_once() {
        run(Callback::call, Callback::close, Callback::close);
    }

    #[test]
    fn a_close_that_waits_returns_after_destroy() {
        run(Callback::call, Callback::call, |callback| {
            callback.close();
            callback.quiesce.wait_destroyed();
            assert_eq!(callback.destroys.load(Ordering::SeqCst), 1);
        });
    }

    #[test]
    fn a_callback_may_close_itself() {
        fn call_and_close(callback: &Callback) {
            if callback.quiesce.enter() {
                assert!(!callback.quiesce.close(), "destroyed inside its own call");
                if callback.quiesce.leave() {
                    callback.destroy();
                }
            }
        }
        run(call_and_close, Callback::call, call_and_close);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Quiesce;

    #[test]
    fn nobody_calls_after_close_and_one_destroys() {
        let quiesce = Quiesce::new();
        assert!(quiesce.enter() && quiesce.enter());
        assert!(!quiesce.close() && !quiesce.enter());
        assert!(!quiesce.leave() && quiesce.leave());
        quiesce.destroyed();
        quiesce.wait_destroyed();
        assert!(!quiesce.close());
    }
}
