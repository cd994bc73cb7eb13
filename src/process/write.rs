//! Writing all of a buffer to standard input, as a future and as a blocking call.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::core::Process;
use super::wakers::Place;
use crate::error::Result;

/// The rest of a buffer on its way to a child; dropping it stops the writing.
pub(crate) struct Write<'a> {
    process: Arc<Process>,
    bytes: &'a [u8],
    written: usize,
    place: Place,
}

impl<'a> Write<'a> {
    pub(crate) fn new(process: Arc<Process>, bytes: &'a [u8]) -> Self {
        Self { process, bytes, written: 0, place: None }
    }

    fn poll_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        while self.written < self.bytes.len() {
            let rest = &self.bytes[self.written..];
            match self.process.poll_write(&mut self.place, cx.waker(), rest) {
                Poll::Ready(Ok(count)) => self.written += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Writes on this thread, driving the reactor while the pipe is full.
    pub(crate) fn block(mut self, timeout: Option<Duration>) -> Result<()> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let reactor = self.process.reactor().clone();
        reactor.check_fork()?;
        let written = reactor.block_on(deadline, |cx| self.poll_all(cx));
        written.unwrap_or_else(|unfinished| {
            let (written, all) = (self.written, self.bytes.len());
            let what = || format!("wrote {written} of {all} bytes to standard input");
            Err(unfinished.or_timed_out(what))
        })
    }
}

impl Future for Write<'_> {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let polled = self.poll_all(cx);
        if polled.is_pending() {
            self.process.reactor().serve();
        }
        polled
    }
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        self.process.forget_writer(&mut self.place);
    }
}
