//! Which of the host's variables a command of another user gets.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use super::options::SudoOptions;
use crate::command::{Command, EnvPlan};
use crate::error::{ProcessError, Result};

impl SudoOptions {
    /// The command with no more of the host's environment than these options leave it.
    ///
    /// Errors: `InvalidArgument` for a name that no variable can have.
    pub(crate) fn restrict(&self, mut command: Command) -> Result<Command> {
        if let Some(names) = &self.preserved {
            names.iter().try_for_each(check)?;
            command.env = only(names, &command.env);
        }
        Ok(command)
    }
}

fn check(name: &OsString) -> Result<()> {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.iter().any(|byte| matches!(byte, b'=' | 0)) {
        let reason = format!("{name:?} is not the name of a variable");
        return Err(ProcessError::invalid("sudo preserved environment", reason));
    }
    Ok(())
}

/// As `plan`, for a host that has only the variables of these names.
fn only(names: &[OsString], plan: &EnvPlan) -> EnvPlan {
    let host = std::env::vars_os().filter(|(name, _)| names.contains(name));
    let mut restricted = EnvPlan::default();
    restricted.clear();
    plan.resolve(host).into_iter().for_each(|(name, value)| restricted.set(name, value));
    restricted
}
