//! What to start and how: pure data, no I/O. [`Command`] is the builder, `validate` its checks.

mod builder;
mod env;
mod options;
mod stdio;
mod validate;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

pub use env::EnvPlan;
pub use options::{
    Affinity, Descendants, DropPolicy, GroupMode, OutputOptions, OutputPolicy, Rlimit, StopLadder,
    StopStep, UserSpec,
};
pub use stdio::{ExtraFd, Stdin, Stdout};

use crate::types::{Containment, ProcessConfig};

/// Which program a [`Command`] starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// A path (with a slash, relative ones are looked up after changing into the working
    /// directory, as execve(2) does) or a name looked up in the `PATH` the child will have.
    Path(PathBuf),
    /// A binary of the manager's extractor.
    Extracted(String),
}

/// The full form of what to start: a builder.
///
/// Unset options have these defaults: stdin null, stdout and stderr captured apart, own process
/// group, the host's environment and working directory, no timeout, stop by TERM, 5 s, KILL,
/// the tree killed when the last handle is dropped.
///
/// ```
/// use process_manager::Command;
/// let command = Command::new("ls").arg("-l").current_dir("/tmp").name("listing");
/// ```
#[derive(Debug, Clone)]
#[must_use = "a command does nothing until it is started"]
pub struct Command {
    pub(crate) program: Program,
    pub(crate) name: Option<String>,
    pub(crate) arg0: Option<OsString>,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: EnvPlan,
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) stdin: Stdin,
    pub(crate) stdout: Stdout,
    pub(crate) stderr: Stdout,
    pub(crate) extra_fds: Vec<ExtraFd>,
    pub(crate) group: GroupMode,
    pub(crate) rlimits: Vec<Rlimit>,
    pub(crate) nice: Option<i32>,
    pub(crate) umask: Option<u32>,
    pub(crate) affinity: Option<Affinity>,
    pub(crate) user: UserSpec,
    pub(crate) timeout: Option<Duration>,
    pub(crate) stop: StopLadder,
    pub(crate) output: OutputOptions,
    pub(crate) on_drop: DropPolicy,
    pub(crate) descendants: Descendants,
    pub(crate) containment: Option<Containment>,
}

impl From<ProcessConfig> for Command {
    fn from(config: ProcessConfig) -> Self {
        let mut command = Command::binary(config.binary_name).name(config.name).args(config.args);
        command = command.envs(config.env);
        command.cwd = config.working_dir.map(PathBuf::from);
        command
    }
}

impl From<&ProcessConfig> for Command {
    fn from(config: &ProcessConfig) -> Self {
        config.clone().into()
    }
}
