//! A child's standard input: direct writes, and bytes that are fed while the child reads them.
//!
//! A write goes to the pipe on the caller's thread; only when the pipe is full does the reactor
//! watch it. After the end of the process, or once the child has closed its end, writes answer an
//! error, never a signal.

use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use super::core::Process;
use super::wakers::{Place, WakerSet};
use crate::error::{ProcessError, Result};
use crate::reactor::{Interest, Slot, Turn};
use crate::sys::guarded::ForkGuarded;
use crate::sys::sigpipe;

/// The reactor slot of standard input.
pub(super) const SLOT: Slot = 3;

/// The host's end of the pipe to the child.
#[derive(Debug)]
pub(crate) struct Input {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    fd: Option<ForkGuarded>,
    feed: Option<Feed>,
    is_watched: bool,
    waiters: WakerSet,
}

/// Bytes given with the command, and how many have been written.
#[derive(Debug)]
struct Feed {
    bytes: Arc<[u8]>,
    written: usize,
}

impl Input {
    pub(crate) fn new(fd: Option<ForkGuarded>, feed: Option<Arc<[u8]>>) -> Self {
        let feed = feed.map(|bytes| Feed { bytes, written: 0 });
        let waiters = WakerSet::default();
        Self { inner: Mutex::new(Inner { fd, feed, is_watched: false, waiters }) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the pipe: the child reads end-of-file. What was not fed yet is not fed. Gives back
    /// those who waited to write, to be woken without locks.
    #[must_use]
    pub(super) fn close(&self, process: &Process) -> Vec<Waker> {
        let mut inner = self.lock();
        inner.unwatch(process);
        inner.fd = None;
        inner.feed = None;
        inner.waiters.take()
    }

    pub(super) fn is_open(&self) -> bool {
        self.lock().fd.is_some()
    }
}

impl Process {
    /// Writes what the pipe takes now; `Pending` when it is full.
    pub(super) fn poll_write(
        &self,
        place: &mut Place,
        waker: &Waker,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        self.poll_write_with(waker, bytes, |waiters, waker| waiters.register(place, waker))
    }

    /// As [`poll_write`](Self::poll_write), for a waiter that keeps no place.
    pub(super) fn poll_write_shared(&self, waker: &Waker, bytes: &[u8]) -> Poll<Result<usize>> {
        self.poll_write_with(waker, bytes, WakerSet::register_shared)
    }

    fn poll_write_with(
        &self,
        waker: &Waker,
        bytes: &[u8],
        register: impl FnOnce(&mut WakerSet, Waker) -> Option<Waker>,
    ) -> Poll<Result<usize>> {
        // In a forked copy the pipe's place is taken by /dev/null, which would take everything.
        if let Err(error) = self.reactor().check_fork() {
            return Poll::Ready(Err(error));
        }
        // Before the lock, and so dropped after it.
        let waker = waker.clone();
        let mut inner = self.input.lock();
        let written = inner.write(bytes)?;
        if let Some(count) = written {
            return Poll::Ready(Ok(count));
        }
        let old = register(&mut inner.waiters, waker);
        let watched = inner.watch(self);
        drop(inner);
        drop(old);
        watched?;
        Poll::Pending
    }

    /// Gives up a waiter's place.
    pub(super) fn forget_writer(&self, place: &mut Place) {
        // In a forked copy the lock may never come free.
        if place.is_some() && self.reactor().check_fork().is_ok() {
            let waker = self.input.lock().waiters.forget(place);
            drop(waker);
        }
    }

    /// Feeds the command's own bytes as far as the pipe takes them, then ends the input.
    pub(super) fn feed_input(&self) {
        let mut inner = self.input.lock();
        let done = inner.feed_some();
        if !done {
            if let Err(error) = inner.watch(self) {
                log::error!("process {}: input cannot be watched: {error}", self.id);
            }
            return;
        }
        let is_fed = inner.feed.is_some();
        drop(inner);
        if is_fed {
            self.close_input();
        }
    }

    /// Closes the pipe and tells those who waited to write.
    pub(super) fn close_input(&self) {
        self.input.close(self).into_iter().for_each(Waker::wake);
    }

    /// The pipe has room, or the child has closed its end.
    pub(super) fn input_ready(&self, turn: &mut Turn) {
        let mut inner = self.input.lock();
        inner.unwatch(self);
        let wakers = inner.waiters.take();
        drop(inner);
        wakers.into_iter().for_each(|waker| turn.wake(waker));
        self.feed_input();
    }
}

impl Inner {
    fn watch(&mut self, process: &Process) -> Result<()> {
        let (Some(fd), Some(key)) = (self.fd.as_ref(), process.key.get()) else { return Ok(()) };
        if !self.is_watched {
            process.reactor().watch(*key, SLOT, fd.as_fd(), Interest::WRITE)?;
            self.is_watched = true;
        }
        Ok(())
    }

    fn unwatch(&mut self, process: &Process) {
        if let (Some(fd), Some(key), true) = (&self.fd, process.key.get(), self.is_watched) {
            process.reactor().unwatch(*key, SLOT, fd.as_fd());
            self.is_watched = false;
        }
    }

    /// Writes what the pipe takes now; nothing when it is full, or busy with what is fed.
    fn write(&mut self, bytes: &[u8]) -> Result<Option<usize>> {
        let fd = self.fd.as_ref().ok_or_else(closed)?;
        if self.feed.is_some() {
            return Ok(None);
        }
        match sigpipe::write(fd.as_fd(), bytes) {
            Ok(count) => Ok(Some(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Some(0)),
            Err(error) => Err(ProcessError::io("write to standard input", error)),
        }
    }

    /// True when nothing is left to feed: all was written, or the child does not want it.
    fn feed_some(&mut self) -> bool {
        let (Some(fd), Some(feed)) = (self.fd.as_ref(), self.feed.as_mut()) else { return true };
        while feed.written < feed.bytes.len() {
            match sigpipe::write(fd.as_fd(), &feed.bytes[feed.written..]) {
                Ok(count) => feed.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(_) => return true,
            }
        }
        true
    }
}

pub(super) fn closed() -> ProcessError {
    ProcessError::Closed("standard input is not piped, was closed, or the process has ended".into())
}
