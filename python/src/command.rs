//! The keyword options of a start, turned into the core's builder. Pure data, nothing is opened.

use std::path::PathBuf;

use process_manager::{
    Affinity, Command, Containment, Descendants, DropPolicy, GroupMode, OutputOptions,
    OutputPolicy, StopLadder, StopStep, UserSpec,
};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::{choice, duration, number, os_string, os_strings, text, wrong_type};
use crate::stdio;

/// A command that is ready to start: the options are read once, starts may be many.
#[pyclass(frozen, name = "Command", module = "process_manager._core")]
pub struct PyCommand {
    pub(crate) command: Command,
    output: OutputOptions,
    chose_policy: bool,
}

#[pymethods]
impl PyCommand {
    #[new]
    fn new(
        program: &Bound<'_, PyAny>,
        args: &Bound<'_, PyAny>,
        extracted: bool,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let mut command = match extracted {
            true => Command::binary(text("binary name", program)?),
            false => Command::new(PathBuf::from(os_string("program", program)?)),
        };
        command = command.args(os_strings("args", args)?);
        if options.get_item("clear_env")?.is_some_and(|clear| clear.is_truthy().unwrap_or(false)) {
            command = command.env_clear();
        }
        let output = OutputOptions::default();
        let mut plan = Plan { command, user: None, output, chose_policy: false };
        for (key, value) in options.iter() {
            if !value.is_none() {
                plan = plan.set(&text("option name", &key)?, &value)?;
            }
        }
        Ok(plan.finish())
    }

    /// The same for a run, which collects everything: nothing of it is dropped unless that was
    /// chosen.
    fn for_run(&self) -> Self {
        let policy = if self.chose_policy { self.output.policy } else { OutputPolicy::Block };
        let output = OutputOptions { policy, ..self.output };
        Self { command: self.command.clone().output(output), output, chose_policy: true }
    }
}

/// A command under construction, with the options that the builder takes in one piece.
struct Plan {
    command: Command,
    user: Option<UserSpec>,
    output: OutputOptions,
    chose_policy: bool,
}

impl Plan {
    fn set(mut self, key: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        let command = self.command;
        self.command = match key {
            "name" => command.name(text(key, value)?),
            "arg0" => command.arg0(os_string(key, value)?),
            "env" => environment(command, value)?,
            "clear_env" => command,
            "cwd" => command.current_dir(PathBuf::from(os_string(key, value)?)),
            "stdin" => command.stdin(stdio::stdin(value)?),
            "stdout" => command.stdout(stdio::output(key, value)?),
            "stderr" => command.stderr(stdio::output(key, value)?),
            "pass_fds" => stdio::further(command, value)?,
            "time_limit" => command.timeout(duration(key, value)?),
            "stop" => command.stop_ladder(ladder(value)?),
            _ => return Self { command, ..self }.set_limit(key, value),
        };
        Ok(self)
    }

    fn set_limit(mut self, key: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        let command = self.command;
        self.command = match key {
            "rlimits" => rlimits(command, value)?,
            "nice" => command.nice(number(key, value)?),
            "umask" => command.umask(number(key, value)?),
            "cpus" => command.affinity(Affinity::cpus(numbers(key, value)?)),
            "process_group" => command.group(choice(key, value, GROUPS)?),
            "on_drop" => command.on_drop(choice(key, value, DROPS)?),
            "descendants" => command.descendants(choice(key, value, DESCENDANTS)?),
            "containment" => command.containment(choice(key, value, CONTAINMENTS)?),
            _ => return Self { command, ..self }.set_part(key, value),
        };
        Ok(self)
    }

    fn set_part(mut self, key: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        match key {
            "user" => self.user().uid = Some(number(key, value)?),
            "group" => self.user().gid = Some(number(key, value)?),
            "groups" => self.user().groups = Some(numbers(key, value)?),
            "output_limit" => self.output.limit = number(key, value)?,
            "output_policy" => {
                self.output.policy = choice(key, value, POLICIES)?;
                self.chose_policy = true;
            }
            "max_line" => self.output.max_line = number(key, value)?,
            "drain" => self.output.drain = duration(key, value)?,
            _ => return Err(PyTypeError::new_err(format!("unknown option {key:?}"))),
        }
        Ok(self)
    }

