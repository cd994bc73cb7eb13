//! The handle of one process.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use process_manager::{OutputSource, ProcessRunner, Result, StopLadder};
use pyo3::prelude::*;
use uuid::Uuid;

use crate::collector::Collector;
use crate::command::ladder;
use crate::convert::{bytes, choice, number, timeout};
use crate::errors::to_py;
use crate::hub::{Hub, Slot};
use crate::info::{exit, info, Exit, Info};
use crate::operation::Operation;
use crate::reader::Reader;
use crate::wait;

/// A process of a manager. Holding it does not keep the process alive; the manager does.
#[pyclass(frozen, name = "Process", module = "process_manager._core")]
pub struct PyProcess {
    // Dropped first: as long as the hub is there, the manager has a handle too, so that letting
    // go of this one never ends the process here and now.
    runner: ProcessRunner,
    hub: Arc<Hub>,
    exited: Slot,
    closed: Slot,
}

impl PyProcess {
    pub fn new(hub: &Arc<Hub>, runner: ProcessRunner) -> Self {
        let (exited, closed) = (Slot::new(hub), Slot::new(hub));
        Self { hub: Arc::clone(hub), runner, exited, closed }
    }

    fn call(&self, py: Python<'_>, call: fn(&ProcessRunner) -> Result<()>) -> PyResult<()> {
        py.detach(|| call(&self.runner)).map_err(|error| to_py(py, &error))
    }
}

/// How long a stop waits after SIGKILL before it reports survivors.
pub const KILL_WAIT: Duration = Duration::from_secs(5);

const SOURCES: &[(&str, OutputSource)] =
    &[("stdout", OutputSource::Stdout), ("stderr", OutputSource::Stderr)];

#[pymethods]
impl PyProcess {
    #[getter]
    pub fn id(&self) -> Uuid {
        self.runner.id()
    }

    #[getter]
    fn pid(&self) -> u32 {
        self.runner.pid()
    }

    #[getter]
    fn is_running(&self) -> bool {
        self.runner.is_running()
    }

    #[getter]
    fn exit_token(&self) -> u64 {
        self.exited.token()
    }

    #[getter]
    fn closed_token(&self) -> u64 {
        self.closed.token()
    }

    fn info(&self) -> Info {
        info(self.runner.info())
    }

    #[pyo3(signature = (seconds=None))]
    fn wait(&self, py: Python<'_>, seconds: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Exit>> {
        let limit = timeout("timeout", seconds)?;
        let status = wait::sliced(py, limit, |slice| {
            wait::slice_of(self.runner.wait_blocking(Some(slice)))
        })?;
        Ok(status.map(exit))
    }

    fn poll_exit(&self, py: Python<'_>) -> PyResult<Option<Exit>> {
        let waker = self.exited.waker().map_err(|error| to_py(py, &error))?;
        let poll = py.detach(|| self.runner.poll_wait(&mut Context::from_waker(waker)));
        match poll {
            Poll::Ready(status) => status.map(|s| Some(exit(s))).map_err(|e| to_py(py, &e)),
            Poll::Pending => Ok(None),
        }
    }

    fn poll_closed(&self, py: Python<'_>) -> PyResult<Option<bool>> {
        let waker = self.closed.waker().map_err(|error| to_py(py, &error))?;
        let poll = py.detach(|| self.runner.poll_closed(&mut Context::from_waker(waker)));
        Ok(poll.is_ready().then_some(true))
    }

    /// The call, and the seconds after which something has survived it.
    #[pyo3(signature = (steps=None))]
    fn stop(&self, steps: Option<&Bound<'_, PyAny>>) -> PyResult<(Operation, f64)> {
        let steps = steps.map(ladder).transpose()?;
        let runner = self.runner.clone();
        let grace = steps.as_ref().unwrap_or(runner.stop_ladder()).total_grace();
        let call = async move {
            match steps {
                Some(steps) => runner.stop_with(steps).await,
                None => runner.stop().await,
            }
        };
        let limit = grace.saturating_add(KILL_WAIT).as_secs_f64();
        Ok((Operation::new(&self.hub, call), limit))
    }

    /// The same for a kill.
    fn kill(&self) -> (Operation, f64) {
        let runner = self.runner.clone();
        let call = async move { runner.stop_with(StopLadder::kill()).await };
        (Operation::new(&self.hub, call), KILL_WAIT.as_secs_f64())
    }

    /// Begins to stop, and returns at once.
    #[pyo3(signature = (steps=None))]
    fn begin_stop(&self, py: Python<'_>, steps: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let steps = steps.map(ladder).transpose()?;
        py.detach(|| self.runner.begin_stop(steps)).map_err(|error| to_py(py, &error))
    }

    /// Waits until process, descendants and output have ended: false if the time passed first.
    #[pyo3(signature = (seconds=None))]
    fn wait_closed(&self, py: Python<'_>, seconds: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let limit = timeout("timeout", seconds)?;
        let closed = wait::sliced(py, limit, |slice| {
            wait::slice_of(self.runner.closed_blocking(Some(slice)))
        })?;
        Ok(closed.is_some())
    }

    fn suspend(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, ProcessRunner::suspend)
    }

    fn resume(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, ProcessRunner::resume)
    }

    fn signal(&self, py: Python<'_>, signal: &Bound<'_, PyAny>) -> PyResult<()> {
        let signal = number("signal", signal)?;
        py.detach(|| self.runner.signal(signal)).map_err(|error| to_py(py, &error))
    }

    fn write(&self, data: &Bound<'_, PyAny>) -> PyResult<Operation> {
        let data = bytes("data", data)?;
        let runner = self.runner.clone();
        Ok(Operation::new(&self.hub, async move { runner.write_stdin(&data).await }))
    }

    fn close_stdin(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, ProcessRunner::close_stdin)
    }

    /// A new reader; of one stream only where `source` names it.
    #[pyo3(signature = (source=None))]
    fn reader(&self, source: Option<&Bound<'_, PyAny>>) -> PyResult<Reader> {
        let reader = match source {
            Some(source) => self.runner.output().only(choice("source", source, SOURCES)?),
            None => self.runner.output(),
        };
        Ok(Reader::new(&self.hub, reader))
    }

    /// What a run of it collects: at most `limit` bytes of each stream before somebody looks.
    fn collector(&self, limit: &Bound<'_, PyAny>, tee: bool) -> PyResult<Collector> {
        let limit = number("capture_limit", limit)?;
        Ok(Collector::new(&self.hub, self.runner.output(), limit, tee))
    }
}
