//! Output as a plain byte stream, blocking and async.

use std::io;
use std::pin::Pin;
use std::task::{ready, Context, Poll};
use std::time::Duration;

use super::chunks::{OutputChunk, SharedBytes};
use super::reader::OutputReader;
use super::stream::ChunkStream;
use crate::error::ProcessError;

/// The bytes of one stream of a process (or of both, in the order in which they were read), as
/// [`std::io::Read`] and [`futures_io::AsyncRead`].
///
/// Output that was dropped shows as an error of kind `Other`, once a gap; reading can go on after
/// it. Memory is the log's: nothing is buffered here.
pub struct OutputRead {
    chunks: ChunkStream,
    current: Option<(SharedBytes, usize)>,
    timeout: Option<Duration>,
}

impl OutputRead {
    pub(super) fn new(reader: OutputReader) -> Self {
        Self { chunks: ChunkStream::new(reader), current: None, timeout: None }
    }

    /// How long a blocking read waits before it fails with kind `TimedOut`; `None` (the default)
    /// means for as long as it takes.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    fn read_current(&mut self, buffer: &mut [u8]) -> Option<usize> {
        self.chunks.touch();
        let (bytes, offset) = self.current.as_mut()?;
        let rest = &bytes[*offset..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        *offset += count;
        if *offset == bytes.len() {
            self.current = None;
        }
        Some(count)
    }

    fn accept(&mut self, chunk: OutputChunk) -> io::Result<()> {
        match chunk {
            OutputChunk::Data(bytes) => self.current = Some((bytes, 0)),
            OutputChunk::Gap { bytes, lines, .. } => {
                let lost = format!("{bytes} bytes ({lines} lines) of output were dropped");
                return Err(io::Error::other(ProcessError::LimitReached(lost)));
            }
        }
        Ok(())
    }
}

impl io::Read for OutputRead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(count) = self.read_current(buffer) {
                return Ok(count);
            }
            match self.chunks.next_blocking(self.timeout) {
                Ok(Some(chunk)) => self.accept(chunk)?,
                Ok(None) => return Ok(0),
                Err(error @ ProcessError::TimedOut(_)) => {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, error));
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }
}

impl futures_io::AsyncRead for OutputRead {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        loop {
            if let Some(count) = self.read_current(buffer) {
                return Poll::Ready(Ok(count));
            }
            match ready!(self.chunks.poll_chunk(cx)) {
                Some(chunk) => self.accept(chunk)?,
                None => return Poll::Ready(Ok(0)),
            }
        }
    }
}
