//! Starting as another user.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::talk::Talk;
use super::ProcessManager;
use crate::command::{Command, Program};
use crate::error::{ProcessError, Result};
use crate::output::OutputSource;
use crate::process::{Origin, ProcessRunner};
use crate::sudo::{authenticate, Direct, SudoError, SudoMode, SudoOptions};

/// How long the end of what sudo writes is waited for, and how much of it an error holds.
const TEXT_WAIT: Duration = Duration::from_secs(1);
const MOST_TEXT: u64 = 64 * 1024;

impl ProcessManager {
    /// Starts a process as root through sudo. A host that is root already needs no sudo, and the
    /// password is not used.
    ///
    /// Sudo is talked to on a thread of its own, for at most 30 seconds; only then the process
    /// exists. Dropping the future gives the start up: sudo is ended, and nothing is left. The copy
    /// of the password made here is wiped; the caller's own is the caller's to wipe.
    ///
    /// Errors: as [`start_process`](Self::start_process);
    /// [`ProcessError::AuthenticationFailed`], whose kind says why; `InvalidArgument` for a
    /// password that sudo would misread (line end, NUL, more than 511 bytes).
    pub async fn start_process_with_sudo(
        &self,
        command: impl Into<Command>,
        password: &str,
    ) -> Result<Uuid> {
        let options = SudoOptions::new().password(password)?;
        let started = self.start_with_sudo_options_async(command, options).await;
        started.map(|runner| runner.id())
    }

    /// Starts a process as the user that `options` name, through sudo unless the host is that user
    /// already. Blocks for at most the options' timeout.
    ///
    /// The process is contained by a guard that runs as that user. The environment is the one the
    /// process would have without sudo, or what [`SudoOptions::preserve_env`] leaves of it. What is
    /// different in direct mode stands at [`SudoMode::Direct`](crate::SudoMode::Direct).
    ///
    /// Errors: as [`start_process_with_sudo`](Self::start_process_with_sudo), and
    /// [`ProcessError::Unsupported`] for options that sudo does not leave to the host.
    pub fn start_with_sudo_options(
        &self,
        command: impl Into<Command>,
        options: SudoOptions,
    ) -> Result<ProcessRunner> {
        let is_already = options.is_already()?;
        let command = options.restrict(command.into(), is_already)?;
        match is_already {
            true => self.start_from(Origin::Attended, command),
            false => self.start_by_sudo(command, options),
        }
    }

    /// Async twin of [`start_with_sudo_options`](Self::start_with_sudo_options): the talk with sudo,
    /// and with it the question for the password, is on a thread of its own. Dropping the future
    /// gives the start up.
    ///
    /// Errors: as there, and [`ProcessError::Io`] where there can be no thread.
    pub async fn start_with_sudo_options_async(
        &self,
        command: impl Into<Command>,
        options: SudoOptions,
    ) -> Result<ProcessRunner> {
        let is_already = options.is_already()?;
        let command = options.restrict(command.into(), is_already)?;
        if is_already {
            return self.start_from(Origin::Attended, command);
        }
        let (manager, undoing) = (self.clone(), self.clone());
        let start = move |options| manager.start_by_sudo(command, options);
        let undo = move |runner: &ProcessRunner| {
            end(runner);
            undoing.forget(runner.id());
        };
        Talk::start(options, start, Arc::new(undo))?.await
    }

    /// Starts a command through sudo, as the user that `options` name.
    fn start_by_sudo(&self, command: Command, options: SudoOptions) -> Result<ProcessRunner> {
        command.validate()?;
        let (program, exec_fd) = self.executable(&command, true)?;
        if options.chosen_mode() == SudoMode::Relay {
            let relay = authenticate(options)?;
            return self.launch(&command, &program, exec_fd, Origin::Relayed(relay));
        }
        if exec_fd.is_some() {
            let reason = "in direct mode sudo needs a file, and there is only a descriptor";
            return Err(ProcessError::Unsupported(reason.into()));
        }
        let (command, direct) = Direct::prepare(command, &program, options)?;
        let runner = self.launch(&command, direct.sudo(), None, Origin::Attended)?;
        attend(&runner, direct).inspect_err(|_| self.forget(runner.id()))?;
        Ok(runner)
    }
}

impl ProcessRunner {
    /// Starts a program as root through sudo, without a manager. A host that is root already needs
    /// no sudo, and the password is not used. Dropping the future gives the start up.
    ///
    /// Errors: as [`start`](Self::start), and as
    /// [`ProcessManager::start_process_with_sudo`].
    pub async fn start_with_sudo(
        program: &str,
        name: String,
        args: Vec<String>,
        password: &str,
    ) -> Result<Self> {
        let options = SudoOptions::new().password(password)?;
        let command = Command::new(program).name(name).args(args);
        if options.is_already()? {
            return Self::start_with_sudo_options(command, options);
        }
        let start = move |options| Self::start_with_sudo_options(command, options);
        Talk::start(options, start, Arc::new(end))?.await
    }

    /// Starts a command without a manager, as the user that `options` name.
    ///
    /// Errors: as [`ProcessManager::start_with_sudo_options`].
    pub fn start_with_sudo_options(
        command: impl Into<Command>,
        options: SudoOptions,
    ) -> Result<Self> {
        let is_already = options.is_already()?;
        let command = options.restrict(command.into(), is_already)?;
        command.validate()?;
        let Program::Path(program) = &command.program else {
            return Err(ProcessError::BinaryNotFound(command.program_label()));
        };
        if is_already {
            return Self::start_program(&command, program, Origin::Attended);
        }
        if options.chosen_mode() == SudoMode::Relay {
            let relay = authenticate(options)?;
            return Self::start_program(&command, program, Origin::Relayed(relay));
        }
        let (command, direct) = Direct::prepare(command.clone(), program, options)?;
        let runner = Self::start_program(&command, direct.sudo(), Origin::Attended)?;
        attend(&runner, direct).map(|()| runner)
    }
}

/// Sudo runs; ends it if it does not start the command, with what it wrote in the error.
fn attend(runner: &ProcessRunner, mut direct: Direct) -> Result<()> {
    let pid = i32::try_from(runner.pid()).unwrap_or(0);
    match direct.attend(pid, &|| runner.info().exit) {
        Err(ProcessError::AuthenticationFailed(error)) => {
            end(runner);
            Err(ProcessError::AuthenticationFailed(SudoError { stderr: text(runner), ..error }))
        }
        Err(error) => {
            end(runner);
            Err(error)
        }
        Ok(()) => Ok(()),
    }
}

fn end(runner: &ProcessRunner) {
    if let Err(error) = runner.kill() {
        log::warn!("sudo: {error}");
    }
}

/// What sudo wrote on its standard error, where that is captured and has come to its end.
fn text(runner: &ProcessRunner) -> String {
    let mut text = Vec::new();
    if runner.closed_blocking(Some(TEXT_WAIT)).is_ok() {
        let stderr = runner.output().only(OutputSource::Stderr).bytes();
        let _ = stderr.take(MOST_TEXT).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}
