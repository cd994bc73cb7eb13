//! A call of the core that takes its time (stop, write): waited for, or polled by an event loop.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use process_manager::Result;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::convert::timeout;
use crate::errors::to_py;
use crate::hub::{Hub, Slot};
use crate::wait;

type Call = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// Where such a call stands.
enum State {
    Idle(Call),
    /// A thread waits for it.
    Busy,
    Done,
}

/// One such call. It begins with the first `wait` or `poll`; when dropped, the waiting ends.
#[pyclass(frozen, module = "process_manager._core")]
pub struct Operation {
    slot: Slot,
    state: Mutex<State>,
}

impl Operation {
    pub fn new(hub: &Arc<Hub>, call: impl Future<Output = Result<()>> + Send + 'static) -> Self {
        Self { slot: Slot::new(hub), state: Mutex::new(State::Idle(Box::pin(call))) }
    }

    fn swap(&self, state: State) -> State {
        std::mem::replace(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner), state)
    }

    /// The call, taken out for this thread; `None` when it has been answered.
    fn take(&self) -> PyResult<Option<Call>> {
        match self.swap(State::Busy) {
            State::Idle(call) => Ok(Some(call)),
            State::Busy => Err(PyRuntimeError::new_err("another thread waits for this operation")),
            State::Done => {
                self.swap(State::Done);
                Ok(None)
            }
        }
    }
}

#[pymethods]
impl Operation {
    #[getter]
    fn token(&self) -> u64 {
        self.slot.token()
    }

    #[pyo3(signature = (seconds=None))]
    fn wait(&self, py: Python<'_>, seconds: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let limit = timeout("timeout", seconds)?;
        let Some(mut call) = self.take()? else { return Ok(true) };
        let answer = wait::park(py, limit, call.as_mut());
        let done = answer.as_ref().map_or(true, Option::is_some);
        self.swap(if done { State::Done } else { State::Idle(call) });
        answer.map(|answer| answer.is_some())
    }

    fn poll(&self, py: Python<'_>) -> PyResult<Option<bool>> {
        let waker = self.slot.waker().map_err(|error| to_py(py, &error))?;
        let Some(mut call) = self.take()? else { return Ok(Some(true)) };
        let poll = py.detach(|| call.as_mut().poll(&mut Context::from_waker(waker)));
        match poll {
            Poll::Ready(answer) => {
                self.swap(State::Done);
                answer.map(|()| Some(true)).map_err(|error| to_py(py, &error))
            }
            Poll::Pending => {
                self.swap(State::Idle(call));
                Ok(None)
            }
        }
    }
}
