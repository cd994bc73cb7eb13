//! A function of the host with its user data: called one at a time, destroyed exactly once.
//!
//! The contract that the header states is kept here. That no call begins once the end was asked
//! for, and that the user data is destroyed once, after the last call, is the core's `Quiesce`,
//! which a model check covers. Added here: calls take turns, a call within a call is left out, and
//! who asks for the end waits for it, except inside the callback itself. The host's code is never
//! run under a lock that the end needs.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Mutex;
use std::thread::{self, ThreadId};

use core_api::support::Quiesce;

use crate::hub::lock;
use crate::maker::Maker;

/// Called once with the user data of a callback, after its last call has returned; also when the
/// registration failed, and then before that function returns.
pub type pm_destroy_callback = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Tells registrations apart; never used twice.
pub(crate) type Registration = u64;

pub(crate) struct Callback<F> {
    function: F,
    user_data: *mut c_void,
    destroy: pm_destroy_callback,
    registration: Registration,
    maker: Maker,
    /// Set before the end, so that a run of calls stops without taking a lock.
    is_ending: AtomicBool,
    quiesce: Quiesce,
    /// Held during a call.
    turn: Mutex<()>,
    /// The thread that runs the function or the destroy function.
    inside: Mutex<Option<ThreadId>>,
}

// SAFETY: the header obliges the host to give user data that may be used on the threads that it
// lets call; the turn and the order of the end keep all uses apart.
unsafe impl<F: Send> Send for Callback<F> {}
// SAFETY: as above.
unsafe impl<F: Sync> Sync for Callback<F> {}

impl<F: Copy> Callback<F> {
    /// From here on, `destroy` will be called exactly once, whatever happens.
    pub(crate) fn new(function: F, user_data: *mut c_void, destroy: pm_destroy_callback) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            function,
            user_data,
            destroy,
            registration: NEXT.fetch_add(1, Ordering::Relaxed),
            maker: Maker::this(),
            is_ending: AtomicBool::new(false),
            quiesce: Quiesce::new(),
            turn: Mutex::default(),
            inside: Mutex::default(),
        }
    }

    /// Runs `calls` with the function and the user data, unless the end was asked for. Waits while
    /// another thread is inside; does nothing inside itself.
    pub(crate) fn enter(&self, calls: impl FnOnce(F, *mut c_void)) {
        if self.is_inside() || !self.quiesce.enter() {
            return;
        }
        let turn = lock(&self.turn);
        // The end may have been asked for while this thread waited for its turn.
        if self.is_open() {
            *lock(&self.inside) = Some(thread::current().id());
            calls(self.function, self.user_data);
            *lock(&self.inside) = None;
        }
        drop(turn);
        if self.quiesce.leave() {
            self.destroy();
        }
    }
}

impl<F> Callback<F> {
    pub(crate) fn registration(&self) -> Registration {
        self.registration
    }

    /// False once the end was asked for: whoever makes several calls asks before each.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_ending.load(Ordering::Acquire)
    }

    /// No call begins after this. Returns when the user data is destroyed, or, inside a call of
    /// the same callback, at once. A forked copy destroys nothing: the user data may stand for what
    /// both have, and a thread that the copy lacks may have held the locks here.
    pub(crate) fn end(&self) {
        if !self.maker.is_this() {
            return;
        }
        self.is_ending.store(true, Ordering::Release);
        if self.quiesce.close() {
            self.destroy();
        } else if !self.is_inside() {
            self.quiesce.wait_destroyed();
        }
    }

    /// Called by the one whom `quiesce` told to: no call runs or begins.
    fn destroy(&self) {
        if let Some(destroy) = self.destroy {
            *lock(&self.inside) = Some(thread::current().id());
            // SAFETY: the host gave the function for this pointer; no call runs or begins.
            unsafe { destroy(self.user_data) };
            *lock(&self.inside) = None;
        }
        self.quiesce.destroyed();
    }

    fn is_inside(&self) -> bool {
        *lock(&self.inside) == Some(thread::current().id())
    }
}

impl<F> Drop for Callback<F> {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::ptr;
    use std::sync::{mpsc, Arc};

    use super::*;

    unsafe extern "C" fn count(user_data: *mut c_void) {
        // SAFETY: the tests give a counter that outlives the callback.
        unsafe { &*user_data.cast::<AtomicU64>() }.fetch_add(1, Ordering::SeqCst);
    }

    fn counted(counter: &AtomicU64) -> Callback<()> {
        Callback::new((), ptr::from_ref(counter).cast_mut().cast(), Some(count))
    }

    #[test]
    fn dropping_destroys_once_and_ending_twice_too() {
        let counter = AtomicU64::new(0);
        drop(counted(&counter));
        assert_eq!(counter.load(Ordering::SeqCst), 1);
        let callback = counted(&counter);
        callback.end();
        callback.end();
        drop(callback);
        assert_eq!(counter.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn an_end_inside_the_call_comes_when_the_call_returns() {
        let counter = AtomicU64::new(0);
        let callback = counted(&counter);
        callback.enter(|(), _| {
            callback.end();
            assert_eq!(counter.load(Ordering::SeqCst), 0);
        });
        assert_eq!(counter.load(Ordering::SeqCst), 1);
        callback.enter(|(), _| unreachable!("called after its end"));
    }

    #[test]
    fn an_end_from_another_thread_waits_for_the_call() {
        let counter = Arc::new(AtomicU64::new(0));
        let callback = Arc::new(counted(&counter));
        let (inside, is_inside) = mpsc::channel();
        let (other, seen) = (callback.clone(), counter.clone());
        let ender = thread::spawn(move || {
            is_inside.recv().unwrap();
            other.end();
            seen.load(Ordering::SeqCst)
        });
        callback.enter(|(), _| {
            inside.send(()).unwrap();
            while callback.is_open() {
                thread::yield_now();
            }
            assert_eq!(counter.load(Ordering::SeqCst), 0);
        });
        assert_eq!(ender.join().unwrap(), 1);
    }
}
