//! The synchronisation types of the small state machines: std's, or loom's for the model checks.
//!
//! Only what a model explores comes from here; everything else uses std directly.

#[cfg(not(all(test, loom)))]
pub(crate) use std::{
    sync::{Condvar, Mutex, MutexGuard},
    thread_local,
};

#[cfg(all(test, loom))]
pub(crate) use loom::{
    sync::{Condvar, Mutex, MutexGuard},
    thread_local,
};

use std::sync::PoisonError;

/// Locks; a panic of another holder leaves the machines valid, since no user code runs inside.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
