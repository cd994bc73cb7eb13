//! Events and output of all processes of a manager, in one stream.

use std::sync::Arc;

use process_manager::{Record, Watch, WatchItem};
use pyo3::prelude::*;
use uuid::Uuid;

use crate::convert::timeout;
use crate::events::{describe, Event};
use crate::hub::Hub;
use crate::item::Shape;
use crate::pull::Pull;

/// An event, or whose output it is and the record in the caller's shape.
#[derive(IntoPyObject)]
pub enum Item {
    Event(Event),
    Output(Uuid, Py<PyAny>),
}

/// The stream.
#[pyclass(frozen, name = "Watch", module = "process_manager._core")]
pub struct PyWatch {
    stream: Pull<Watch>,
}

impl PyWatch {
    pub fn new(hub: &Arc<Hub>, watch: Watch) -> Self {
        Self { stream: Pull::new(hub, watch, "watch") }
    }
}

#[pymethods]
impl PyWatch {
    #[getter]
    fn token(&self) -> u64 {
        self.stream.token()
    }

    /// The next item in a list; an empty list at the end, `None` when the timeout passed.
    #[pyo3(signature = (shape, seconds=None))]
    fn wait(
        &self,
        py: Python<'_>,
        shape: &Shape,
        seconds: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Vec<Item>>> {
        let limit = timeout("timeout", seconds)?;
        let answer = self.stream.wait(py, limit, Watch::next_blocking)?;
        answer.map(|item| describe_all(py, shape, item)).transpose()
    }

    /// The same for an event loop: `None` means that the token will say when to ask again.
    fn poll(&self, py: Python<'_>, shape: &Shape) -> PyResult<Option<Vec<Item>>> {
        let answer = self.stream.poll(py, Watch::poll_item)?;
        answer.map(|item| describe_all(py, shape, item)).transpose()
    }
}

fn describe_all(py: Python<'_>, shape: &Shape, item: Option<WatchItem>) -> PyResult<Vec<Item>> {
    match item {
        Some(WatchItem::Event(event)) => Ok(vec![Item::Event(describe(&event))]),
        Some(WatchItem::Output { id, record }) => {
            let (source, sequence, time) = (record.source, record.sequence, record.time);
            let record = Record { source, sequence, time, data: record.data.as_ref() };
            Ok(vec![Item::Output(id, shape.record(py, &record).map_err(|error| *error)?)])
        }
        _ => Ok(Vec::new()),
    }
}
