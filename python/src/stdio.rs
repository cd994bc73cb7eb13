//! Where a child's standard streams come from and go to, as Python says it.

use std::path::PathBuf;
use std::sync::Arc;

use process_manager::{Stdin, Stdout};
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyString};

use crate::convert::{bytes, number, os_string, text, wrong_type};
use crate::errors::invalid;

const PIPE: i32 = -1;
const STDOUT: i32 = -2;
const DEVNULL: i32 = -3;

/// Standard input: a word, a `subprocess` constant, data or an `os.PathLike`.
pub fn stdin(value: &Bound<'_, PyAny>) -> PyResult<Stdin> {
    if value.is_instance_of::<PyString>() {
        return stdin_word(value);
    }
    if value.is_instance_of::<PyInt>() {
        return match number::<i32>("stdin", value)? {
            PIPE => Ok(Stdin::Pipe),
            DEVNULL => Ok(Stdin::Null),
            other => Err(invalid(value.py(), "stdin", format!("no such constant: {other}"))),
        };
    }
    if PyBuffer::<u8>::get(value).is_ok() {
        return Ok(Stdin::Bytes(Arc::from(bytes("stdin", value)?)));
    }
    path("stdin", value).map(Stdin::File)
}

fn stdin_word(value: &Bound<'_, PyAny>) -> PyResult<Stdin> {
    match text("stdin", value)?.as_str() {
        "null" => Ok(Stdin::Null),
        "pipe" => Ok(Stdin::Pipe),
        "inherit" => Ok(Stdin::Inherit),
        word => Err(no_such_word(value.py(), "stdin", word, "null, pipe, inherit")),
    }
}

/// Standard output or error: a word, a `subprocess` constant or an `os.PathLike`.
pub fn output(label: &str, value: &Bound<'_, PyAny>) -> PyResult<Stdout> {
    if value.is_instance_of::<PyString>() {
        return output_word(label, value);
    }
    if value.is_instance_of::<PyInt>() {
        return match number::<i32>(label, value)? {
            PIPE => Ok(Stdout::Capture),
            STDOUT => Ok(Stdout::Merge),
            DEVNULL => Ok(Stdout::Null),
            other => Err(invalid(value.py(), label, format!("no such constant: {other}"))),
        };
    }
    Ok(Stdout::File { path: path(label, value)?, append: false })
}

fn output_word(label: &str, value: &Bound<'_, PyAny>) -> PyResult<Stdout> {
    match text(label, value)?.as_str() {
        "capture" => Ok(Stdout::Capture),
        "null" => Ok(Stdout::Null),
        "inherit" => Ok(Stdout::Inherit),
        "merge" => Ok(Stdout::Merge),
        word => Err(no_such_word(value.py(), label, word, "capture, null, inherit, merge")),
    }
}

fn no_such_word(py: Python<'_>, label: &str, word: &str, words: &str) -> PyErr {
    let reason = format!("{word:?} is none of {words}; for a file pass a pathlib.Path");
    invalid(py, label, reason)
}

fn path(label: &str, value: &Bound<'_, PyAny>) -> PyResult<PathBuf> {
    let expected = "a word, a subprocess constant or an os.PathLike";
    if !value.hasattr("__fspath__")? {
        return Err(wrong_type(label, expected, value));
    }
    os_string(label, value).map(PathBuf::from)
}
