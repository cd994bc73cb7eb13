//! Starting as another user.

use uuid::Uuid;

use super::ProcessManager;
use crate::command::{Command, Program};
use crate::error::{ProcessError, Result};
use crate::process::ProcessRunner;
use crate::sudo::{authenticate, SudoOptions};

impl ProcessManager {
    /// Starts a process as root through sudo. A host that is root already needs no sudo, and the
    /// password is not used.
    ///
    /// Sudo is talked to on this thread, for at most 30 seconds; only then the process exists. The
    /// copy of the password made here is wiped; the caller's own is the caller's to wipe.
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
        self.start_with_sudo_options(command, options).map(|runner| runner.id())
    }

    /// Starts a process as the user that `options` name, through sudo unless the host is that user
    /// already. Blocks for at most the options' timeout.
    ///
    /// The process is contained by a guard that runs as that user. The environment is the one the
    /// process would have without sudo, or what [`SudoOptions::preserve_env`] leaves of it.
    ///
    /// Errors: as [`start_process_with_sudo`](Self::start_process_with_sudo), and
    /// [`ProcessError::Unsupported`] for options that sudo does not leave to the host.
    pub fn start_with_sudo_options(
        &self,
        command: impl Into<Command>,
        options: SudoOptions,
    ) -> Result<ProcessRunner> {
        let command = options.restrict(command.into())?;
        let sudo = if options.is_already()? { None } else { Some(options) };
        self.start_with(command, sudo)
    }
}

impl ProcessRunner {
    /// Starts a program as root through sudo, without a manager. A host that is root already needs
    /// no sudo, and the password is not used.
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
        Self::start_with_sudo_options(Command::new(program).name(name).args(args), options)
    }

    /// Starts a command without a manager, as the user that `options` name.
    ///
    /// Errors: as [`ProcessManager::start_with_sudo_options`].
    pub fn start_with_sudo_options(
        command: impl Into<Command>,
        options: SudoOptions,
    ) -> Result<Self> {
        let command = options.restrict(command.into())?;
        command.validate()?;
        let Program::Path(program) = &command.program else {
            return Err(ProcessError::BinaryNotFound(command.program_label()));
        };
        let relay = if options.is_already()? { None } else { Some(authenticate(options)?) };
        Self::start_program(&command, program, relay)
    }
}
