//! What a run collects: the output of one process, both streams to their ends.
//!
//! The pieces stay here while a thread waits or an event loop polls, so that Python makes one call
//! and two objects for the output of a short program.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use process_manager::{
    Chunks, OutputChunk, OutputReader, OutputSource, ProcessError, Result, SharedBytes,
};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::convert::timeout;
use crate::hub::Hub;
use crate::item::source_name;
use crate::pull::Pull;

/// Bytes taken from the core at once.
const PIECE: usize = 256 * 1024;
/// Pieces that an event loop takes before it sees to its other work.
const TURN: usize = 4;

/// The output so far.
#[pyclass(frozen, module = "process_manager._core")]
pub struct Collector(Pull<Collected>);

struct Collected {
    reader: OutputReader,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    limit: usize,
    /// Bytes that were dropped before they came here.
    dropped: u64,
    /// With a tee, what has not been passed on.
    fresh: Option<Vec<(OutputSource, Vec<u8>)>>,
}

impl Collected {
    fn is_over(&self) -> bool {
        self.stdout.len().max(self.stderr.len()) > self.limit
    }

    /// Bytes that came and are not handed out: dropped, or beyond the limit.
    fn lost(&self) -> u64 {
        let beyond = |data: &[u8]| data.len().saturating_sub(self.limit) as u64;
        self.dropped + beyond(&self.stdout) + beyond(&self.stderr)
    }

    /// Keeps these; says whether the caller must look: at too much of it, or to pass it on.
    fn add(&mut self, chunks: &Chunks) -> bool {
        for chunk in chunks.iter() {
            match chunk {
                OutputChunk::Data(data) => self.keep(data),
                OutputChunk::Gap { bytes, .. } => self.dropped += bytes,
            }
        }
        self.fresh.is_some() || self.is_over()
    }

    fn keep(&mut self, data: &SharedBytes) {
        match data.source() {
            OutputSource::Stdout => self.stdout.extend_from_slice(data),
            OutputSource::Stderr => self.stderr.extend_from_slice(data),
        }
        if let Some(fresh) = &mut self.fresh {
            fresh.push((data.source(), data.to_vec()));
        }
    }

    /// Waits for the end of the output: false there, true where the caller must look first. A
    /// program that writes all the time does not make it longer than it may be.
    fn fill(&mut self, slice: Option<Duration>) -> Result<bool> {
        let until = slice.map(|slice| Instant::now() + slice);
        loop {
            let left = until.map(|at| at.saturating_duration_since(Instant::now()));
            let Some(chunks) = self.reader.next_chunks_blocking(left)? else { return Ok(false) };
            if self.add(&chunks) {
                return Ok(true);
            }
            if left == Some(Duration::ZERO) {
                return Err(ProcessError::TimedOut("collecting output".into()));
            }
        }
    }

    /// The same for an event loop.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        for _ in 0..TURN {
            match self.reader.poll_chunks(cx, PIECE) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(false),
                Poll::Ready(Some(chunks)) if self.add(&chunks) => return Poll::Ready(true),
                Poll::Ready(Some(_)) => {}
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Collector {
    pub fn new(hub: &Arc<Hub>, reader: OutputReader, limit: usize, tee: bool) -> Self {
        let fresh = tee.then(Vec::new);
        let (stdout, stderr) = (Vec::new(), Vec::new());
        let collected = Collected { reader, stdout, stderr, limit, dropped: 0, fresh };
        Self(Pull::new(hub, collected, "output"))
    }
}

#[pymethods]
impl Collector {
    #[getter]
    fn token(&self) -> u64 {
        self.0.token()
    }

    /// Waits for the end of the output: `None` timed out, `False` at the end; `True` when there is
    /// something to look at before.
    #[pyo3(signature = (seconds=None))]
    fn fill(&self, py: Python<'_>, seconds: Option<&Bound<'_, PyAny>>) -> PyResult<Option<bool>> {
        self.0.wait(py, timeout("timeout", seconds)?, Collected::fill)
    }

    /// The same for an event loop: `None` means that the token will say when to ask again.
    fn poll(&self, py: Python<'_>) -> PyResult<Option<bool>> {
        self.0.poll(py, Collected::poll)
    }

    /// Whether one of the streams is longer than the limit.
    #[getter]
    fn is_over(&self) -> PyResult<bool> {
        self.0.look(|output| output.is_over())
    }

    /// Standard output and standard error so far, up to the limit, and how much is missing.
    fn output<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>, u64)> {
        self.0.look(|output| {
            let within = |data: &[u8]| PyBytes::new(py, &data[..data.len().min(output.limit)]);
            (within(&output.stdout), within(&output.stderr), output.lost())
        })
    }

    /// The pieces that came since the last time, as (source, bytes): with a tee only.
    fn fresh<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let fresh = self.0.look(|output| output.fresh.as_mut().map(std::mem::take))?;
        let fresh = fresh.unwrap_or_default();
        PyList::new(
            py,
            fresh.iter().map(|(source, data)| (source_name(*source), PyBytes::new(py, data))),
        )
    }
}
