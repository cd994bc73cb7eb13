//! Where a child's descriptors come from and go to, as Python says it.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use process_manager::{support, Command, Stdin, Stdout};
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt, PyString};

use crate::convert::{bytes, number, os_string, text, wrong_type};
use crate::errors::invalid;

const PIPE: i32 = -1;
const STDOUT: i32 = -2;
const DEVNULL: i32 = -3;

/// Standard input: a word, a `subprocess` constant, a descriptor, data or an `os.PathLike`.
pub fn stdin(value: &Bound<'_, PyAny>) -> PyResult<Stdin> {
    if value.is_instance_of::<PyString>() {
        return stdin_word(value);
    }
    match descriptor("stdin", value)? {
        Some(PIPE) => Ok(Stdin::Pipe),
        Some(DEVNULL) => Ok(Stdin::Null),
        Some(fd) => duplicate("stdin", value, fd).map(Stdin::Fd),
        None if PyBuffer::<u8>::get(value).is_ok() => {
            Ok(Stdin::Bytes(Arc::from(bytes("stdin", value)?)))
        }
        None => path("stdin", value).map(Stdin::File),
    }
}

fn stdin_word(value: &Bound<'_, PyAny>) -> PyResult<Stdin> {
    match text("stdin", value)?.as_str() {
        "null" => Ok(Stdin::Null),
        "pipe" => Ok(Stdin::Pipe),
        "inherit" => Ok(Stdin::Inherit),
        word => Err(no_such_word(value.py(), "stdin", word, "null, pipe, inherit")),
    }
}

/// Standard output or error: a word, a `subprocess` constant, a descriptor or an `os.PathLike`.
pub fn output(label: &str, value: &Bound<'_, PyAny>) -> PyResult<Stdout> {
    if value.is_instance_of::<PyString>() {
        return output_word(label, value);
    }
    match descriptor(label, value)? {
        Some(PIPE) => Ok(Stdout::Capture),
        Some(STDOUT) => Ok(Stdout::Merge),
        Some(DEVNULL) => Ok(Stdout::Null),
        Some(fd) => duplicate(label, value, fd).map(Stdout::Fd),
        None => Ok(Stdout::File { path: path(label, value)?, append: false }),
    }
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

/// Further descriptors: those of an iterable keep their numbers, a mapping says the number in the
/// child first.
pub fn further(mut command: Command, value: &Bound<'_, PyAny>) -> PyResult<Command> {
    let is_mapping = value.hasattr("items")?;
    let items = if is_mapping { value.call_method0("items")? } else { value.clone() };
    let expected = "a list of descriptors or a mapping to them";
    for item in items.try_iter().map_err(|_| wrong_type("pass_fds", expected, value))? {
        let item = item?;
        let (target, source) = match is_mapping {
            true => item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?,
            false => (item.clone(), item),
        };
        let (target, number) = (descriptor_number(&target)?, descriptor_number(&source)?);
        let source = support::duplicate(number).map_err(|e| unusable("pass_fds", &source, &e))?;
        command = command.extra_fd(source, target);
    }
    Ok(command)
}

fn descriptor_number(value: &Bound<'_, PyAny>) -> PyResult<i32> {
    let found = descriptor("pass_fds", value)?;
    found.ok_or_else(|| wrong_type("pass_fds", "descriptors or files", value))
}

/// The number that an int is or that an object with `fileno()` gives; `None` for anything else.
fn descriptor(label: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<i32>> {
    if value.is_instance_of::<PyInt>() && !value.is_instance_of::<PyBool>() {
        return number(label, value).map(Some);
    }
    if !value.hasattr("fileno")? {
        return Ok(None);
    }
    let fd = value.call_method0("fileno")?;
    number::<i32>(&format!("{label}.fileno()"), &fd).map(Some)
}

/// The child gets its own copy: whoever gave it may close it right after the call.
fn duplicate(label: &str, value: &Bound<'_, PyAny>, fd: i32) -> PyResult<Arc<OwnedFd>> {
    support::duplicate(fd).map(Arc::new).map_err(|error| unusable(label, value, &error))
}

fn unusable(label: &str, value: &Bound<'_, PyAny>, error: &io::Error) -> PyErr {
    invalid(value.py(), label, format!("the descriptor cannot be used: {error}"))
}

fn no_such_word(py: Python<'_>, label: &str, word: &str, words: &str) -> PyErr {
    let reason = format!("{word:?} is none of {words}; for a file pass a pathlib.Path");
    invalid(py, label, reason)
}

fn path(label: &str, value: &Bound<'_, PyAny>) -> PyResult<PathBuf> {
    let expected = "a word, a subprocess constant, a descriptor, a file or an os.PathLike";
    if !value.hasattr("__fspath__")? {
        return Err(wrong_type(label, expected, value));
    }
    os_string(label, value).map(PathBuf::from)
}
