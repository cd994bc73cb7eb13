//! A stream of the core that one thread at a time pulls from, or an event loop polls.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use process_manager::Result;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::errors::to_py;
use crate::hub::{Hub, Slot};
use crate::wait;

/// The stream, and the token for event loops.
pub struct Pull<S> {
    slot: Slot,
    /// Taken out while a thread waits.
    stream: Mutex<Option<S>>,
    what: &'static str,
}

impl<S: Send> Pull<S> {
    pub fn new(hub: &Arc<Hub>, stream: S, what: &'static str) -> Self {
        Self { slot: Slot::new(hub), stream: Mutex::new(Some(stream)), what }
    }

    pub fn token(&self) -> u64 {
        self.slot.token()
    }

    fn take(&self) -> PyResult<S> {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        stream.take().ok_or_else(|| {
            let what = self.what;
            let busy = format!("another thread is waiting for this; give each its own {what}()");
            PyRuntimeError::new_err(busy)
        })
    }

    fn put(&self, stream: S) {
        *self.stream.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream);
    }

    /// A look at it, which runs no Python code.
    pub fn look<T>(&self, look: impl FnOnce(&mut S) -> T) -> PyResult<T> {
        let mut stream = self.take()?;
        let answer = look(&mut stream);
        self.put(stream);
        Ok(answer)
    }

    /// Waits on this thread. `None`: the timeout passed.
    pub fn wait<T: Send>(
        &self,
        py: Python<'_>,
        limit: Option<Duration>,
        next: fn(&mut S, Option<Duration>) -> Result<T>,
    ) -> PyResult<Option<T>> {
        let mut stream = self.take()?;
        let answer =
            wait::sliced(py, limit, |slice| wait::slice_of(next(&mut stream, Some(slice))));
        self.put(stream);
        answer
    }

    /// Asks once. `None`: the token will say when to ask again.
    pub fn poll<T: Send>(
        &self,
        py: Python<'_>,
        next: fn(&mut S, &mut Context<'_>) -> Poll<T>,
    ) -> PyResult<Option<T>> {
        let waker = self.slot.waker().map_err(|error| to_py(py, &error))?;
        let mut stream = self.take()?;
        let poll = py.detach(|| next(&mut stream, &mut Context::from_waker(waker)));
        self.put(stream);
        Ok(match poll {
            Poll::Ready(item) => Some(item),
            Poll::Pending => None,
        })
    }
}
