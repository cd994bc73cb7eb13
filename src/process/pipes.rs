//! Reading a child's output pipe into its log, on the driving thread.
//!
//! A turn reads a bounded share, so that a chatty child starves nobody. A paused pipe leaves the
//! epoll altogether: with an empty interest a hang-up would still be reported, for ever.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use super::core::Process;
use super::deadlines::Timer;
use super::observer::Notice;
use super::state::{Cause, Event};
use super::widen::Width;
use crate::command::StopLadder;
use crate::output::{Appended, OutputSource, Stall};
use crate::reactor::{Interest, Ready, Slot, Turn};
use crate::sys::guarded::ForkGuarded;
use crate::sys::read::read_some;

/// Bytes read from one pipe in one turn, at most.
const SHARE: usize = 1 << 20;

/// Who writes so much at a time has mostly written on while it was read.
const MUCH: usize = 32 * 1024;

/// The host's end of one output pipe.
#[derive(Debug)]
pub(crate) struct Pipe {
    source: OutputSource,
    slot: Slot,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    fd: Option<ForkGuarded>,
    is_watched: bool,
    last_read: Option<Instant>,
    width: Width,
}

/// What one read led to.
enum Step {
    More,
    Enough,
    Paused(Option<Instant>),
    Kill,
    End,
}

impl Step {
    fn after(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::Interrupted => Self::More,
            io::ErrorKind::WouldBlock => Self::Enough,
            _ => Self::End,
        }
    }
}

