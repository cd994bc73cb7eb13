//! Turns the core's errors into the Python exceptions of `process_manager.errors`.
//!
//! The classes live in Python, because each derives from two bases (`ProcessError` and the
//! built-in one that callers already catch); this file only picks one and fills it in.

use process_manager::{ExtractionError, ProcessError, StartError, StartErrorKind};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

const ENOENT: i32 = 2;
const EPIPE: i32 = 32;
const EPERM: i32 = 1;
const EACCES: i32 = 13;

/// The Python exception for an error of the core. Needs the interpreter, so it is called with
/// the GIL held, after the blocking part.
pub fn to_py(py: Python<'_>, error: &ProcessError) -> PyErr {
    build(py, error).unwrap_or_else(|problem| problem)
}

/// A refused argument, for checks that this crate makes itself.
pub fn invalid(py: Python<'_>, argument: impl Into<String>, reason: impl Into<String>) -> PyErr {
    to_py(py, &ProcessError::invalid(argument, reason))
}

/// The error for a handle that was closed before.
pub fn closed(py: Python<'_>, what: &str) -> PyErr {
    to_py(py, &ProcessError::Closed(format!("the {what} has been closed")))
}

fn build(py: Python<'_>, error: &ProcessError) -> PyResult<PyErr> {
    let details = PyDict::new(py);
    details.set_item("errno", error.errno())?;
    match error {
        ProcessError::StartFailed(start) => describe_start(&details, start)?,
        ProcessError::ExtractionFailed(failed) => describe_extraction(&details, failed)?,
        ProcessError::AuthenticationFailed(failed) => {
            details.set_item("kind", snake_case(&format!("{:?}", failed.kind)))?;
            details.set_item("stderr", &failed.stderr)?;
        }
        ProcessError::InvalidArgument { argument, .. } => {
            details.set_item("argument", argument)?;
        }
        _ => {}
    }
    let module = py.import("process_manager.errors")?;
    let class = module.getattr(class_name(error))?;
    let value = class.call((error.to_string(),), Some(&details))?;
    if !value.is_instance_of::<pyo3::exceptions::PyBaseException>() {
        return Err(PyRuntimeError::new_err(error.to_string()));
    }
    Ok(PyErr::from_value(value))
}

/// "NoRelay" to "no_relay".
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

fn describe_start(details: &Bound<'_, PyDict>, start: &StartError) -> PyResult<()> {
    details.set_item("program", &start.program)?;
    details.set_item("step", start.step.as_str())?;
    details.set_item("subject", &start.subject)
}

fn describe_extraction(details: &Bound<'_, PyDict>, failed: &ExtractionError) -> PyResult<()> {
    details.set_item("binary", &failed.name)
}

fn class_name(error: &ProcessError) -> &'static str {
    match error {
        ProcessError::BinaryNotFound(_) => "BinaryNotFound",
        ProcessError::ProcessNotFound(_) => "ProcessNotFound",
        ProcessError::StartFailed(start) => start_class(start),
        ProcessError::StopFailed(_) => "StopFailed",
        ProcessError::ExtractionFailed(_) => "ExtractionFailed",
        ProcessError::InvalidArgument { .. } => "InvalidArgument",
        ProcessError::TimedOut(_) => "TimedOut",
        ProcessError::AuthenticationFailed(_) => "AuthenticationFailed",
        ProcessError::Forked => "Forked",
        ProcessError::Unsupported(_) => "Unsupported",
        ProcessError::Closed(_) => "Closed",
        ProcessError::LimitReached(_) => "LimitReached",
        ProcessError::Io { .. } => io_class(error.errno()),
        _ => "ProcessError",
    }
}

fn start_class(start: &StartError) -> &'static str {
    match start.kind {
        StartErrorKind::ProgramNotFound => "ProgramNotFound",
        StartErrorKind::InterpreterNotFound => "InterpreterNotFound",
        StartErrorKind::IsADirectory => "ProgramIsADirectory",
        StartErrorKind::PermissionDenied => "ProgramNotExecutable",
        StartErrorKind::BadFormat => "BadFormat",
        StartErrorKind::WorkingDirectory if start.errno == ENOENT => "WorkingDirectoryNotFound",
        StartErrorKind::WorkingDirectory => "WorkingDirectoryError",
        StartErrorKind::ResourceLimit => "ResourceLimit",
        _ if matches!(start.errno, EPERM | EACCES) => "StartNotPermitted",
        _ => "StartFailed",
    }
}

fn io_class(errno: Option<i32>) -> &'static str {
    match errno {
        Some(EPIPE) => "StdinClosed",
        Some(EPERM | EACCES) => "NotPermitted",
        _ => "SystemFailure",
    }
}
