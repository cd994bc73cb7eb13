//! Python values to Rust ones: text for the system, times, names. Every refusal names the argument.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDelta, PyInt, PyString};

use crate::errors::invalid;

/// A TypeError that says what was expected of `label` and what came.
pub fn wrong_type(label: &str, expected: &str, value: &Bound<'_, PyAny>) -> PyErr {
    let kind = value.get_type();
    let kind = kind.name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
    PyTypeError::new_err(format!("{label} must be {expected}, not {kind}"))
}

/// A path, argument or variable: `str` (encoded as `os.fsencode` does), `bytes` or `os.PathLike`.
pub fn os_string(label: &str, value: &Bound<'_, PyAny>) -> PyResult<OsString> {
    if let Some(string) = str_or_bytes(label, value) {
        return string;
    }
    if !value.hasattr("__fspath__")? {
        return Err(wrong_type(label, "str, bytes or os.PathLike", value));
    }
    // As os.fspath: a path that gives another path, or itself, is refused.
    let path = value.call_method0("__fspath__")?;
    let wrong = || Err(wrong_type(&format!("{label}.__fspath__()"), "str or bytes", &path));
    str_or_bytes(label, &path).unwrap_or_else(wrong)
}

fn str_or_bytes(label: &str, value: &Bound<'_, PyAny>) -> Option<PyResult<OsString>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Some(Ok(OsString::from_vec(bytes.as_bytes().to_vec())));
    }
    let text = value.cast::<PyString>().ok()?.extract::<OsString>();
    Some(text.map_err(|error| invalid(value.py(), label, error.value(value.py()).to_string())))
}

/// Several of those.
pub fn os_strings(label: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<OsString>> {
    if value.is_instance_of::<PyString>() || value.is_instance_of::<PyBytes>() {
        return Err(wrong_type(label, "a sequence", value));
    }
    let items = value.try_iter().map_err(|_| wrong_type(label, "a sequence", value))?;
    let item = |(index, item): (usize, PyResult<Bound<'_, PyAny>>)| {
        os_string(&format!("{label}[{index}]"), &item?)
    };
    items.enumerate().map(item).collect()
}

/// Plain text: `str` only.
pub fn text(label: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    let text = value.cast::<PyString>().map_err(|_| wrong_type(label, "str", value))?;
    match text.to_str() {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(invalid(value.py(), label, error.value(value.py()).to_string())),
    }
}

/// Data: any object with the buffer interface (`bytes`, `bytearray`, `memoryview`, `mmap`).
pub fn bytes(label: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    let buffer: PyBuffer<u8> =
        PyBuffer::get(value).map_err(|_| wrong_type(label, "a bytes-like object", value))?;
    buffer.to_vec(value.py())
}

/// A span of time: seconds as a number, or a `datetime.timedelta`; not negative, finite.
pub fn duration(label: &str, value: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let seconds = seconds(label, value)?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| invalid(value.py(), label, format!("{seconds} is not a length of time")))
}

/// A timeout: like [`duration`], but `None` and infinity mean no limit, and the past means now.
pub fn timeout(label: &str, value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Duration>> {
    let Some(value) = value else { return Ok(None) };
    let seconds = seconds(label, value)?;
    if seconds.is_nan() {
        return Err(invalid(value.py(), label, "not a number"));
    }
    Ok(Duration::try_from_secs_f64(seconds.max(0.0)).ok())
}

fn seconds(label: &str, value: &Bound<'_, PyAny>) -> PyResult<f64> {
    if value.is_instance_of::<PyDelta>() {
        return value.call_method0("total_seconds")?.extract();
    }
    let seconds = value.extract::<f64>();
    seconds.map_err(|_| wrong_type(label, "a number of seconds or a timedelta", value))
}

/// A whole number that fits `T`.
pub fn number<T: TryFrom<i128>>(label: &str, value: &Bound<'_, PyAny>) -> PyResult<T> {
    if !value.is_instance_of::<PyInt>() {
        return Err(wrong_type(label, "int", value));
    }
    let number = value.extract::<i128>().ok().and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| invalid(value.py(), label, format!("{value} is out of range")))
}

/// One of a few words.
pub fn choice<T: Copy>(
    label: &str,
    value: &Bound<'_, PyAny>,
    choices: &[(&str, T)],
) -> PyResult<T> {
    let word = text(label, value)?;
    let found = choices.iter().find(|(name, _)| *name == word);
    found.map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
        invalid(value.py(), label, format!("{word:?} is not one of {}", names.join(", ")))
    })
}