impl Pipe {
    pub(crate) fn new(source: OutputSource, slot: Slot, fd: Option<ForkGuarded>) -> Self {
        Self {
            source,
            slot,
            inner: Mutex::new(Inner {
                fd,
                is_watched: false,
                last_read: None,
                width: Width::default(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_open(&self) -> bool {
        self.lock().fd.is_some()
    }
}

impl Process {
    /// Starts, or starts again, to watch the pipe.
    pub(super) fn watch_pipe(&self, index: usize) -> crate::Result<()> {
        let pipe = &self.pipes[index];
        let mut inner = pipe.lock();
        let (Some(fd), Some(key)) = (inner.fd.as_ref(), self.key.get()) else { return Ok(()) };
        if !inner.is_watched {
            self.reactor().watch(*key, pipe.slot, fd.as_fd(), Interest::READ)?;
            inner.is_watched = true;
        }
        Ok(())
    }

    /// Reads what the pipe has, up to its share of the turn.
    pub(super) fn read_pipe(&self, index: usize, ready: Ready, turn: &mut Turn) {
        let mut left = SHARE;
        loop {
            match self.read_once(index, ready, &mut left, turn) {
                Step::More => {}
                Step::Enough => return,
                Step::Paused(stall_at) => return self.pause_pipe(index, stall_at),
                Step::Kill => return self.end_flood(turn),
                Step::End => return self.end_pipe(index, turn),
            }
        }
    }

    fn end_flood(&self, turn: &mut Turn) {
        let after = self.decide(Event::Stop(StopLadder::kill(), Cause::OutputLimit));
        after.tell(self, &mut |waker| turn.wake(waker));
    }

    fn read_once(&self, index: usize, ready: Ready, left: &mut usize, turn: &mut Turn) -> Step {
        let pipe = &self.pipes[index];
        let mut inner = pipe.lock();
        let Inner { fd: Some(fd), last_read, width, .. } = &mut *inner else {
            return Step::Enough;
        };
        let buffer = turn.buffer();
        buffer.clear();
        let room = self.log.room(buffer.capacity());
        let count = match read_some(fd.as_fd(), buffer, room.max(1)) {
            Ok(0) => return Step::End,
            Ok(count) => count,
            Err(error) => return Step::after(&error),
        };
        width.note_read(fd.as_fd(), count);
        let count = count + read_on(fd.as_fd(), buffer, room);
        let now = Instant::now();
        *last_read = Some(now);
        drop(inner);
        let appended = self.append(pipe.source, now, turn);
        *left = left.saturating_sub(count);
        // A short read has emptied the pipe; only a hang-up makes another one worth while.
        let more = *left > 0 && (count == room || ready.hangup);
        self.after_append(appended, more, turn)
    }

    fn after_append(&self, appended: Appended, more: bool, turn: &mut Turn) -> Step {
        match appended {
            Appended::Pause { stall_at } => return Step::Paused(stall_at),
            Appended::Kill => return Step::Kill,
            Appended::Dropping => self.notify(Notice::Stalled, &mut |waker| turn.wake(waker)),
            Appended::Continue => {}
        }
        if more {
            Step::More
        } else {
            Step::Enough
        }
    }

    fn append(&self, source: OutputSource, now: Instant, turn: &mut Turn) -> Appended {
        let (buffer, wakers) = turn.buffer_and_wakers();
        self.log.append(source, buffer, now, &mut |waker| wakers.push(waker))
    }

    fn pause_pipe(&self, index: usize, stall_at: Option<Instant>) {
        drop(self.unwatch_pipe(index));
        let mut inner = self.lock();
        inner.deadlines.set(Timer::Stall, stall_at);
        self.rearm(&mut inner);
        drop(inner);
        // A reader may have made room between the append and the unwatch: its resume found the
        // pipe still watched and did nothing, so look once more.
        if !self.log.is_paused() {
            self.resume_pipes();
        }
    }

    /// The last reader has gone. Output that nobody can read any more is given up: the process
    /// would outlive its last handle until the end of its output.
    pub(super) fn reader_gone(&self) {
        if self.is_let_go.load(Ordering::SeqCst) {
            self.abandon_output(&mut |waker| waker.wake());
        }
    }

    /// Called when a paused log has room again, on any thread.
    pub(super) fn resume_pipes(&self) {
        for index in 0..self.pipes.len() {
            if let Err(error) = self.watch_pipe(index) {
                log::error!("process {}: output cannot be watched: {error}", self.id);
            }
        }
        self.reactor().serve();
    }

    /// The Auto policy's deadline: unless the reader has consumed, the oldest output goes.
    pub(super) fn stalled(&self, now: Instant, turn: &mut Turn) {
        match self.log.stalled(now) {
            Stall::Resume => self.resume_pipes(),
            Stall::Wait(until) => self.lock().deadlines.set(Timer::Stall, until),
            Stall::Dropping => {
                self.notify(Notice::Stalled, &mut |waker| turn.wake(waker));
                self.resume_pipes();
            }
        }
    }

    fn unwatch_pipe(&self, index: usize) -> MutexGuard<'_, Inner> {
        let pipe = &self.pipes[index];
        let mut inner = pipe.lock();
        if let (Some(fd), Some(key), true) = (inner.fd.as_ref(), self.key.get(), inner.is_watched) {
            self.reactor().unwatch(*key, pipe.slot, fd.as_fd());
            inner.is_watched = false;
        }
        inner
    }

    fn end_pipe(&self, index: usize, turn: &mut Turn) {
        self.close_pipe(index, &mut |waker| turn.wake(waker));
        if !self.pipes.iter().any(Pipe::is_open) {
            self.decide(Event::OutputEnded).tell(self, &mut |waker| turn.wake(waker));
        }
    }

    fn close_pipe(&self, index: usize, wake: &mut dyn FnMut(Waker)) {
        // Under one lock: a reader that resumes must not watch it again in between.
        let fd = self.unwatch_pipe(index).fd.take();
        if fd.is_some() {
            drop(fd);
            let mut wakers = Vec::new();
            self.log.close(self.pipes[index].source, &mut |waker| wakers.push(waker));
            // Not under the log's lock: a waker may ask the log.
            wakers.into_iter().for_each(wake);
        }
    }

    /// The drain deadline: closes pipes that stayed silent, or says until when to wait on.
    ///
    /// A pipe whose reader has just made room was not read meanwhile, however silent it looks: so
    /// all are read once more, as far as they go.
    pub(super) fn drain_due(&self, now: Instant, turn: &mut Turn) {
        (0..self.pipes.len()).for_each(|index| self.read_pipe(index, Ready::HANGUP, turn));
        if !self.pipes.iter().any(Pipe::is_open) {
            return;
        }
        let drain = self.policy.output.drain;
        let last = self.pipes.iter().filter_map(|pipe| pipe.lock().last_read).max();
        let until = last.and_then(|last| last.checked_add(drain)).filter(|until| *until > now);
        // A paused pipe is not silent: its output waits for the reader.
        let until = if self.log.is_paused() { now.checked_add(drain) } else { until };
        if until.is_some() {
            let mut inner = self.lock();
            inner.deadlines.set(Timer::Drain, until);
            return self.rearm(&mut inner);
        }
        self.notify(Notice::OutputHeld, &mut |waker| turn.wake(waker));
        self.abandon_output(&mut |waker| turn.wake(waker));
    }

    /// Closes the host's ends: whoever still writes gets EPIPE.
    pub(super) fn abandon_output(&self, wake: &mut dyn FnMut(std::task::Waker)) {
        (0..self.pipes.len()).for_each(|index| self.close_pipe(index, wake));
        self.decide(Event::OutputEnded).tell(self, wake);
    }
}

/// Reads on what has come during a large read, up to `room` bytes in all, and says how much: a full
/// buffer is kept as it is, where another would be copied. An end shows again in the next turn.
fn read_on(fd: BorrowedFd<'_>, buffer: &mut Vec<u8>, room: usize) -> usize {
    let before = buffer.len();
    let mut last = before;
    while last >= MUCH && buffer.len() < room {
        last = read_some(fd, buffer, room - buffer.len()).unwrap_or(0);
    }
    buffer.len() - before
}

#[cfg(all(test, not(loom)))]
#[allow(clippy::unwrap_used)]
mod tests {
    use rustix::pipe::{pipe_with, PipeFlags};

    use super::*;

    /// What a large read left in the pipe is read as far as there is room; after a small one
    /// nobody looks.
    #[test]
    fn only_large_reads_are_gone_on_with() {
        let (out, input) = pipe_with(PipeFlags::NONBLOCK).unwrap();
        rustix::io::write(&input, &[1; 4096]).unwrap();
        let mut small = vec![0; MUCH - 1];
        assert_eq!(read_on(out.as_fd(), &mut small, 2 * MUCH), 0);
        let mut large = Vec::with_capacity(2 * MUCH);
        large.resize(MUCH, 0);
        assert_eq!(read_on(out.as_fd(), &mut large, MUCH + 96), 96);
        assert_eq!(read_on(out.as_fd(), &mut large, 2 * MUCH), 4000);
        assert_eq!(read_on(out.as_fd(), &mut large, 2 * MUCH), 0, "the pipe is empty");
        drop(input);
        assert_eq!(read_on(out.as_fd(), &mut large, 2 * MUCH), 0, "at its end");
    }
}
