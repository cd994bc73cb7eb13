//! Many runs at once: the operation that does them, and what it leaves.

use std::sync::{Arc, Mutex, PoisonError};

use process_manager::{
    Command, ProcessError, ProcessManager, Result, RunEnd, RunOptions, RunOutput,
};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3::IntoPyObjectExt;

use crate::errors::to_py;
use crate::hub::Hub;
use crate::info::info;
use crate::operation::Operation;

type Results = Vec<Result<RunOutput>>;

/// The results, once the operation is done.
#[pyclass(frozen, module = "process_manager._core")]
pub struct Outcomes {
    results: Arc<Mutex<Option<Results>>>,
}

/// The runs as an operation; giving it up ends those that are under way.
pub fn run_many(
    hub: &Arc<Hub>,
    manager: ProcessManager,
    commands: Vec<Command>,
    parallel: usize,
    options: RunOptions,
) -> (Operation, Outcomes) {
    let results = Arc::new(Mutex::new(None));
    let place = Arc::clone(&results);
    let call = async move {
        let done = manager.run_many_async(commands, parallel, options).await?;
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
        Ok(())
    };
    (Operation::new(hub, call), Outcomes { results })
}

#[pymethods]
impl Outcomes {
    /// Hands the results over, in the order of the commands; empty before the end and afterwards.
    /// Each is (info, stdout, stderr, lost, why it was cut short or `None`), or the exception that kept
    /// it from starting.
    fn take(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let results = self.results.lock().unwrap_or_else(PoisonError::into_inner).take();
        results.unwrap_or_default().into_iter().map(|result| outcome(py, result)).collect()
    }
}

fn outcome(py: Python<'_>, result: Result<RunOutput>) -> PyResult<Py<PyAny>> {
    match result {
        Ok(output) => ran(py, &output, None),
        Err(ProcessError::RunFailed(failed)) => {
            ran(py, &failed.output, Some(reason(failed.reason)))
        }
        Err(error) => Ok(to_py(py, &error).into_value(py).into_any()),
    }
}

fn reason(end: RunEnd) -> &'static str {
    match end {
        RunEnd::TimedOut => "timed_out",
        _ => "output_limit",
    }
}

fn ran(py: Python<'_>, output: &RunOutput, cut: Option<&str>) -> PyResult<Py<PyAny>> {
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|data| PyBytes::new(py, data));
    (info(&output.info), stdout, stderr, output.lost, cut).into_py_any(py)
}
