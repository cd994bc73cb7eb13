//! The events of a manager's processes.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use process_manager::{EventKind, EventStream, ExitStatus, ProcessEvent};
use pyo3::prelude::*;
use uuid::Uuid;

use crate::convert::timeout;
use crate::hub::Hub;
use crate::info::{exit, Exit};
use crate::pull::Pull;

/// id, kind, time, exit, number missed.
pub type Event = (Uuid, &'static str, DateTime<Utc>, Option<Exit>, u64);

/// The events since the subscription.
#[pyclass(frozen, module = "process_manager._core")]
pub struct Events {
    stream: Pull<EventStream>,
}

impl Events {
    pub fn new(hub: &Arc<Hub>, stream: EventStream) -> Self {
        Self { stream: Pull::new(hub, stream, "events") }
    }
}

#[pymethods]
impl Events {
    #[getter]
    fn token(&self) -> u64 {
        self.stream.token()
    }

    /// The next event in a list; an empty list at the end, `None` when the timeout passed.
    #[pyo3(signature = (seconds=None))]
    fn wait(
        &self,
        py: Python<'_>,
        seconds: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Vec<Event>>> {
        let limit = timeout("timeout", seconds)?;
        let answer = self.stream.wait(py, limit, EventStream::next_blocking)?;
        Ok(answer.map(|event| event.iter().map(describe).collect()))
    }

    /// The same for an event loop: `None` means that the token will say when to ask again.
    fn poll(&self, py: Python<'_>) -> PyResult<Option<Vec<Event>>> {
        let answer = self.stream.poll(py, EventStream::poll_event)?;
        Ok(answer.map(|event| event.iter().map(describe).collect()))
    }
}

pub fn describe(event: &ProcessEvent) -> Event {
    let (kind, status, missed) = words(event.kind);
    (event.id, kind, event.time, status.map(exit), missed)
}

fn words(kind: EventKind) -> (&'static str, Option<ExitStatus>, u64) {
    match kind {
        EventKind::Started => ("started", None, 0),
        EventKind::StopRequested => ("stop_requested", None, 0),
        EventKind::Stalled => ("stalled", None, 0),
        EventKind::Exited(status) => ("exited", Some(status), 0),
        EventKind::ContainmentLost => ("containment_lost", None, 0),
        EventKind::OutputHeld => ("output_held", None, 0),
        EventKind::Closed => ("closed", None, 0),
        EventKind::Missed(number) => ("missed", None, number),
        _ => ("other", None, 0),
    }
}
