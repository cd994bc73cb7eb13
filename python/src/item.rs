//! What a record of output looks like in Python: text, bytes, or a tuple with all facts.

use chrono::{DateTime, Utc};
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

/// A record that was taken from its batch, before any Python code has run for it.
pub struct Taken {
    source: OutputSource,
    sequence: u64,
    time: DateTime<Utc>,
    data: Data,
}

enum Data {
    Line { data: Py<PyAny>, partial: bool, needs_decoding: bool },
    Gap { bytes: u64, lines: u64 },
}

impl Shape {
    pub fn with_gaps(&self) -> bool {
        self.gap.is_some()
    }

    /// First half, done under the reader's lock: makes `bytes` or `str`, which runs no Python
    /// code, so that nobody else can want the lock meanwhile.
    pub fn take(&self, py: Python<'_>, record: &Record<'_>) -> Taken {
        let data = match record.data {
            RecordData::Gap { bytes, lines } => Data::Gap { bytes, lines },
            RecordData::Line { bytes, partial } => self.line_data(py, bytes, partial),
        };
        Taken { source: record.source, sequence: record.sequence, time: record.time, data }
    }

    fn line_data(&self, py: Python<'_>, bytes: &[u8], partial: bool) -> Data {
        if !self.raw {
            if let Ok(text) = std::str::from_utf8(bytes) {
                let data = PyString::new(py, text).into_any().unbind();
                return Data::Line { data, partial, needs_decoding: false };
            }
        }
        let data = PyBytes::new(py, bytes).into_any().unbind();
        Data::Line { data, partial, needs_decoding: !self.raw }
    }

    /// Second half, without the lock: decoding by the chosen rule, and the tuple.
    pub fn finish(&self, py: Python<'_>, taken: Taken) -> PyResult<Py<PyAny>> {
        let Taken { source, sequence, time, data } = taken;
        match (data, &self.line, &self.gap) {
            (Data::Line { data, partial, needs_decoding }, line, _) => {
                let data = if needs_decoding { self.decode(py, &data)? } else { data };
                match line {
                    None => Ok(data),
                    Some(line) => {
                        line.call1(py, (source_name(source), sequence, time, data, partial))
                    }
                }
            }
            (Data::Gap { bytes, lines }, _, Some(gap)) => {
                gap.call1(py, (source_name(source), sequence, time, bytes, lines))
            }
            (Data::Gap { .. }, _, None) => Ok(py.None()),
        }
    }

    fn decode(&self, py: Python<'_>, data: &Py<PyAny>) -> PyResult<Py<PyAny>> {
        data.call_method1(py, "decode", ("utf-8", &self.errors))
    }
}

/// The word for a stream.
pub fn source_name(source: OutputSource) -> &'static str {
    match source {
        OutputSource::Stdout => "stdout",
        OutputSource::Stderr => "stderr",
    }
}
