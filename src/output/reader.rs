//! [`OutputReader`]: a cursor in the output of one process.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::batch::Batch;
use super::chunks::Chunks;
use super::cutter::Cutter;
use super::pace::Pace;
use super::pin::{Core, Pin};
use super::read::OutputRead;
use super::retained::Slice;
use super::state::Taken;
use super::stream::{ChunkStream, OutputStream, RecordStream};
use super::OutputSource;
use crate::error::Result;

/// Enough to make the cost of a batch vanish, little enough to let the child write meanwhile.
pub(super) const BATCH_BYTES: usize = 256 * 1024;

/// A cursor in the output of one process, which delivers it in batches.
///
/// It starts at the oldest output that is retained when it is made. What is gone by then is
/// reported as a gap only if no earlier reader had it or was told of it: the sequence numbers say
/// how much came before. A clone stands where its original stands, with the same unfinished
/// lines, and goes on by itself. Readers can be made, cloned, used and dropped on any thread.
///
/// Lines and raw chunks can be read from one reader, but use one of the two: what one has taken
/// the other does not see.
pub struct OutputReader {
    core: Arc<Core>,
    cutter: Cutter,
    max_line: usize,
    pace: Pace,
}

impl OutputReader {
    pub(super) fn new(core: Arc<Core>, max_line: usize) -> Self {
        Self { core, cutter: Cutter::new(max_line), max_line, pace: Pace::default() }
    }

    /// Only this stream from here on; the other one is passed over.
    pub fn only(mut self, source: OutputSource) -> Self {
        if !self.core.is_forked() {
            self.core.log.restrict(self.core.id, source);
        }
        self.cutter.keep_only(source);
        self
    }

    /// The next lines and gaps, about `max_bytes` at most; `None` after the last byte.
    ///
    /// Whoever was registered by an earlier pending call is replaced by `cx`'s waker.
    pub fn poll_batch(&mut self, cx: &mut Context<'_>, max_bytes: usize) -> Poll<Option<Batch>> {
        let polled = self.try_batch(cx, max_bytes);
        self.served(polled)
    }

    /// The next raw output, about `max_bytes` at most; `None` after the last byte.
    pub fn poll_chunks(&mut self, cx: &mut Context<'_>, max_bytes: usize) -> Poll<Option<Chunks>> {
        let polled = self.try_chunks(cx, max_bytes);
        self.served(polled)
    }

    /// Waits for the next lines and gaps; `None` after the last byte. Without a timeout it waits
    /// for as long as it takes.
    ///
    /// # Errors
    /// [`TimedOut`](ProcessError::TimedOut), and [`Forked`](ProcessError::Forked) in a copy of
    /// the process that the reader was made in. A reader stays usable after a timeout.
    pub fn next_batch_blocking(&mut self, timeout: Option<Duration>) -> Result<Option<Batch>> {
        self.block(timeout, |reader, cx| reader.try_batch(cx, BATCH_BYTES))
    }

    /// Waits for the next raw output, as [`next_batch_blocking`](Self::next_batch_blocking) does.
    ///
    /// # Errors
    /// The same.
    pub fn next_chunks_blocking(&mut self, timeout: Option<Duration>) -> Result<Option<Chunks>> {
        self.block(timeout, |reader, cx| reader.try_chunks(cx, BATCH_BYTES))
    }

    /// The lines as a stream of text.
    pub fn stream(self) -> OutputStream {
        OutputStream::new(self)
    }

    /// Lines and gaps as a stream of owned records.
    pub fn records(self) -> RecordStream {
        RecordStream::new(self)
    }

    /// The bytes as a [`std::io::Read`] and a [`futures_io::AsyncRead`].
    pub fn bytes(self) -> OutputRead {
        OutputRead::new(self)
    }

    /// The bytes as a stream of raw chunks.
    pub fn chunks(self) -> ChunkStream {
        ChunkStream::new(self)
    }

    pub(super) fn touch(&self) {
        self.core.progress();
    }

    fn block<T>(
        &mut self,
        timeout: Option<Duration>,
        mut poll: impl FnMut(&mut Self, &mut Context<'_>) -> Poll<T>,
    ) -> Result<T> {
        self.core.reactor.check_fork()?;
        // A timeout beyond what the clock can express is none.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let reactor = self.core.reactor.clone();
        self.pace.come_back(Instant::now());
        let waited = reactor.block_on(deadline, |cx| poll(self, cx));
        if self.pace.hand_out(Instant::now()) {
            reactor.read_ahead();
        }
        waited.map_err(|e| e.or_timed_out(|| "waiting for output".into()))
    }

    fn try_batch(&mut self, cx: &mut Context<'_>, max_bytes: usize) -> Poll<Option<Batch>> {
        loop {
            let taken = self.take(cx, max_bytes);
            let (waits, is_last) = (taken.is_empty(), taken.is_last());
            if waits && taken.ended == [false; 2] {
                return Poll::Pending;
            }
            let pin = self.pin(&taken);
            let pieces = self.cutter.cut(taken);
            if !pieces.is_empty() {
                return Poll::Ready(Some(Batch::new(pieces, self.max_line, pin)));
            }
            match (waits, is_last) {
                (_, true) => return Poll::Ready(None),
                (true, _) => return Poll::Pending,
                // Took the beginning of a line: look again, for more of it or to register.
                (false, false) => {}
            }
        }
    }

    fn try_chunks(&mut self, cx: &mut Context<'_>, max_bytes: usize) -> Poll<Option<Chunks>> {
        let taken = self.take(cx, max_bytes);
        if !taken.is_empty() {
            let pin = self.pin(&taken);
            return Poll::Ready(Some(Chunks::new(taken, pin)));
        }
        if taken.is_last() {
            return Poll::Ready(None);
        }
        Poll::Pending
    }

    fn take(&mut self, cx: &mut Context<'_>, max_bytes: usize) -> Taken {
        if self.core.is_forked() {
            return Taken { ended: [true; 2], ..Taken::default() };
        }
        self.core.progress();
        let taken = self.core.log.take(self.core.id, max_bytes, cx.waker());
        self.pace.add(taken.slices.iter().map(|slice| slice.range.len()).sum());
        taken
    }

    fn pin(&self, taken: &Taken) -> Pin {
        Pin::new(self.core.clone(), taken.slices.first().map(Slice::start))
    }

    /// Makes sure that somebody reads from the child while the caller does something else.
    fn served<T>(&self, polled: Poll<T>) -> Poll<T> {
        if polled.is_pending() {
            self.core.reactor.serve();
        }
        polled
    }
}

impl Clone for OutputReader {
    fn clone(&self) -> Self {
        let core = if self.core.is_forked() { self.core.clone() } else { self.core.another() };
        let (cutter, pace) = (self.cutter.clone(), Pace::default());
        Self { core, cutter, max_line: self.max_line, pace }
    }
}

impl Drop for OutputReader {
    fn drop(&mut self) {
        if !self.core.is_forked() {
            self.core.log.remove_reader(self.core.id);
        }
    }
}
