//! Which of the host's variables a command of another user gets.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::options::{SudoMode, SudoOptions};
use crate::command::{Command, EnvPlan};
use crate::error::{ProcessError, Result};

impl SudoOptions {
    /// The command with no more of the host's environment than these options leave it. In direct
    /// mode that is for sudo to do.
    ///
    /// Errors: `InvalidArgument` for a name that no variable can have.
    pub(crate) fn restrict(&self, mut command: Command, is_already: bool) -> Result<Command> {
        let ours = is_already || self.mode == SudoMode::Relay;
        if let Some(names) = self.preserved.as_ref().filter(|_| ours) {
            names.iter().try_for_each(check)?;
            command.env = only(names, &command.env);
        }
        Ok(command)
    }

    /// What asks sudo to keep the variables of these options and those that the command sets.
    ///
    /// Errors: `InvalidArgument` for a name that cannot stand in a list.
    pub(super) fn preserve_argument(&self, command: &Command) -> Result<Option<OsString>> {
        let set = command.env.changes().filter(|(_, value)| value.is_some());
        let set = set.map(|(name, _)| name.to_owned());
        let names: Vec<_> = self.preserved.iter().flatten().cloned().chain(set).collect();
        names.iter().try_for_each(check)?;
        if names.iter().any(|name| name.as_bytes().contains(&b',')) {
            let reason = "a name with a comma cannot be given to sudo";
            return Err(ProcessError::invalid("sudo preserved environment", reason));
        }
        let list = names.join(OsStr::new(","));
        let argument = || [OsStr::new("--preserve-env="), &list].into_iter().collect();
        Ok((!names.is_empty()).then(argument))
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
