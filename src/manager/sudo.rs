//! Starting as root.

use uuid::Uuid;

use super::ProcessManager;
use crate::command::Command;
use crate::error::{ProcessError, Result};
use crate::process::ProcessRunner;

impl ProcessManager {
    /// Starts a process as root. A host that is root already needs no sudo, and the password is
    /// not used.
    ///
    /// Errors: as [`start_process`](Self::start_process); [`ProcessError::Unsupported`] for a
    /// host that is not root.
    pub async fn start_process_with_sudo(
        &self,
        command: impl Into<Command>,
        password: &str,
    ) -> Result<Uuid> {
        require_root(password)?;
        self.start_process(command).await
    }
}

impl ProcessRunner {
    /// Starts a program as root, without a manager. A host that is root already needs no sudo,
    /// and the password is not used.
    ///
    /// Errors: as [`start`](Self::start); [`ProcessError::Unsupported`] for a host that is not
    /// root.
    pub async fn start_with_sudo(
        program: &str,
        name: String,
        args: Vec<String>,
        password: &str,
    ) -> Result<Self> {
        require_root(password)?;
        Self::start(program, name, args).await
    }
}

fn require_root(_password: &str) -> Result<()> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    Err(ProcessError::Unsupported("sudo: this version starts as root only where it is root".into()))
}
