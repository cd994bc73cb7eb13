//! Waiting on a Python thread: without the GIL, and in slices, so that Ctrl-C is answered.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use process_manager::{ProcessError, Result};
use pyo3::prelude::*;

use crate::errors::to_py;

/// How long a wait goes on before Python's signal handlers get their turn: half of the 100 ms that
/// are promised, since a signal that another thread takes interrupts nothing.
const SLICE: Duration = Duration::from_millis(50);

/// One slice of a wait: the time-out of the slice is not an error.
pub fn slice_of<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(ProcessError::TimedOut(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Repeats `attempt` with at most one slice a time until it answers.
///
/// `None` when the timeout passed first. Raises what a signal handler raises.
pub fn sliced<T: Send>(
    py: Python<'_>,
    timeout: Option<Duration>,
    mut attempt: impl FnMut(Duration) -> Result<Option<T>> + Send,
) -> PyResult<Option<T>> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let left = deadline.map_or(SLICE, |at| at.saturating_duration_since(Instant::now()));
        let answer = py.detach(|| attempt(left.min(SLICE)));
        if let Some(value) = answer.map_err(|error| to_py(py, &error))? {
            return Ok(Some(value));
        }
        py.check_signals()?;
        if left < SLICE {
            return Ok(None);
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls a future of the core on this thread until it is done: for calls that are not hot.
pub fn park<T: Send>(
    py: Python<'_>,
    timeout: Option<Duration>,
    mut future: Pin<&mut (dyn Future<Output = Result<T>> + Send)>,
) -> PyResult<Option<T>> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    sliced(py, timeout, |slice| {
        let mut context = Context::from_waker(&waker);
        let until = Instant::now() + slice;
        loop {
            if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
                return answer.map(Some);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            thread::park_timeout(left);
        }
    })
}
