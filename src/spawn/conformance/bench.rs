//! What the cases start their children with and how they look at what came of it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{fcntl_setfl, OFlags};
use rustix::process::{waitid, WaitId, WaitIdOptions};

use super::super::{assemble, launch_in, spawn_in, CloneMode, SpawnContext, Spawned};
use crate::command::{Command, Program};
use crate::error::{ProcessError, StartError};
use crate::types::ExitStatus;

/// One mode under test.
pub(super) struct Bench {
    pub(super) mode: CloneMode,
}

/// What a child left.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) exit: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

impl Outcome {
    /// Standard output as text, without the last newline.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end().to_string()
    }
}

impl Bench {
    /// Starts `command` by its own program path.
    pub(super) fn start(&self, command: &Command) -> Result<Spawned, ProcessError> {
        self.start_with(command, &plain(command))
    }

    /// Whether what the child of a start wrote was there when the clone returned.
    pub(super) fn shares_memory(&self, command: &Command) -> bool {
        let (launched, stdio) = launch_in(self.mode, command, &plain(command)).unwrap();
        let is_shared = launched.is_shared;
        finish(assemble(command, launched, stdio));
        is_shared
    }

    /// Starts `command` in a context of the case's own.
    pub(super) fn start_with(
        &self,
        command: &Command,
        context: &SpawnContext<'_>,
    ) -> Result<Spawned, ProcessError> {
        command.validate()?;
        spawn_in(self.mode, command, context)
    }

    /// Starts, reads all output, reaps.
    pub(super) fn run(&self, command: &Command) -> Outcome {
        finish(self.start(command).unwrap())
    }

    /// The error of a start that must fail.
    pub(super) fn refusal(&self, command: &Command) -> StartError {
        match self.start(command) {
            Err(ProcessError::StartFailed(error)) => error,
            other => panic!("{:?}: expected a start error, got {other:?}", command.program),
        }
    }
}

/// The context of a program by its own path.
fn plain(command: &Command) -> SpawnContext<'_> {
    let Program::Path(program) = &command.program else { panic!("no extractor here") };
    SpawnContext { program, exec_fd: None, cgroup: None, pid_namespace: false }
}

/// Whether valgrind runs this: then starts are slow, and repetition must be kept short.
pub(super) fn under_valgrind() -> bool {
    let preload = std::env::var_os("LD_PRELOAD").unwrap_or_default();
    preload.to_string_lossy().contains("vgpreload")
}

/// `/bin/sh -c script`.
pub(super) fn shell(script: &str) -> Command {
    Command::new("/bin/sh").arg("-c").arg(script)
}

/// Reads all output of a child, closes its input and reaps it.
pub(super) fn finish(spawned: Spawned) -> Outcome {
    drop(spawned.stdin);
    let stdout = spawned.stdout.map(drain).unwrap_or_default();
    let stderr = spawned.stderr.map(drain).unwrap_or_default();
    Outcome { exit: reap(&spawned.pidfd), stdout, stderr }
}

/// Everything up to end-of-file.
pub(super) fn drain(fd: impl Into<OwnedFd>) -> Vec<u8> {
    let fd = fd.into();
    fcntl_setfl(&fd, OFlags::empty()).unwrap();
    let mut bytes = Vec::new();
    File::from(fd).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Waits for the end of the child.
pub(super) fn reap(pidfd: &OwnedFd) -> ExitStatus {
    use std::os::fd::AsFd;
    let status = waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED).unwrap().unwrap();
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => ExitStatus::Code(code),
        (None, Some(signal)) => ExitStatus::Signal { signal, core_dumped: status.dumped() },
        _ => ExitStatus::Unknown,
    }
}

/// A file with this content and mode in a directory that goes with the guard. Another program
/// writes it: no child of a case beside this one can hold it open for writing then.
pub(super) fn file_in(
    directory: &Path,
    name: &str,
    content: &[u8],
    mode: u32,
) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.join(name);
    let mut cp = std::process::Command::new("cp");
    let cp = cp.arg("/dev/stdin").arg(&path).stdin(std::process::Stdio::piped());
    let mut cp = cp.spawn().unwrap();
    cp.stdin.take().unwrap().write_all(content).unwrap();
    assert!(cp.wait().unwrap().success());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

/// The number of a limit; its type differs between glibc and musl.
pub(super) fn limit(resource: impl TryInto<u32>) -> u32 {
    resource.try_into().unwrap_or(u32::MAX)
}
