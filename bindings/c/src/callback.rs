//! A function of the host with its user data: called one at a time, destroyed exactly once.
//!
//! The contract that the header states is kept here: no call begins after the end was asked for,
//! the user data is destroyed after the last call has returned, and whoever asks for the end from
//! another thread returns only then. The end may be asked for inside the call itself; it then
//! happens when that call returns, on its thread. The host's code is never run under the lock.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

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
    /// Set once the end was asked for, so that a run of calls stops without taking the lock.
    is_ending: AtomicBool,
    gate: Mutex<Gate>,
    changed: Condvar,
}

#[derive(Default)]
struct Gate {
    /// The thread that runs the function or the destroy function.
    inside: Option<ThreadId>,
    is_ending: bool,
    is_destroyed: bool,
}

// SAFETY: the header obliges the host to give user data that may be used on the threads that it
// lets call; the gate keeps all uses apart.
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
            is_ending: AtomicBool::new(false),
            gate: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Runs `calls` with the function and the user data, unless the end was asked for. Waits while
    /// another thread is inside; does nothing inside itself.
    pub(crate) fn enter(&self, calls: impl FnOnce(F, *mut c_void)) {
        let this = thread::current().id();
        let mut gate = self.lock();
        while gate.inside.is_some_and(|thread| thread != this) && !gate.is_ending {
            gate = self.changed.wait(gate).unwrap_or_else(PoisonError::into_inner);
        }
        if gate.is_ending || gate.inside.is_some() {
            return;
        }
        gate.inside = Some(this);
        drop(gate);
        calls(self.function, self.user_data);
        let mut gate = self.lock();
        gate.inside = None;
        if gate.is_ending {
            self.destroy(gate);
        } else {
            drop(gate);
            self.changed.notify_one();
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
    /// the same callback, at once.
    pub(crate) fn end(&self) {
        self.is_ending.store(true, Ordering::Release);
        let mut gate = self.lock();
        let is_first = !gate.is_ending;
        gate.is_ending = true;
        if is_first && gate.inside.is_none() {
            return self.destroy(gate);
        }
        if gate.inside == Some(thread::current().id()) {
            return;
        }
        while !gate.is_destroyed {
            gate = self.changed.wait(gate).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Called by exactly one: the first to ask for the end, or the call that ran meanwhile.
    fn destroy(&self, mut gate: MutexGuard<'_, Gate>) {
        gate.inside = Some(thread::current().id());
        drop(gate);
        if let Some(destroy) = self.destroy {
            // SAFETY: the host gave the function for this pointer; no call runs or begins.
            unsafe { destroy(self.user_data) };
        }
        let mut gate = self.lock();
        gate.inside = None;
        gate.is_destroyed = true;
        drop(gate);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
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
