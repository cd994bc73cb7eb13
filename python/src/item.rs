//! What a record of output looks like in Python: text, bytes, or a tuple with all facts.

use std::sync::atomic::{AtomicBool, Ordering};

use process_manager::{OutputSource, Record, RecordData};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::convert::wrong_type;

/// What was made of a record. The error is boxed, so that it goes through registers: one that
/// is copied in memory on its way costs a line what its search does.
pub type Made = Result<Py<PyAny>, Box<PyErr>>;

/// How lines are handed out.
#[pyclass(frozen, module = "process_manager._core")]
pub struct Shape {
    raw: bool,
    errors: String,
    /// Whether a line was not UTF-8.
    is_mixed: AtomicBool,
    make: Option<Make>,
}

/// What makes a record of a line and its facts: (source, sequence, timestamp, data, partial), or
/// of a gap: (source, sequence, timestamp, bytes, lines).
#[derive(FromPyObject)]
pub struct Make(Py<PyAny>, Py<PyAny>);

#[pymethods]
impl Shape {
    #[new]
    #[pyo3(signature = (raw, errors, make=None))]
    fn new(raw: bool, errors: &Bound<'_, PyAny>, make: Option<Make>) -> PyResult<Self> {
        let errors = errors.extract().map_err(|_| wrong_type("errors", "str", errors))?;
        Ok(Self { raw, errors, is_mixed: AtomicBool::new(false), make })
    }
}

impl Shape {
    /// Whether lines are handed out as they are.
    pub fn is_plain(&self) -> bool {
        self.make.is_none()
    }

    /// The line as `bytes`, or as `str` by the chosen rule.
    pub fn line(&self, py: Python<'_>, bytes: &[u8]) -> Made {
        if self.raw {
            return Ok(PyBytes::new(py, bytes).into_any().unbind());
        }
        if !self.is_mixed.load(Ordering::Relaxed) || std::str::from_utf8(bytes).is_ok() {
            if let Ok(text) = PyString::from_bytes(py, bytes) {
                return Ok(text.into_any().unbind());
            }
            self.is_mixed.store(true, Ordering::Relaxed);
        }
        let text = PyBytes::new(py, bytes).call_method1("decode", ("utf-8", &self.errors));
        text.map(Bound::unbind).map_err(Box::new)
    }

    /// The line or gap with its facts, where they are asked for.
    pub fn record(&self, py: Python<'_>, record: &Record<'_>) -> Made {
        let timestamp = record.time.timestamp_micros() as f64 / 1e6;
        let (source, sequence) = (source_name(record.source), record.sequence);
        match (record.data, &self.make) {
            (RecordData::Line { bytes, partial }, Some(Make(line, _))) => {
                let facts = (source, sequence, timestamp, self.line(py, bytes)?, partial);
                line.call1(py, facts).map_err(Box::new)
            }
            (RecordData::Gap { bytes, lines }, Some(Make(_, gap))) => {
                gap.call1(py, (source, sequence, timestamp, bytes, lines)).map_err(Box::new)
            }
            (RecordData::Line { bytes, .. }, None) => self.line(py, bytes),
            (RecordData::Gap { .. }, None) => Ok(py.None()),
        }
    }
}

/// The word for a stream.
pub fn source_name(source: OutputSource) -> &'static str {
    match source {
        OutputSource::Stdout => "stdout",
        OutputSource::Stderr => "stderr",
    }
}
