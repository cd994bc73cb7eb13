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
    /// Called with (source, sequence, timestamp, data, partial) or (source, sequence, timestamp,
    /// bytes, lines); unset for plain lines.
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

/// A line that was taken from its batch, before any Python code has run for it.
pub struct TakenLine {
    data: Py<PyAny>,
    needs_decoding: bool,
}

/// The same for a record.
pub struct Taken {
    source: OutputSource,
    sequence: u64,
    timestamp: f64,
    data: Data,
}

enum Data {
    Line(TakenLine, bool),
    Gap { bytes: u64, lines: u64 },
}

impl Shape {
    /// Whether lines are handed out as they are.
    pub fn is_plain(&self) -> bool {
        self.line.is_none()
    }

    pub fn with_gaps(&self) -> bool {
        self.gap.is_some()
    }

    /// First half, done under the reader's lock: makes `bytes` or `str`, which runs no Python
    /// code, so that nobody else can want the lock meanwhile.
    pub fn take_line(&self, py: Python<'_>, bytes: &[u8]) -> TakenLine {
        if !self.raw {
            if let Ok(text) = std::str::from_utf8(bytes) {
                let data = PyString::new(py, text).into_any().unbind();
                return TakenLine { data, needs_decoding: false };
            }
        }
        TakenLine { data: PyBytes::new(py, bytes).into_any().unbind(), needs_decoding: !self.raw }
    }

    /// Second half, without the lock: decoding by the chosen rule.
    pub fn finish_line(&self, py: Python<'_>, line: TakenLine) -> PyResult<Py<PyAny>> {
        match line.needs_decoding {
            false => Ok(line.data),
            true => line.data.call_method1(py, "decode", ("utf-8", &self.errors)),
        }
    }

    /// As [`take_line`](Self::take_line), with the facts.
    pub fn take(&self, py: Python<'_>, record: &Record<'_>) -> Taken {
        let data = match record.data {
            RecordData::Gap { bytes, lines } => Data::Gap { bytes, lines },
            RecordData::Line { bytes, partial } => Data::Line(self.take_line(py, bytes), partial),
        };
        let timestamp = record.time.timestamp_micros() as f64 / 1e6;
        Taken { source: record.source, sequence: record.sequence, timestamp, data }
    }

    /// As [`finish_line`](Self::finish_line), and the tuple.
    pub fn finish(&self, py: Python<'_>, taken: Taken) -> PyResult<Py<PyAny>> {
        let Taken { source, sequence, timestamp, data } = taken;
        let source = source_name(source);
        match (data, &self.line, &self.gap) {
            (Data::Line(line, partial), Some(make), _) => {
                let data = self.finish_line(py, line)?;
                make.call1(py, (source, sequence, timestamp, data, partial))
            }
            (Data::Line(line, _), None, _) => self.finish_line(py, line),
            (Data::Gap { bytes, lines }, _, Some(make)) => {
                make.call1(py, (source, sequence, timestamp, bytes, lines))
            }
            (Data::Gap { .. }, _, None) => Ok(py.None()),
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
