//! Forked copies of the host: telling that one is one, and state that starts afresh in it.
//!
//! A page that the kernel wipes in a forked copy (MADV_WIPEONFORK) holds the epoch: a load tells
//! whether this process is still the one that made a handle, however it was forked. Where the
//! kernel refuses the advice, a fork handler of libc wipes the page. Any thread.

#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// Epochs given so far. Copied by fork, so an epoch is unique along a line of descent.
static LAST: AtomicU64 = AtomicU64::new(0);
static PAGE: AtomicPtr<AtomicU64> = AtomicPtr::new(std::ptr::null_mut());

/// The number of this process in its line of forked copies; differs from all its ancestors'.
pub(crate) fn epoch() -> u64 {
    let page = page();
    match page.load(Ordering::Relaxed) {
        0 => begin(page),
        epoch => epoch,
    }
}

/// First call in this process, or first after the fork.
fn begin(page: &AtomicU64) -> u64 {
    let new = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    match page.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => new,
        Err(other) => other,
    }
}

/// No lock: one that another thread holds while the host forks would stay locked in the copy.
fn page() -> &'static AtomicU64 {
    let known = PAGE.load(Ordering::Acquire);
    let page = match NonNull::new(known) {
        Some(page) => page.as_ptr(),
        None => publish(map()),
    };
    // SAFETY: published pages are never unmapped, and aligned for any type.
    unsafe { &*page }
}

fn publish(new: *mut AtomicU64) -> *mut AtomicU64 {
    let null = std::ptr::null_mut();
    match PAGE.compare_exchange(null, new, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => new,
        Err(other) => other,
    }
}

/// A page for the epoch; where there is none to be had, static memory that the handler wipes.
fn map() -> *mut AtomicU64 {
    static FALLBACK: AtomicU64 = AtomicU64::new(0);
    let (access, flags) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new anonymous mapping touches no memory that exists.
    let page = unsafe { libc::mmap(std::ptr::null_mut(), 4096, access, flags, -1, 0) };
    if page == libc::MAP_FAILED {
        install(None, None, Some(wipe));
        return std::ptr::from_ref(&FALLBACK).cast_mut();
    }
    // SAFETY: the page was mapped above.
    if unsafe { libc::madvise(page, 4096, libc::MADV_WIPEONFORK) } != 0 {
        install(None, None, Some(wipe));
    }
    page.cast()
}

extern "C" fn wipe() {
    if let Some(page) = NonNull::new(PAGE.load(Ordering::Acquire)) {
        // SAFETY: published pages are never unmapped.
        unsafe { page.as_ref() }.store(0, Ordering::Relaxed);
    }
}

pub(super) type Handler = Option<unsafe extern "C" fn()>;

pub(super) fn install(prepare: Handler, parent: Handler, child: Handler) {
    extern "C" {
        fn pthread_atfork(prepare: Handler, parent: Handler, child: Handler) -> libc::c_int;
    }
    // SAFETY: the handlers are functions of this library, which is never unloaded; they call
    // async-signal-safe functions only. It fails only without memory, and then nothing is lost
    // but the protection of a forked copy.
    unsafe { pthread_atfork(prepare, parent, child) };
}

/// A static value that starts afresh in a forked copy: what another thread was doing to it while
/// the host forked (a held lock, a joinable thread) is left behind, untouched.
pub(crate) struct PerProcess<T: 'static> {
    cell: AtomicPtr<Cell<T>>,
}

struct Cell<T> {
    epoch: u64,
    value: T,
}

impl<T: Default + Send + Sync> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self { cell: AtomicPtr::new(std::ptr::null_mut()) }
    }

    /// This process's value. A forked copy makes its own at the first call and never frees the
    /// one that it inherited.
    pub(crate) fn get(&'static self) -> &'static T {
        let epoch = epoch();
        let mut known = self.cell.load(Ordering::Acquire);
        loop {
            // SAFETY: cells are leaked once published, so every pointer seen stays valid.
            if let Some(cell) = unsafe { known.as_ref() }.filter(|cell| cell.epoch == epoch) {
                return &cell.value;
            }
            known = self.replace(known, epoch);
        }
    }

    fn replace(&self, old: *mut Cell<T>, epoch: u64) -> *mut Cell<T> {
        let new = Box::into_raw(Box::new(Cell { epoch, value: T::default() }));
        match self.cell.compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => new,
            Err(other) => {
                // SAFETY: the box was made above and published nowhere.
                drop(unsafe { Box::from_raw(new) });
                other
            }
        }
    }
}
