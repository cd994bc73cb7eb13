//! A cursor over a process's output. A batch is fetched from the core at once; the Python object
//! of a line is made when the line is asked for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use process_manager::{Batch, BatchCursor, OutputReader, ProcessError, Record, RecordData, Result};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::convert::timeout;
use crate::errors::to_py;
use crate::hub::{Hub, Slot};
use crate::item::Shape;
use crate::wait;

/// Bytes of output taken from the core at once: bounds what one batch pins.
const BATCH_BYTES: usize = 256 * 1024;

/// The cursor. Iterators made from it share it.
#[pyclass(frozen, module = "process_manager._core")]
pub struct Reader {
    slot: Slot,
    place: Mutex<Place>,
}

/// Where the cursor is: the batch being read, and the core's reader for the next one.
struct Place {
    /// Taken out while a thread waits for the next batch.
    reader: Option<OutputReader>,
    current: Option<(Batch, BatchCursor)>,
    lost: (u64, u64),
}

impl Place {
    /// The next record of the current batch. An exhausted batch is let go at once, because it
    /// counts as unread until then.
    fn next<T>(&mut self, with_gaps: bool, make: impl FnOnce(&Record<'_>) -> T) -> Option<T> {
        while let Some((batch, cursor)) = &mut self.current {
            let Some(record) = batch.next_record(cursor) else {
                self.current = None;
                return None;
            };
            if let RecordData::Gap { bytes, lines } = record.data {
                self.lost = (self.lost.0 + bytes, self.lost.1 + lines);
                if !with_gaps {
                    continue;
                }
            }
            return Some(make(&record));
        }
        None
    }

    fn set(&mut self, batch: Option<Batch>) -> bool {
        self.current = batch.map(|batch| (batch, BatchCursor::default()));
        self.current.is_some()
    }
}

/// One slice of a wait: the time-out of the slice is not an error.
fn fetch_slice(reader: &mut OutputReader, slice: Duration) -> Result<Option<Option<Batch>>> {
    match reader.next_batch_blocking(Some(slice)) {
        Ok(batch) => Ok(Some(batch)),
        Err(ProcessError::TimedOut(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Reader {
    pub fn new(hub: &Arc<Hub>, reader: OutputReader) -> Self {
        let place = Place { reader: Some(reader), current: None, lost: (0, 0) };
        Self { slot: Slot::new(hub), place: Mutex::new(place) }
    }

    /// Never held while waiting: a thread that waits has taken the core's reader out instead.
    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_reader(&self) -> PyResult<OutputReader> {
        let busy = "another thread is waiting for this output; give each thread its own output()";
        self.place().reader.take().ok_or_else(|| PyRuntimeError::new_err(busy))
    }

    fn put_reader(&self, reader: OutputReader) -> MutexGuard<'_, Place> {
        let mut place = self.place();
        place.reader = Some(reader);
        place
    }

    /// Waits for the next batch. `None`: the timeout passed; `false`: the output has ended.
    fn fetch_within(&self, py: Python<'_>, limit: Option<Duration>) -> PyResult<Option<bool>> {
        let mut reader = self.take_reader()?;
        let answer = wait::sliced(py, limit, |slice| fetch_slice(&mut reader, slice));
        let mut place = self.put_reader(reader);
        Ok(answer?.map(|batch| place.set(batch)))
    }

    fn next_object(&self, py: Python<'_>, shape: &Shape) -> Option<PyResult<Py<PyAny>>> {
        self.place().next(shape.with_gaps(), |record| shape.make(py, record))
    }
}

#[pymethods]
impl Reader {
    #[getter]
    fn token(&self) -> u64 {
        self.slot.token()
    }

    #[getter]
    fn lost(&self) -> (u64, u64) {
        self.place().lost
    }

    /// Makes sure that a batch is at hand: `None` timed out, `False` the output has ended.
    #[pyo3(signature = (seconds=None))]
    fn fetch(&self, py: Python<'_>, seconds: Option<&Bound<'_, PyAny>>) -> PyResult<Option<bool>> {
        let limit = timeout("timeout", seconds)?;
        if self.place().current.is_some() {
            return Ok(Some(true));
        }
        self.fetch_within(py, limit)
    }

    /// The same for an event loop: `None` means that the token will say when to ask again.
    fn poll(&self, py: Python<'_>) -> PyResult<Option<bool>> {
        if self.place().current.is_some() {
            return Ok(Some(true));
        }
        let waker = self.slot.waker().map_err(|error| to_py(py, &error))?;
        let mut reader = self.take_reader()?;
        let poll = py.detach(|| reader.poll_batch(&mut Context::from_waker(waker), BATCH_BYTES));
        let mut place = self.put_reader(reader);
        Ok(match poll {
            Poll::Ready(batch) => Some(place.set(batch)),
            Poll::Pending => None,
        })
    }

    /// What is left of the batch at hand, as a list.
    fn drain<'py>(&self, py: Python<'py>, shape: &Shape) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        while let Some(item) = self.next_object(py, shape) {
            list.append(item?)?;
        }
        Ok(list)
    }

    /// An iterator over the records; with `fetch`, it waits for more, else it stops with the
    /// batch at hand.
    fn iterate(slf: Bound<'_, Self>, shape: Bound<'_, Shape>, fetch: bool) -> Items {
        Items { reader: slf.unbind(), shape: shape.unbind(), fetch }
    }
}

/// An iterator over a reader's records.
#[pyclass(frozen, module = "process_manager._core")]
pub struct Items {
    reader: Py<Reader>,
    shape: Py<Shape>,
    fetch: bool,
}

#[pymethods]
impl Items {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let (reader, shape) = (self.reader.get(), self.shape.get());
        loop {
            if let Some(item) = reader.next_object(py, shape) {
                return item.map(Some);
            }
            if !self.fetch || reader.fetch_within(py, None)? != Some(true) {
                return Ok(None);
            }
        }
    }
}
