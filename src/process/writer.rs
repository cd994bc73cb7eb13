//! A child's standard input as a `std::io::Write` and a futures `AsyncWrite`.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_io::AsyncWrite;

use super::core::Process;
use super::wakers::Place;
use crate::error::ProcessError;
use crate::reactor::Hold;

/// Writes to a child's standard input, unbuffered; dropping it leaves the input open.
///
/// Errors: `BrokenPipe` when the child has closed its end, when the input was closed, and when the
/// process has ended.
pub struct StdinWriter {
    process: Arc<Process>,
    place: Place,
    /// Goes after the process.
    _hold: Hold,
}

impl StdinWriter {
    pub(crate) fn new(process: Arc<Process>) -> Self {
        let _hold = process.hold();
        Self { process, place: None, _hold }
    }

    fn poll_some(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = self.process.poll_write(&mut self.place, cx.waker(), bytes);
        polled.map(|written| written.map_err(into_io))
    }
}

impl io::Write for StdinWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.process.reactor().check_fork().map_err(into_io)?;
        let reactor = self.process.reactor().clone();
        let written = reactor.block_on(None, |cx| self.poll_some(cx, bytes));
        // Without a deadline it was refused: in a callback, say.
        written.unwrap_or_else(|refused| Err(into_io(refused.or_timed_out(|| "a write".into()))))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncWrite for StdinWriter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = self.poll_some(cx, bytes);
        if polled.is_pending() {
            self.process.reactor().serve();
        }
        polled
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Err(error) = self.process.reactor().check_fork() {
            return Poll::Ready(Err(into_io(error)));
        }
        self.process.close_input();
        Poll::Ready(Ok(()))
    }
}

impl Drop for StdinWriter {
    fn drop(&mut self) {
        self.process.forget_writer(&mut self.place);
    }
}

fn into_io(error: ProcessError) -> io::Error {
    match error {
        ProcessError::Io { source, .. } => source,
        ProcessError::Closed(_) => io::Error::new(io::ErrorKind::BrokenPipe, error),
        other => io::Error::other(other),
    }
}
