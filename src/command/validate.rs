//! Checks that need no system call: what they refuse, no start ever tries.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::{Command, Program, Stdin, Stdout, StopLadder};
use crate::error::{ProcessError, Result};

impl Command {
    /// Refuses what can never be started, naming the argument.
    ///
    /// Errors: [`ProcessError::InvalidArgument`].
    pub fn validate(&self) -> Result<()> {
        self.check_program()?;
        self.check_args()?;
        self.check_env()?;
        self.check_stdio()?;
        self.check_numbers()
    }

    /// The program as messages name it.
    pub(crate) fn program_label(&self) -> String {
        match &self.program {
            Program::Path(path) => path.to_string_lossy().into_owned(),
            Program::Extracted(name) => name.clone(),
        }
    }

    fn check_program(&self) -> Result<()> {
        match &self.program {
            Program::Path(path) => check_text("program", path.as_os_str(), false),
            Program::Extracted(name) => check_text("binary name", OsStr::new(name), false),
        }
    }

    fn check_args(&self) -> Result<()> {
        if let Some(arg0) = &self.arg0 {
            check_text("arg0", arg0, true)?;
        }
        for (index, arg) in self.args.iter().enumerate() {
            check_text(&format!("args[{index}]"), arg, true)?;
        }
        if let Some(cwd) = &self.cwd {
            check_text("working directory", cwd.as_os_str(), false)?;
        }
        Ok(())
    }

    fn check_env(&self) -> Result<()> {
        for (name, value) in self.env.changes() {
            check_text("env name", name, false)?;
            if name.as_bytes().contains(&b'=') {
                return Err(ProcessError::invalid("env name", format!("{name:?} contains '='")));
            }
            if let Some(value) = value {
                check_text(&format!("env value of {name:?}"), value, true)?;
            }
        }
        Ok(())
    }

    fn check_stdio(&self) -> Result<()> {
        if let Stdin::File(path) = &self.stdin {
            check_text("stdin file", path.as_os_str(), false)?;
        }
        for (label, out) in [("stdout file", &self.stdout), ("stderr file", &self.stderr)] {
            if let Stdout::File { path, .. } = out {
                check_text(label, path.as_os_str(), false)?;
            }
        }
        if matches!(self.stdout, Stdout::Merge) {
            return Err(ProcessError::invalid("stdout", "only stderr can be merged"));
        }
        self.check_extra_fds()
    }

    fn check_extra_fds(&self) -> Result<()> {
        let mut seen = Vec::new();
        for extra in &self.extra_fds {
            if extra.target < 3 || seen.contains(&extra.target) {
                let reason = format!("target {} must be 3 or more and unique", extra.target);
                return Err(ProcessError::invalid("extra descriptor", reason));
            }
            seen.push(extra.target);
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<()> {
        check_range("nice", self.nice.unwrap_or(0).into(), -20, 19)?;
        check_range("umask", self.umask.unwrap_or(0).into(), 0, 0o777)?;
        self.stop.validate()?;
        let limit = i64::try_from(self.output.limit).unwrap_or(i64::MAX);
        check_range("output limit", limit, 4096, i64::MAX)?;
        let line = i64::try_from(self.output.max_line).unwrap_or(i64::MAX);
        check_range("line limit", line, 1, i64::MAX)
    }
}

impl StopLadder {
    /// Refuses what is no signal.
    pub(crate) fn validate(&self) -> Result<()> {
        let mut signals = self.steps.iter().map(|step| step.signal);
        signals.try_for_each(|signal| check_range("stop signal", signal.into(), 1, 64))
    }
}

fn check_text(argument: &str, text: &OsStr, may_be_empty: bool) -> Result<()> {
    if text.is_empty() && !may_be_empty {
        return Err(ProcessError::invalid(argument, "must not be empty"));
    }
    match text.as_bytes().iter().position(|byte| *byte == 0) {
        Some(at) => Err(ProcessError::invalid(argument, format!("contains a NUL byte at {at}"))),
        None => Ok(()),
    }
}

fn check_range(argument: &str, value: i64, low: i64, high: i64) -> Result<()> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(ProcessError::invalid(argument, format!("{value} is not within {low} to {high}")))
}
