//! The manager: starts, looks up and ends processes, and is polled by event loops.

use std::sync::Arc;

use process_manager::{support, Command, ProcessError, ProcessManager, Result, RunOptions};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use uuid::Uuid;

use crate::batch::{run_many, Outcomes};
use crate::command::PyCommand;
use crate::convert::{duration, number, timeout};
use crate::errors::to_py;
use crate::events::Events;
use crate::extractor::PyExtractor;
use crate::hub::Hub;
use crate::info::{info, Info};
use crate::operation::Operation;
use crate::process::{PyProcess, KILL_WAIT};
use crate::sudo::SudoStart;
use crate::wait;
use crate::watch::PyWatch;

/// A registry of processes over one extractor.
#[pyclass(frozen, name = "Manager", module = "process_manager._core")]
pub struct PyManager {
    hub: Arc<Hub>,
}

impl PyManager {
    fn manager(&self, py: Python<'_>) -> PyResult<ProcessManager> {
        self.hub.manager().map_err(|error| to_py(py, &error))
    }

    fn call<T: Send>(
        &self,
        py: Python<'_>,
        call: impl FnOnce(ProcessManager) -> Result<T> + Send,
    ) -> PyResult<T> {
        let manager = self.manager(py)?;
        py.detach(move || call(manager)).map_err(|error| to_py(py, &error))
    }
}

