//! A start through sudo. It can take as long as a person needs to type a password, so a thread of
//! its own talks with sudo; it never calls Python. The Python thread (or its event loop) waits
//! here, and is the one that asks the caller's function for the password.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use process_manager::support::Zeroizing;
use process_manager::{
    Command, ProcessError, ProcessManager, ProcessRunner, Result, StopLadder, SudoMode, SudoOptions,
};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::{bytes, choice, duration, os_strings, text, timeout, wrong_type};
use crate::errors::to_py;
use crate::hub::{Hub, Slot};
use crate::process::PyProcess;
use crate::wait;

/// Where a start stands. The talking thread moves it to `Asked` and `Done`, Python to the others.
enum State {
    Talking,
    /// Sudo wants the password.
    Asked,
    /// The caller's answer; `None` cancels.
    Answered(Option<Zeroizing<Vec<u8>>>),
    Done(Result<ProcessRunner>),
    /// Nobody waits any more: what was started is ended.
    GivenUp,
}

/// What the two threads share.
struct Talk {
    state: Mutex<State>,
    changed: Condvar,
    loop_waker: Mutex<Option<Waker>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Talk {
    /// On the talking thread: asks, and waits for the answer.
    fn ask(&self) -> Option<Vec<u8>> {
        self.advance(State::Asked);
        let mut state = lock(&self.state);
        loop {
            match std::mem::replace(&mut *state, State::Talking) {
                State::Answered(answer) => {
                    return answer.map(|mut password| std::mem::take(&mut *password));
                }
                State::GivenUp => {
                    *state = State::GivenUp;
                    return None;
                }
                before => *state = before,
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// On the talking thread. Gives the state back where nobody waits for it.
    fn advance(&self, next: State) -> Option<State> {
        let mut state = lock(&self.state);
        if matches!(*state, State::GivenUp) {
            return Some(next);
        }
        *state = next;
        drop(state);
        self.changed.notify_all();
        lock(&self.loop_waker).take().into_iter().for_each(Waker::wake);
        None
    }

    /// "asked", "done", or `None` while the talk goes on.
    fn news(&self) -> Option<&'static str> {
        match *lock(&self.state) {
            State::Asked => Some("asked"),
            State::Done(_) => Some("done"),
            State::Talking | State::Answered(_) | State::GivenUp => None,
        }
    }

    fn wait_news(&self, slice: Duration) -> Option<&'static str> {
        let state = lock(&self.state);
        let is_quiet = |state: &mut State| !matches!(state, State::Asked | State::Done(_));
        drop(self.changed.wait_timeout_while(state, slice, is_quiet));
        self.news()
    }

    /// The talking thread's work.
    fn run(&self, manager: &ProcessManager, command: Command, options: SudoOptions) {
        let started = manager.start_with_sudo_options(command, options);
        if let Some(State::Done(Ok(runner))) = self.advance(State::Done(started)) {
            let _ = runner.begin_stop(Some(StopLadder::kill()));
        }
    }
}

/// A start under way.
#[pyclass(frozen, module = "process_manager._core")]
pub struct SudoStart {
    hub: Arc<Hub>,
    slot: Slot,
    talk: Arc<Talk>,
}

impl SudoStart {
    /// Begins to talk. `options`: user, group, timeout, mode, preserve_env, and password (data) or ask.
    pub fn new(
        hub: &Arc<Hub>,
        manager: ProcessManager,
        command: Command,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let py = options.py();
        let state = Mutex::new(State::Talking);
        let talk = Talk { state, changed: Condvar::new(), loop_waker: Mutex::default() };
        let talk = Arc::new(talk);
        let options = sudo_options(options, &talk)?;
        let own = Arc::clone(&talk);
        let talking = thread::Builder::new().name("pm-sudo".into());
        let spawned = talking.spawn(move || own.run(&manager, command, options));
        spawned.map_err(|e| to_py(py, &ProcessError::io("start a thread for sudo", e)))?;
        Ok(Self { hub: Arc::clone(hub), slot: Slot::new(hub), talk })
    }
}

const MODES: &[(&str, SudoMode)] = &[("relay", SudoMode::Relay), ("direct", SudoMode::Direct)];

fn sudo_options(given: &Bound<'_, PyDict>, talk: &Arc<Talk>) -> PyResult<SudoOptions> {
    let mut options = SudoOptions::new();
    for (key, value) in given.iter().filter(|(_, value)| !value.is_none()) {
        let key = text("option name", &key)?;
        options = match key.as_str() {
            "user" => options.user(name("sudo user", &value)?),
            "group" => options.group(name("sudo group", &value)?),
            "timeout" => options.timeout(duration("sudo timeout", &value)?),
            "mode" => options.mode(choice("sudo mode", &value, MODES)?),
            "preserve_env" => options.preserve_env(os_strings("preserve_env", &value)?),
            "ask" => {
                let talk = Arc::clone(talk);
                options.ask(move || talk.ask())
            }
            _ => {
                let mut password = bytes("sudo password", &value)?;
                let with = options.password(&password);
                password.fill(0);
                with.map_err(|error| to_py(given.py(), &error))?
            }
        };
    }
    Ok(options)
}

/// A name, or a number as sudo writes it.
fn name(label: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    match value.extract::<u32>() {
        Ok(number) if !value.is_instance_of::<pyo3::types::PyBool>() => Ok(format!("#{number}")),
        _ => text(label, value).map_err(|_| wrong_type(label, "a name or a number", value)),
    }
}

#[pymethods]
impl SudoStart {
    #[getter]
    fn token(&self) -> u64 {
        self.slot.token()
    }

    /// "asked", "done", or `None` when the time has passed.
    #[pyo3(signature = (seconds=None))]
    fn wait(
        &self,
        py: Python<'_>,
        seconds: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<&'static str>> {
        let limit = timeout("timeout", seconds)?;
        wait::sliced(py, limit, |slice| Ok(self.talk.wait_news(slice)))
    }

    /// The same for an event loop: `None` means that the token will say when to ask again.
    fn poll(&self, py: Python<'_>) -> PyResult<Option<&'static str>> {
        let waker = self.slot.waker().map_err(|error| to_py(py, &error))?;
        *lock(&self.talk.loop_waker) = Some(Context::from_waker(waker).waker().clone());
        Ok(self.talk.news())
    }

    /// Answers "asked"; `None` cancels the start.
    #[pyo3(signature = (password))]
    fn answer(&self, password: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let password = password.map(|password| bytes("sudo password", password)).transpose()?;
        let mut state = lock(&self.talk.state);
        if matches!(*state, State::Asked) {
            *state = State::Answered(password.map(Zeroizing::new));
            self.talk.changed.notify_all();
        }
        Ok(())
    }

    /// What was started, once it is "done".
    fn take(&self, py: Python<'_>) -> PyResult<PyProcess> {
        let state = std::mem::replace(&mut *lock(&self.talk.state), State::GivenUp);
        match state {
            State::Done(Ok(runner)) => Ok(PyProcess::new(&self.hub, runner)),
            State::Done(Err(error)) => Err(to_py(py, &error)),
            _ => Err(PyRuntimeError::new_err("the start is not done")),
        }
    }

    /// Gives the start up: a process that comes of it is ended.
    fn give_up(&self) {
        let state = std::mem::replace(&mut *lock(&self.talk.state), State::GivenUp);
        self.talk.changed.notify_all();
        if let State::Done(Ok(runner)) = state {
            let _ = runner.begin_stop(Some(StopLadder::kill()));
        }
    }
}

impl Drop for SudoStart {
    fn drop(&mut self) {
        self.give_up();
    }
}
