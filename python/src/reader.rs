//! A cursor over a process's output. A batch is fetched from the core at once; the Python object
//! of a line is made when the line is asked for, without a lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use process_manager::support::SharedBatch;
use process_manager::{Batch, Chunks, OutputChunk, OutputReader, RecordData, Result};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::convert::timeout;
use crate::errors::to_py;
use crate::hub::{Hub, Slot};
use crate::item::{source_name, Made, Shape};
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
    current: Option<Arc<SharedBatch>>,
    lost: (u64, u64),
}

impl Place {
    fn set(&mut self, batch: Option<Batch>) -> bool {
        self.current = batch.map(|batch| Arc::new(SharedBatch::new(batch)));
        self.current.is_some()
    }

    /// Lets go of a batch that is read up.
    fn leave(&mut self, batch: &Arc<SharedBatch>) {
        self.current.take_if(|current| Arc::ptr_eq(current, batch));
    }
}

impl Reader {
    pub fn new(hub: &Arc<Hub>, reader: OutputReader) -> Self {
        let place = Place { reader: Some(reader), current: None, lost: (0, 0) };
        Self { slot: Slot::new(hub), place: Mutex::new(place) }
    }

    /// Held neither while waiting (a thread that waits has taken the core's reader out instead)
    /// nor while Python code runs, so whoever has the GIL never finds it locked.
    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_reader(&self) -> PyResult<OutputReader> {
        let busy = "another thread is waiting for this output; give each thread its own output()";
        self.place().reader.take().ok_or_else(|| PyRuntimeError::new_err(busy))
    }

    fn put_reader(&self, reader: OutputReader) {
        self.place().reader = Some(reader);
    }

    /// Waits without the lock, in slices. `None`: the timeout passed.
    fn wait<T: Send>(
        &self,
        py: Python<'_>,
        limit: Option<Duration>,
        next: fn(&mut OutputReader, Option<Duration>) -> Result<T>,
    ) -> PyResult<Option<T>> {
        let mut reader = self.take_reader()?;
        let answer =
            wait::sliced(py, limit, |slice| wait::slice_of(next(&mut reader, Some(slice))));
        self.put_reader(reader);
        answer
    }

    /// Asks once. `None`: the token will say when to ask again.
    fn ask<T: Send>(
        &self,
        py: Python<'_>,
        next: fn(&mut OutputReader, &mut Context<'_>, usize) -> Poll<T>,
    ) -> PyResult<Option<T>> {
        let waker = self.slot.waker().map_err(|error| to_py(py, &error))?;
        let mut reader = self.take_reader()?;
        let poll = py.detach(|| next(&mut reader, &mut Context::from_waker(waker), BATCH_BYTES));
        self.put_reader(reader);
        Ok(match poll {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        })
    }

    /// Waits for the next batch. `None`: the timeout passed; `false`: the output has ended.
    fn fetch_within(&self, py: Python<'_>, limit: Option<Duration>) -> PyResult<Option<bool>> {
        let answer = self.wait(py, limit, OutputReader::next_batch_blocking)?;
        Ok(answer.map(|batch| self.place().set(batch)))
    }

    /// Raw pieces as a list of (source, bytes); empty at the end.
    fn pieces<'py>(&self, py: Python<'py>, chunks: Option<Chunks>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for chunk in chunks.iter().flat_map(Chunks::iter) {
            match chunk {
                OutputChunk::Data(data) => {
                    list.append((source_name(data.source()), PyBytes::new(py, data)))?;
                }
                OutputChunk::Gap { source, bytes, lines } => {
                    self.lose(*bytes, *lines);
                    list.append((source_name(*source), PyBytes::new(py, b"")))?;
                }
            }
        }
        Ok(list)
    }

    fn lose(&self, bytes: u64, lines: u64) {
        let mut place = self.place();
        place.lost = (place.lost.0 + bytes, place.lost.1 + lines);
    }

