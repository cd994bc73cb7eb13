//! Descriptors that a forked copy of the host must not hold open: the ends of children's pipes.
//!
//! A copy that kept the writing end of a child's standard input would keep the child from ever
//! seeing its end. A fork handler of libc puts /dev/null in the place of every guarded descriptor
//! in the copy, so the numbers stay taken and the copy's handles close what is theirs. Forks that
//! bypass libc run no handler. Any thread.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::convert::Infallible;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Once;

use super::fork;

/// A descriptor that is replaced by /dev/null in forked copies of the host.
#[derive(Debug)]
pub(crate) struct ForkGuarded {
    fd: ManuallyDrop<OwnedFd>,
}

impl ForkGuarded {
    /// Guards a descriptor until the drop, which closes it.
    pub(crate) fn register(fd: OwnedFd) -> Self {
        let guarded = Self::make(|| Ok::<_, Infallible>([fd]));
        let Ok([guarded]) = guarded;
        guarded
    }

    /// Makes descriptors that are guarded from the moment they exist: a fork on another thread
    /// waits for `make`, which must neither wait nor fork.
    ///
    /// The first call installs the handler.
    pub(crate) fn make<const N: usize, E>(
        make: impl FnOnce() -> Result<[OwnedFd; N], E>,
    ) -> Result<[Self; N], E> {
        static INSTALL: Once = Once::new();
        INSTALL.call_once(|| fork::install(Some(prepare), Some(release), Some(replace_all)));
        TABLE.with(|set| {
            let made = make()?;
            made.iter().for_each(|fd| set.insert(fd.as_raw_fd()));
            Ok(made.map(|fd| Self { fd: ManuallyDrop::new(fd) }))
        })
    }

    /// Puts a duplicate of `source` in its place.
    pub(crate) fn replace(&mut self, source: RawFd) -> std::io::Result<()> {
        // SAFETY: numbers only; the one that changes is owned, and borrowed for writing.
        match unsafe { libc::dup3(source, self.fd.as_raw_fd(), libc::O_CLOEXEC) } {
            -1 => Err(std::io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    /// The descriptor, guarded no more.
    pub(crate) fn release(self) -> OwnedFd {
        let mut guarded = ManuallyDrop::new(self);
        TABLE.with(|set| set.remove(guarded.fd.as_raw_fd()));
        // SAFETY: what it is taken from is never dropped.
        unsafe { ManuallyDrop::take(&mut guarded.fd) }
    }
}

#[cfg(test)]
impl From<ForkGuarded> for OwnedFd {
    fn from(guarded: ForkGuarded) -> Self {
        #[allow(clippy::unwrap_used)]
        guarded.fd.try_clone().unwrap()
    }
}

impl AsRawFd for ForkGuarded {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl AsFd for ForkGuarded {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for ForkGuarded {
    /// Closed while forks wait: a copy that is made between this and the removal would hold it. The
    /// removal comes first, since the number may be somebody else's right after.
    fn drop(&mut self) {
        TABLE.with(|set| {
            set.remove(self.fd.as_raw_fd());
            // SAFETY: dropped here only, and not used after.
            unsafe { ManuallyDrop::drop(&mut self.fd) };
        });
    }
}

/// One bit a descriptor number.
struct Set(Vec<u64>);

impl Set {
    fn insert(&mut self, fd: RawFd) {
        let (word, bit) = Self::place(fd);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= bit;
    }

    fn remove(&mut self, fd: RawFd) {
        let (word, bit) = Self::place(fd);
        if let Some(bits) = self.0.get_mut(word) {
            *bits &= !bit;
        }
    }

    fn place(fd: RawFd) -> (usize, u64) {
        let fd = fd as usize;
        (fd / 64, 1 << (fd % 64))
    }

    /// Allocates nothing and takes no lock: runs in a fork handler.
    fn iter(&self) -> impl Iterator<Item = RawFd> + '_ {
        let words = self.0.iter().enumerate();
        words.flat_map(|(word, bits)| {
            (0..64)
                .filter(move |bit| bits >> bit & 1 == 1)
                .map(move |bit| (word * 64 + bit) as RawFd)
        })
    }
}

/// The set under a lock that POSIX lets the forking thread release in the copy.
struct Table {
    lock: UnsafeCell<libc::pthread_mutex_t>,
    set: UnsafeCell<Set>,
}

// SAFETY: the set is reached only with the lock held.
unsafe impl Sync for Table {}

static TABLE: Table = Table {
    lock: UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER),
    set: UnsafeCell::new(Set(Vec::new())),
};

impl Table {
    fn with<T>(&self, change: impl FnOnce(&mut Set) -> T) -> T {
        self.acquire();
        // SAFETY: the lock is held, and the callers' closures do not come back here.
        let result = change(unsafe { &mut *self.set.get() });
        self.release();
        result
    }

    fn acquire(&self) {
        // SAFETY: a statically initialised mutex that never moves; not held by this thread.
        unsafe { libc::pthread_mutex_lock(self.lock.get()) };
    }

    fn release(&self) {
        // SAFETY: this thread holds the lock; in a forked copy it is the one that forked.
        unsafe { libc::pthread_mutex_unlock(self.lock.get()) };
    }
}

extern "C" fn prepare() {
    TABLE.acquire();
}

extern "C" fn release() {
    TABLE.release();
}

/// Runs in the copy, where other threads are gone: async-signal-safe calls only.
extern "C" fn replace_all() {
    // SAFETY: the lock is held since `prepare`.
    let set = unsafe { &*TABLE.set.get() };
    let mut guarded = set.iter().peekable();
    if let Some(first) = guarded.peek().copied() {
        let null = harmless(first);
        guarded.filter(|fd| *fd != null).for_each(|fd| replace(null, fd));
        if !set.iter().any(|fd| fd == null) {
            // SAFETY: opened by `harmless`; nobody else knows the number.
            unsafe { libc::close(null) };
        }
    }
    release();
}

fn replace(null: RawFd, fd: RawFd) {
    // SAFETY: plain numbers; a guarded descriptor belongs to this library.
    unsafe { libc::dup3(null, fd, libc::O_CLOEXEC) };
}

/// /dev/null, or an eventfd where there is none. Where no number is free, `spare` gives its own.
fn harmless(spare: RawFd) -> RawFd {
    let null = open_harmless();
    if null >= 0 {
        return null;
    }
    // SAFETY: the copy is to lose this descriptor in any case.
    unsafe { libc::close(spare) };
    open_harmless()
}

fn open_harmless() -> RawFd {
    // SAFETY: a constant path; both calls return a new descriptor or -1.
    match unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) } {
        // SAFETY: as above.
        -1 => unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) },
        null => null,
    }
}
