//! What a record of output looks like in Python: text, bytes, or a tuple with all facts.

use process_manager::{OutputSource, Record, RecordData};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::convert::wrong_type;

/// How lines are handed out.
#[pyclass(frozen, module = "process_manager._core")]
pub struct Shape {
    raw: bool,
    errors: String,
    /// Called with (source, sequence, time, data, partial) or (source, sequence, time, bytes,
    /// lines); unset for plain lines.
    line: Option<Py<PyAny>>,
    gap: Option<Py<PyAny>>,
}

#[pymethods]
impl Shape {
    #[new]
    #[pyo3(signature = (raw, errors, line=None, gap=None))]
    fn new(
        raw: bool,
        errors: &Bound<'_, PyAny>,
        line: Option<Py<PyAny>>,
        gap: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let errors = errors.extract().map_err(|_| wrong_type("errors", "str", errors))?;
        Ok(Self { raw, errors, line, gap })
    }
}

impl Shape {
    pub fn with_gaps(&self) -> bool {
        self.gap.is_some()
    }

    /// The Python object of one record.
    pub fn make(&self, py: Python<'_>, record: &Record<'_>) -> PyResult<Py<PyAny>> {
        match (record.data, &self.line, &self.gap) {
            (RecordData::Line { bytes, .. }, None, _) => self.data(py, bytes),
            (RecordData::Line { bytes, partial }, Some(line), _) => {
                let (source, sequence, time) = head(record);
                line.call1(py, (source, sequence, time, self.data(py, bytes)?, partial))
            }
            (RecordData::Gap { bytes, lines }, _, Some(gap)) => {
                let (source, sequence, time) = head(record);
                gap.call1(py, (source, sequence, time, bytes, lines))
            }
            (RecordData::Gap { .. }, _, None) => Ok(py.None()),
        }
    }

    fn data(&self, py: Python<'_>, bytes: &[u8]) -> PyResult<Py<PyAny>> {
        if self.raw {
            return Ok(PyBytes::new(py, bytes).into_any().unbind());
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(PyString::new(py, text).into_any().unbind()),
            Err(_) => {
                let bytes = PyBytes::new(py, bytes);
                Ok(bytes.call_method1("decode", ("utf-8", &self.errors))?.unbind())
            }
        }
    }
}

fn head(record: &Record<'_>) -> (&'static str, u64, chrono::DateTime<chrono::Utc>) {
    let source = match record.source {
        OutputSource::Stdout => "stdout",
        OutputSource::Stderr => "stderr",
    };
    (source, record.sequence, record.time)
}