    fn user(&mut self) -> &mut UserSpec {
        self.user.get_or_insert_with(UserSpec::default)
    }

    fn finish(self) -> PyCommand {
        let command = self.command.output(self.output);
        let command = match self.user {
            Some(user) => command.user(user),
            None => command,
        };
        PyCommand { command, output: self.output, chose_policy: self.chose_policy }
    }
}

const GROUPS: &[(&str, GroupMode)] =
    &[("own", GroupMode::Own), ("session", GroupMode::Session), ("host", GroupMode::Host)];
const DROPS: &[(&str, DropPolicy)] = &[("kill", DropPolicy::Kill), ("detach", DropPolicy::Detach)];
const DESCENDANTS: &[(&str, Descendants)] =
    &[("end", Descendants::End), ("leave", Descendants::Leave)];
const CONTAINMENTS: &[(&str, Containment)] = &[
    ("process", Containment::Process),
    ("group", Containment::Group),
    ("guard", Containment::Guard),
    ("cgroup", Containment::Cgroup),
    ("pidns", Containment::PidNamespace),
];
const POLICIES: &[(&str, OutputPolicy)] = &[
    ("auto", OutputPolicy::Auto),
    ("block", OutputPolicy::Block),
    ("drop_oldest", OutputPolicy::DropOldest),
    ("kill", OutputPolicy::Kill),
];

fn environment(mut command: Command, value: &Bound<'_, PyAny>) -> PyResult<Command> {
    let items = value.call_method0("items").map_err(|_| wrong_type("env", "a mapping", value))?;
    for item in items.try_iter()? {
        let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item?.extract()?;
        let name = os_string("env name", &name)?;
        command = match value.is_none() {
            true => command.env_remove(name),
            false => {
                let label = format!("env value of {name:?}");
                command.env(name, os_string(&label, &value)?)
            }
        };
    }
    Ok(command)
}

/// Seconds between SIGTERM and SIGKILL, or a list of `(signal, seconds)`.
pub fn ladder(value: &Bound<'_, PyAny>) -> PyResult<StopLadder> {
    let Ok(items) = value.try_iter() else {
        return Ok(StopLadder::term_then_kill(duration("stop", value)?));
    };
    let mut steps = Vec::new();
    for item in items {
        let item = item?;
        let pair = item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>();
        let (signal, grace) =
            pair.map_err(|_| wrong_type("stop step", "a pair (signal, seconds)", &item))?;
        let signal = number("stop signal", &signal)?;
        steps.push(StopStep { signal, grace: duration("stop grace", &grace)? });
    }
    Ok(StopLadder { steps })
}

fn rlimits(mut command: Command, value: &Bound<'_, PyAny>) -> PyResult<Command> {
    let items =
        value.call_method0("items").map_err(|_| wrong_type("rlimits", "a mapping", value))?;
    for item in items.try_iter()? {
        let (resource, limits): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item?.extract()?;
        let pair = limits.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>();
        let (soft, hard) =
            pair.map_err(|_| wrong_type("rlimits value", "a pair (soft, hard)", &limits))?;
        let resource = number("rlimits key", &resource)?;
        command = command.rlimit(resource, limit(&soft)?, limit(&hard)?);
    }
    Ok(command)
}

/// `resource.RLIM_INFINITY` is -1.
fn limit(value: &Bound<'_, PyAny>) -> PyResult<u64> {
    match number::<i64>("rlimits value", value) {
        Ok(-1) => Ok(u64::MAX),
        _ => number("rlimits value", value),
    }
}

fn numbers<T: TryFrom<i128>>(label: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<T>> {
    let items = value.try_iter().map_err(|_| wrong_type(label, "a list of int", value))?;
    items.map(|item| number(label, &item?)).collect()
}
