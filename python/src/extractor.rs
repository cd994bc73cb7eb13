//! The extractor: binaries in, paths out.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use process_manager::{BinaryExtractor, ExtractionLocation, Result};
use pyo3::prelude::*;

use crate::convert::{bytes, os_string, os_strings, text, wrong_type};
use crate::errors::{closed, to_py};
use crate::source::PySource;

/// A private temporary directory and the executables in it.
///
/// The directory goes when the extractor is closed (leaving a `with` block closes it) or no longer
/// referred to, by a manager either.
#[pyclass(frozen, name = "BinaryExtractor", module = "process_manager")]
pub struct PyExtractor {
    inner: Mutex<Option<BinaryExtractor>>,
}

impl PyExtractor {
    pub fn of(extractor: BinaryExtractor) -> Self {
        Self { inner: Mutex::new(Some(extractor)) }
    }

    pub fn get(&self, py: Python<'_>) -> PyResult<BinaryExtractor> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner).clone();
        inner.ok_or_else(|| closed(py, "extractor"))
    }

    fn call<T: Send>(
        &self,
        py: Python<'_>,
        call: impl FnOnce(&mut BinaryExtractor) -> Result<T> + Send,
    ) -> PyResult<T> {
        let mut extractor = self.get(py)?;
        py.detach(move || call(&mut extractor)).map_err(|error| to_py(py, &error))
    }
}

#[pymethods]
impl PyExtractor {
    #[new]
    #[pyo3(signature = (base_directory=None, *, prefix=None, fallback_directories=None))]
    fn new(
        py: Python<'_>,
        base_directory: Option<&Bound<'_, PyAny>>,
        prefix: Option<&Bound<'_, PyAny>>,
        fallback_directories: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let mut builder = BinaryExtractor::builder();
        if let Some(base) = base_directory {
            builder = builder.base_directory(os_string("base_directory", base)?);
        }
        if let Some(prefix) = prefix {
            builder = builder.prefix(text("prefix", prefix)?);
        }
        if let Some(others) = fallback_directories {
            builder = builder.fallback_directories(os_strings("fallback_directories", others)?);
        }
        py.detach(|| builder.build()).map(Self::of).map_err(|error| to_py(py, &error))
    }

    /// Writes an executable file and returns its path; it can be started at once.
    ///
    /// An earlier binary of that name is replaced. With `sha256`, other data is refused.
    #[pyo3(signature = (name, data, *, sha256=None))]
    fn add_binary(
        &self,
        py: Python<'_>,
        name: &Bound<'_, PyAny>,
        data: &Bound<'_, PyAny>,
        sha256: Option<&str>,
    ) -> PyResult<PathBuf> {
        let (name, data) = (text("binary name", name)?, bytes("data", data)?);
        self.call(py, |extractor| match sha256 {
            Some(sha256) => extractor.add_verified(&name, &data, sha256),
            None => extractor.add_binary(&name, &data),
        })
    }

    /// Extracts a copy of a file, under its own name by default.
    #[pyo3(signature = (path, name=None, *, sha256=None))]
    fn add_file(
        &self,
        py: Python<'_>,
        path: &Bound<'_, PyAny>,
        name: Option<&Bound<'_, PyAny>>,
        sha256: Option<&str>,
    ) -> PyResult<PathBuf> {
        let path = PathBuf::from(os_string("path", path)?);
        let name = match name {
            Some(name) => text("binary name", name)?,
            None => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        };
        self.call(py, |extractor| match sha256 {
            Some(sha256) => extractor.add_file_verified(&name, &path, sha256),
            None => extractor.add_file(&name, &path),
        })
    }