    fn current(&self) -> Option<Arc<SharedBatch>> {
        self.place().current.clone()
    }

    fn next_item(&self, py: Python<'_>, batch: &Arc<SharedBatch>, shape: &Shape) -> Option<Made> {
        let item = match shape.is_plain() {
            true => self.next_line(py, batch, shape),
            false => self.next_record(py, batch, shape),
        };
        if item.is_none() {
            self.place().leave(batch);
        }
        item
    }

    fn next_line(&self, py: Python<'_>, batch: &SharedBatch, shape: &Shape) -> Option<Made> {
        loop {
            match batch.next_data()? {
                RecordData::Line { bytes, .. } => return Some(shape.line(py, bytes)),
                RecordData::Gap { bytes, lines } => self.lose(bytes, lines),
            }
        }
    }

    fn next_record(&self, py: Python<'_>, batch: &SharedBatch, shape: &Shape) -> Option<Made> {
        let record = batch.next_record()?;
        if let RecordData::Gap { bytes, lines } = record.data {
            self.lose(bytes, lines);
        }
        Some(shape.record(py, &record))
    }

    /// An iterator over what is left of the batch at hand.
    fn rest(slf: &Py<Self>, py: Python<'_>, shape: &Py<Shape>) -> Portion {
        let batch = slf.get().current();
        Portion { reader: slf.clone_ref(py), shape: shape.clone_ref(py), batch }
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
        let answer = self.ask(py, OutputReader::poll_batch)?;
        Ok(answer.map(|batch| self.place().set(batch)))
    }

    /// Waits for raw output: `None` timed out, an empty list is the end.
    #[pyo3(signature = (seconds=None))]
    fn chunks<'py>(
        &self,
        py: Python<'py>,
        seconds: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyList>>> {
        let limit = timeout("timeout", seconds)?;
        let answer = self.wait(py, limit, OutputReader::next_chunks_blocking)?;
        answer.map(|chunks| self.pieces(py, chunks)).transpose()
    }

    /// The same for an event loop: `None` means that the token will say when to ask again.
    fn poll_chunks<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        let answer = self.ask(py, OutputReader::poll_chunks)?;
        answer.map(|chunks| self.pieces(py, chunks)).transpose()
    }

    /// What is left of the batch at hand, as a list.
    fn drain<'py>(&self, py: Python<'py>, shape: &Shape) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        let Some(batch) = self.current() else { return Ok(list) };
        while let Some(item) = self.next_item(py, &batch, shape) {
            list.append(item.map_err(|error| *error)?)?;
        }
        Ok(list)
    }

    /// An iterator over what is left of the batch at hand.
    fn portion(slf: Py<Self>, py: Python<'_>, shape: Py<Shape>) -> Portion {
        Self::rest(&slf, py, &shape)
    }

    /// An iterator over portions, which waits for each.
    fn portions(slf: Py<Self>, shape: Py<Shape>) -> Portions {
        Portions { reader: slf, shape }
    }
}

/// An iterator over one batch. Others over the same batch share its place.
#[pyclass(frozen, module = "process_manager._core")]
pub struct Portion {
    reader: Py<Reader>,
    shape: Py<Shape>,
    batch: Option<Arc<SharedBatch>>,
}

#[pymethods]
impl Portion {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let Some(batch) = &self.batch else { return Ok(None) };
        let item = self.reader.get().next_item(py, batch, self.shape.get());
        item.transpose().map_err(|error| *error)
    }
}

/// An iterator over the batches of a reader.
#[pyclass(frozen, module = "process_manager._core")]
pub struct Portions {
    reader: Py<Reader>,
    shape: Py<Shape>,
}

#[pymethods]
impl Portions {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Portion>> {
        let reader = self.reader.get();
        if reader.current().is_none() && reader.fetch_within(py, None)? != Some(true) {
            return Ok(None);
        }
        Ok(Some(Reader::rest(&self.reader, py, &self.shape)))
    }
}
