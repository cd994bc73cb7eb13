//! The events of a manager's processes.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use chrono::{DateTime, Utc};
use process_manager::{EventKind, EventStream, ExitStatus, ProcessError, ProcessEvent};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use uuid::Uuid;

use crate::convert::timeout;
use crate::errors::to_py;
use crate::hub::{Hub, Slot};
use crate::info::{exit, Exit};
use crate::wait;

/// id, kind, time, exit, number missed.
type Event = (Uuid, &'static str, DateTime<Utc>, Option<Exit>, u64);

/// The events since the subscription.
#[pyclass(frozen, module = "process_manager._core")]
pub struct Events {
    slot: Slot,
    /// Taken out while a thread waits.
    stream: Mutex<Option<EventStream>>,
}

impl Events {
    pub fn new(hub: &Arc<Hub>, stream: EventStream) -> Self {
        Self { slot: Slot::new(hub), stream: Mutex::new(Some(stream)) }
    }

    fn take(&self) -> PyResult<EventStream> {
        let busy = "another thread is waiting for these events; give each thread its own events()";
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        stream.take().ok_or_else(|| PyRuntimeError::new_err(busy))
    }

    fn put(&self, stream: EventStream) {
        *self.stream.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream);
    }
}

#[pymethods]
impl Events {
    #[getter]
    fn token(&self) -> u64 {
        self.slot.token()
    }

    /// The next event in a list; an empty list at the end, `None` when the timeout passed.
    #[pyo3(signature = (seconds=None))]
    fn wait(
        &self,
        py: Python<'_>,
        seconds: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Vec<Event>>> {
        let limit = timeout("timeout", seconds)?;
        let mut stream = self.take()?;
        let answer = wait::sliced(py, limit, |slice| match stream.next_blocking(Some(slice)) {
            Ok(event) => Ok(Some(event)),
            Err(ProcessError::TimedOut(_)) => Ok(None),
            Err(error) => Err(error),
        });
        self.put(stream);
        Ok(answer?.map(|event| event.iter().map(describe).collect()))
    }

    /// The same for an event loop: `None` means that the token will say when to ask again.
    fn poll(&self, py: Python<'_>) -> PyResult<Option<Vec<Event>>> {
        let waker = self.slot.waker().map_err(|error| to_py(py, &error))?;
        let mut stream = self.take()?;
        let poll = py.detach(|| stream.poll_event(&mut Context::from_waker(waker)));
        self.put(stream);
        Ok(match poll {
            Poll::Ready(event) => Some(event.iter().map(describe).collect()),
            Poll::Pending => None,
        })
    }
}

fn describe(event: &ProcessEvent) -> Event {
    let (kind, status, missed) = words(event.kind);
    (event.id, kind, event.time, status.map(exit), missed)
}

fn words(kind: EventKind) -> (&'static str, Option<ExitStatus>, u64) {
    match kind {
        EventKind::Started => ("started", None, 0),
        EventKind::StopRequested => ("stop_requested", None, 0),
        EventKind::Stalled => ("stalled", None, 0),
        EventKind::Exited(status) => ("exited", Some(status), 0),
        EventKind::OutputHeld => ("output_held", None, 0),
        EventKind::Closed => ("closed", None, 0),
        EventKind::Missed(number) => ("missed", None, number),
        _ => ("other", None, 0),
    }
}