    /// Writes several, all or none; the paths in their order.
    fn add_multiple_binaries(
        &self,
        py: Python<'_>,
        binaries: &Bound<'_, PyAny>,
    ) -> PyResult<Vec<PathBuf>> {
        let pairs = match binaries.hasattr("items")? {
            true => binaries.call_method0("items")?,
            false => binaries.clone(),
        };
        let expected = "a mapping, or pairs of name and data";
        let pairs = pairs.try_iter().map_err(|_| wrong_type("binaries", expected, binaries))?;
        let pair = |pair: PyResult<Bound<'_, PyAny>>| {
            let pair = pair?;
            let pair = pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>();
            let (name, data) = pair.map_err(|_| wrong_type("binaries", expected, binaries))?;
            Ok((text("binary name", &name)?, bytes("data", &data)?))
        };
        let pairs: Vec<_> = pairs.map(pair).collect::<PyResult<_>>()?;
        self.call(py, |extractor| extractor.add_multiple_binaries(pairs))
    }

    /// Extracts what a file object gives up to its end.
    #[pyo3(signature = (name, reader, *, sha256=None))]
    fn add_reader(
        &self,
        py: Python<'_>,
        name: &Bound<'_, PyAny>,
        reader: Bound<'_, PyAny>,
        sha256: Option<&str>,
    ) -> PyResult<PathBuf> {
        let name = text("binary name", name)?;
        if !reader.hasattr("read")? {
            return Err(wrong_type("reader", "a file opened for reading bytes", &reader));
        }
        let mut source = PySource::new(reader.unbind());
        let added = self.call(py, |extractor| match sha256 {
            Some(sha256) => extractor.add_reader_verified(&name, &mut source, sha256),
            None => extractor.add_reader(&name, &mut source),
        });
        match source.into_error() {
            Some(error) => Err(error),
            None => added,
        }
    }

    /// Where the executables are ("base", "fallback" or "memory"), and why not in the base
    /// directory; None before the private directory is made.
    #[getter]
    fn location(&self, py: Python<'_>) -> PyResult<Option<(&'static str, Option<String>)>> {
        Ok(self.get(py)?.location().map(|location| match location {
            ExtractionLocation::Base { .. } => ("base", None),
            ExtractionLocation::Fallback { reason, .. } => ("fallback", Some(reason)),
            ExtractionLocation::Memory { reason, .. } => ("memory", Some(reason)),
            _ => ("other", None),
        }))
    }

    /// Removes a binary; processes that run it keep it. Raises BinaryNotFound.
    fn remove_binary(&self, py: Python<'_>, name: &Bound<'_, PyAny>) -> PyResult<()> {
        let name = text("binary name", name)?;
        self.call(py, |extractor| extractor.remove_binary(&name))
    }

    /// The path of a binary, or None.
    fn get_binary_path(&self, py: Python<'_>, name: &str) -> PyResult<Option<PathBuf>> {
        Ok(self.get(py)?.get_binary_path(name))
    }

    /// The names of all binaries, sorted.
    fn list_binaries(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        Ok(self.get(py)?.list_binaries())
    }

    /// The private directory; it is made now if there is none yet.
    #[getter]
    fn temp_dir(&self, py: Python<'_>) -> PyResult<PathBuf> {
        Ok(self.get(py)?.temp_dir().to_path_buf())
    }

    /// Lets go of the directory: it is removed as soon as no manager uses it.
    fn close(&self, py: Python<'_>) {
        let extractor = self.inner.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(move || drop(extractor));
    }

    fn __enter__(this: Bound<'_, Self>) -> Bound<'_, Self> {
        this
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: Option<Bound<'_, PyAny>>,
        _error: Option<Bound<'_, PyAny>>,
        _traceback: Option<Bound<'_, PyAny>>,
    ) {
        self.close(py);
    }

    fn __contains__(&self, py: Python<'_>, name: &str) -> PyResult<bool> {
        Ok(self.get(py)?.get_binary_path(name).is_some())
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.get(py)?.list_binaries().len())
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        match self.get(py) {
            Ok(extractor) => format!("<BinaryExtractor {:?}>", extractor.list_binaries()),
            Err(_) => "<BinaryExtractor closed>".to_owned(),
        }
    }
}