fn owned(commands: &[Bound<'_, PyCommand>]) -> Vec<Command> {
    commands.iter().map(|command| command.get().command.clone()).collect()
}

#[pymethods]
impl PyManager {
    #[new]
    #[pyo3(signature = (extractor=None))]
    fn new(py: Python<'_>, extractor: Option<&PyExtractor>) -> PyResult<Self> {
        let manager = match extractor {
            Some(extractor) => ProcessManager::new(extractor.get(py)?),
            None => ProcessManager::default(),
        };
        Ok(Self { hub: Hub::new(manager) })
    }

    fn extractor(&self, py: Python<'_>) -> PyResult<PyExtractor> {
        Ok(PyExtractor::of(self.manager(py)?.extractor()))
    }

    fn start(&self, py: Python<'_>, command: &PyCommand) -> PyResult<PyProcess> {
        let command = command.command.clone();
        let runner = self.call(py, |manager| manager.start(command))?;
        Ok(PyProcess::new(&self.hub, runner))
    }

    fn start_all_or_none(
        &self,
        py: Python<'_>,
        commands: Vec<Bound<'_, PyCommand>>,
    ) -> PyResult<Vec<PyProcess>> {
        let commands: Vec<Command> = owned(&commands);
        let runners = self.call(py, |manager| support::start_together(&manager, commands))?;
        Ok(runners.into_iter().map(|runner| PyProcess::new(&self.hub, runner)).collect())
    }

    /// Talks with sudo on a thread of its own.
    fn start_sudo(
        &self,
        py: Python<'_>,
        command: &PyCommand,
        sudo: &Bound<'_, PyDict>,
    ) -> PyResult<SudoStart> {
        SudoStart::new(&self.hub, self.manager(py)?, command.command.clone(), sudo)
    }

    /// The processes, first to last, each reading what the one before it writes.
    fn start_pipeline(
        &self,
        py: Python<'_>,
        commands: Vec<Bound<'_, PyCommand>>,
    ) -> PyResult<Vec<PyProcess>> {
        let commands: Vec<Command> = owned(&commands);
        let pipeline = self.call(py, |manager| manager.start_pipeline(commands))?;
        let runners = pipeline.runners().iter().cloned();
        Ok(runners.map(|runner| PyProcess::new(&self.hub, runner)).collect())
    }

    /// The call, and where its results will be.
    fn run_many(
        &self,
        py: Python<'_>,
        commands: Vec<Bound<'_, PyCommand>>,
        parallel: &Bound<'_, PyAny>,
        seconds: Option<&Bound<'_, PyAny>>,
        max_output: &Bound<'_, PyAny>,
    ) -> PyResult<(Operation, Outcomes)> {
        let timeout = seconds.map(|seconds| duration("timeout", seconds)).transpose()?;
        let max_output = number("capture_limit", max_output)?;
        let options = RunOptions { timeout, max_output };
        let parallel = number("parallel", parallel)?;
        Ok(run_many(&self.hub, self.manager(py)?, owned(&commands), parallel, options))
    }

    fn set_retention(&self, py: Python<'_>, entries: &Bound<'_, PyAny>) -> PyResult<()> {
        let entries = number("retention", entries)?;
        self.call(py, move |manager| {
            manager.set_retention(entries);
            Ok(())
        })
    }

    fn process(&self, py: Python<'_>, id: Uuid) -> PyResult<PyProcess> {
        let runner =
            self.call(py, |manager| manager.runner(id).ok_or(ProcessError::ProcessNotFound(id)))?;
        Ok(PyProcess::new(&self.hub, runner))
    }

    fn infos(&self, py: Python<'_>, running_only: bool) -> PyResult<Vec<Info>> {
        let manager = self.manager(py)?;
        let infos = match running_only {
            true => manager.get_running_processes(),
            false => manager.list_processes(),
        };
        Ok(infos.iter().map(info).collect())
    }

    fn count(&self, py: Python<'_>, running_only: bool) -> PyResult<usize> {
        let manager = self.manager(py)?;
        Ok(if running_only { manager.get_running_count() } else { manager.get_process_count() })
    }

    fn remove(&self, py: Python<'_>, id: Uuid) -> PyResult<Info> {
        Ok(info(&self.call(py, |manager| manager.remove_process(id))?))
    }

    /// Removes an entry of which nobody needs the facts; one that runs, or is gone, is left alone.
    fn forget(&self, py: Python<'_>, process: &PyProcess) {
        if let Ok(manager) = self.hub.manager() {
            let id = process.id();
            // Dropped without the interpreter: it is the last handle of an ended process.
            py.detach(move || drop(manager.remove_process(id)));
        }
    }

    fn available_binaries(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        Ok(self.manager(py)?.available_binaries())
    }

    /// The call, and the seconds after which something has survived it.
    fn stop_all(&self, py: Python<'_>) -> PyResult<(Operation, f64)> {
        let manager = self.manager(py)?;
        let running = manager.get_running_processes();
        let runners = running.iter().filter_map(|info| manager.runner(info.id));
        let grace = runners.map(|runner| runner.stop_ladder().total_grace()).max();
        let limit = grace.unwrap_or_default().saturating_add(KILL_WAIT).as_secs_f64();
        let call = async move { manager.stop_all_processes().await };
        Ok((Operation::new(&self.hub, call), limit))
    }

    fn events(&self, py: Python<'_>) -> PyResult<Events> {
        let events = self.call(py, |manager| manager.events())?;
        Ok(Events::new(&self.hub, events))
    }

    fn watch(&self, py: Python<'_>) -> PyResult<PyWatch> {
        let watch = self.call(py, |manager| manager.watch())?;
        Ok(PyWatch::new(&self.hub, watch))
    }

    fn fileno(&self, py: Python<'_>) -> PyResult<i32> {
        self.hub.fd().map_err(|error| to_py(py, &error))
    }

    #[pyo3(signature = (seconds=None))]
    fn poll(&self, py: Python<'_>, seconds: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<u64>> {
        let limit = timeout("timeout", seconds)?;
        let manager = self.manager(py)?;
        let tokens = wait::sliced(py, limit, |slice| {
            let tokens = manager.poll_ready(Some(slice))?;
            Ok(Some(tokens).filter(|tokens| !tokens.is_empty()))
        })?;
        Ok(tokens.unwrap_or_default())
    }

    /// Ends what is left by its drop policy and lets go of everything.
    fn close(&self, py: Python<'_>) {
        let manager = self.hub.close();
        py.detach(move || drop(manager));
    }

    /// The same at the end of the interpreter, whatever handles there are; bounded.
    fn end(&self, py: Python<'_>) {
        py.detach(|| self.hub.end());
    }

    #[getter]
    fn closed(&self) -> bool {
        self.hub.manager().is_err()
    }
}
