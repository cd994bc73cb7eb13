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

    pub(super) fn forget(&self, place: &mut Place) {
        self.lock().waiters.forget(place);
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
        // In a forked copy the pipe's place is taken by /dev/null, which would take everything.
        if let Err(error) = self.reactor().check_fork() {
            return Poll::Ready(Err(error));
        }
        let mut inner = self.input.lock();
        let Some(fd) = inner.fd.as_ref() else { return Poll::Ready(Err(closed())) };
        let busy = inner.feed.is_some();
        let written = if busy { Err(would_block()) } else { sigpipe::write(fd.as_fd(), bytes) };
        match written {
            Ok(count) => Poll::Ready(Ok(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                inner.waiters.register(place, waker);
                match inner.watch(self) {
                    Ok(()) => Poll::Pending,
                    Err(error) => Poll::Ready(Err(error)),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Poll::Ready(Ok(0)),
            Err(error) => Poll::Ready(Err(ProcessError::io("write to standard input", error))),
        }
    }

    /// As [`poll_write`](Self::poll_write), for a waiter that keeps no place.
    pub(super) fn poll_write_shared(&self, waker: &Waker, bytes: &[u8]) -> Poll<Result<usize>> {
        let mut place = None;
        let polled = self.poll_write(&mut place, waker, bytes);
        if polled.is_pending() {
            let mut inner = self.input.lock();
            inner.waiters.forget(&mut place);
            inner.waiters.register_shared(waker);
        }
        polled
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

fn would_block() -> io::Error {
    io::ErrorKind::WouldBlock.into()
}
