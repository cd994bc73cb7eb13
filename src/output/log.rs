//! The log of one process's output: the lock around [`State`], and who is told when it changes.
//!
//! Written by the process module on whichever thread drives the reactor, read by any number of
//! readers on theirs. No lock is held when wakers are dropped or the resume hook is called.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::Instant;

use super::pin::Core;
use super::reader::OutputReader;
use super::readers::Progress;
use super::state::{State, Taken};
use super::OutputSource;
use crate::command::OutputOptions;
use crate::reactor::Hold;

type Hook = Box<dyn Fn() + Send + Sync>;

/// What the caller of [`OutputLog::append`] does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    /// Read on.
    Continue,
    /// Read on; from now on output that nobody has read is dropped (policy `Auto`, once an
    /// episode).
    Dropping,
    /// Stop reading until the resume hook is called. With a time: call `stalled` then.
    Pause { stall_at: Option<Instant> },
    /// The limit of policy `Kill` is reached: end the tree. Said once; what still comes is kept
    /// as by `DropOldest`.
    Kill,
}

/// What the caller of [`OutputLog::stalled`] does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stall {
    /// The pause is over by itself: nothing to do.
    Resume,
    /// The reader is still reading: stay paused, and ask again then.
    Wait(Option<Instant>),
    /// The reader has stalled: read on; what it has not read is dropped from now on.
    Dropping,
}

pub(crate) struct OutputLog {
    max_line: usize,
    state: Mutex<State>,
    resume: OnceLock<Hook>,
    deserted: OnceLock<Hook>,
}

impl OutputLog {
    /// The log of a process that starts now; sources that are not captured are not open.
    pub fn new(options: OutputOptions, stdout_open: bool, stderr_open: bool) -> Arc<Self> {
        Self::started_at(Instant::now(), options, stdout_open, stderr_open)
    }

    pub(super) fn started_at(
        now: Instant,
        options: OutputOptions,
        stdout_open: bool,
        stderr_open: bool,
    ) -> Arc<Self> {
        let state = Mutex::new(State::new(options, [stdout_open, stderr_open], now));
        let (resume, deserted) = (OnceLock::new(), OnceLock::new());
        Arc::new(Self { max_line: options.max_line, state, resume, deserted })
    }

    /// Sets what is called, without a lock, on a reader's thread when a paused log has room
    /// again. Later calls are ignored.
    ///
    /// The reader may resume between `append`'s answer and the caller's pause: the caller first
    /// stops watching and then looks at [`is_paused`](Self::is_paused) again.
    pub fn set_resume(&self, hook: Hook) {
        let _ = self.resume.set(hook);
    }

    /// Sets what is called, without a lock, on the thread that drops the last reader. Later calls
    /// are ignored.
    pub fn set_deserted(&self, hook: Hook) {
        let _ = self.deserted.set(hook);
    }

    /// Whether the child is being held up.
    pub fn is_paused(&self) -> bool {
        self.lock().is_paused()
    }

    /// How many bytes to read at most before the next `append`, of so many that could be; zero
    /// only while paused.
    pub fn room(&self, wanted: usize) -> usize {
        self.lock().room(wanted)
    }

    /// Takes over what was read. The buffer comes back empty, with at least its old capacity; it
    /// is moved in rather than copied if it is large and at least three quarters full.
    ///
    /// `wake` is called under the log's lock and must only collect; the caller wakes later.
    pub fn append(
        &self,
        source: OutputSource,
        buffer: &mut Vec<u8>,
        now: Instant,
        wake: &mut dyn FnMut(Waker),
    ) -> Appended {
        self.lock().append(source, buffer, now, wake)
    }

    /// To be called at the `stall_at` of a pause.
    pub fn stalled(&self, now: Instant) -> Stall {
        self.lock().stalled(now)
    }

    /// The source has ended: nothing is appended to it any more. Readers end after the last byte
    /// of the last source.
    ///
    /// `wake` is called under the log's lock, as by [`append`](Self::append).
    pub fn close(&self, source: OutputSource, wake: &mut dyn FnMut(Waker)) {
        self.lock().close(source, wake);
    }

    /// A new reader, which starts at the oldest output that is retained.
    pub fn reader(self: &Arc<Self>, reactor: Hold) -> OutputReader {
        // In a forked copy the lock may never come free; the reader there ends at once.
        let copy = reactor.check_fork().is_err();
        let (id, progress) = if copy { Default::default() } else { self.lock().add_reader() };
        OutputReader::new(Core::new(self.clone(), reactor, id, progress), self.max_line)
    }

    /// Whether anybody holds a reader.
    pub fn has_reader(&self) -> bool {
        !self.lock().readers.is_empty()
    }

    pub(super) fn clone_reader(&self, id: u64) -> (u64, Progress) {
        self.lock().clone_reader(id)
    }

    pub(super) fn restrict(&self, id: u64, only: OutputSource) {
        self.lock().restrict(id, Some(only));
    }

    /// What reader `id` has not had yet; if that is nothing, its waker is registered.
    pub(super) fn take(&self, id: u64, max_bytes: usize, waker: &Waker) -> Taken {
        let mut fresh = None;
        loop {
            let mut state = self.lock();
            let taken = state.take(id, max_bytes);
            let settled = !taken.is_empty() || taken.is_last();
            if settled || state.readers.waits_with(id, waker) {
                self.unlock(state);
                return taken;
            }
            if let Some(fresh) = fresh.take() {
                let old = state.readers.set_waker(id, fresh);
                self.unlock(state);
                drop(old);
                return taken;
            }
            // Cloning a waker is foreign code, so it happens without the lock.
            drop(state);
            fresh = Some(waker.clone());
        }
    }

    /// The reader has let go of a batch that started at `start`.
    pub(super) fn unpin(&self, id: u64, start: u64) {
        let mut state = self.lock();
        state.readers.unpin(id, start);
        self.unlock(state);
    }

    pub(super) fn remove_reader(&self, id: u64) {
        let mut state = self.lock();
        let waker = state.readers.remove(id);
        let was_last = state.readers.is_empty();
        self.unlock(state);
        drop(waker);
        if let Some(hook) = self.deserted.get().filter(|_| was_last) {
            hook();
        }
    }

    /// Ends a change that may have made room.
    fn unlock(&self, mut state: MutexGuard<'_, State>) {
        let resumed = state.resume();
        drop(state);
        if let Some(hook) = self.resume.get().filter(|_| resumed) {
            hook();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
