//! A Python object with `read()` as the core's source of bytes.

use std::io::{self, Read};

use pyo3::prelude::*;

use crate::convert::bytes;

/// The most that is asked for at once.
const CHUNK: usize = 1 << 20;

/// Reads through `object.read(size)`. Attaches to the interpreter for each call, which Python's
/// own thread makes: the core reads on the thread that called it.
pub struct PySource {
    object: Py<PyAny>,
    error: Option<PyErr>,
}

impl PySource {
    pub fn new(object: Py<PyAny>) -> Self {
        Self { object, error: None }
    }

    /// What `read` raised; the core's own error says nothing about it.
    pub fn into_error(self) -> Option<PyErr> {
        self.error
    }

    fn ask(&self, size: usize) -> PyResult<Vec<u8>> {
        Python::attach(|py| {
            let data = self.object.bind(py).call_method1("read", (size,))?;
            bytes("what read() gives", &data)
        })
    }
}

impl Read for PySource {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let data = self.ask(buffer.len().min(CHUNK)).map_err(|error| {
            self.error = Some(error);
            io::Error::other("the reader has raised an exception")
        })?;
        let Some(place) = buffer.get_mut(..data.len()) else {
            return Err(io::Error::other("read() gave more than was asked for"));
        };
        place.copy_from_slice(&data);
        Ok(data.len())
    }
}
