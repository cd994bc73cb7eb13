//! Starts a process: from a validated [`Command`] to a running child and the host's pipe ends.
//!
//! Called by the process module on the thread that starts. Everything the child needs is prepared
//! here, in the parent; `sys::spawn` makes the child; `diagnose` explains what went wrong. A start
//! that fails leaves nothing: no descriptor, no child, no zombie. (A file named for standard
//! output has been created or truncated by then, as in a shell.)
//!
//! All calls return when the program runs, or with the error. The one wait that cannot be bounded
//! is the kernel's own: reading the program from a dead network mount.

#[cfg(test)]
mod conformance;
mod diagnose;
mod image;
mod interpreter;
mod lookup;
mod mode;
mod stdio;

use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub(crate) use crate::sys::spawn::CloneMode;
pub(crate) use mode::under_valgrind;

use crate::command::{Command, GroupMode};
use crate::error::{ProcessError, Result, StartStep};
use crate::sys::guarded::ForkGuarded;
use crate::sys::spawn::{launch, Failure, Launched, Plan, StringTable};
use diagnose::Attempt;
use image::Image;
use stdio::Stdio;

/// A process that runs its program.
#[derive(Debug)]
pub(crate) struct Spawned {
    /// Its process id.
    pub(crate) pid: i32,
    /// Refers to this process for ever. Closed on exec.
    pub(crate) pidfd: OwnedFd,
    /// Its process group, if it leads one.
    pub(crate) pgid: Option<i32>,
    /// The write end of its standard input. Like the two below non-blocking and closed on exec;
    /// the child's own end is blocking.
    pub(crate) stdin: Option<ForkGuarded>,
    /// The read end of its standard output.
    pub(crate) stdout: Option<ForkGuarded>,
    /// The read end of its standard error.
    pub(crate) stderr: Option<ForkGuarded>,
}

/// What a start needs beside the command.
pub(crate) struct SpawnContext<'a> {
    /// The program: the extracted file, or the command's own path.
    pub(crate) program: &'a Path,
    /// Execute this descriptor instead, where the extractor has no executable path.
    pub(crate) exec_fd: Option<BorrowedFd<'a>>,
    /// The directory of the control group to be in.
    pub(crate) cgroup: Option<BorrowedFd<'a>>,
    /// Whether it is to be the first process of a PID namespace of its own.
    pub(crate) pid_namespace: bool,
}

/// Starts `command`, which must have been validated.
///
/// Errors: [`ProcessError::StartFailed`]; [`ProcessError::InvalidArgument`] for a bad
/// `PROCESS_MANAGER_SPAWN` or a NUL byte.
pub(crate) fn spawn(command: &Command, context: &SpawnContext<'_>) -> Result<Spawned> {
    let mode = mode::current()?;
    match spawn_in(mode, command, context) {
        Err(ProcessError::StartFailed(error)) if mode::is_refusal(&error) => {
            // A sandbox may have been closed around the host since the mode was chosen.
            let weaker = mode::choose_again()?;
            if weaker == mode {
                return Err(error.into());
            }
            spawn_in(weaker, command, context)
        }
        result => result,
    }
}

/// Starts a program that tells its host by itself that it runs. Nothing rests on what this says of
/// it, so that the host's first start can be one: it tries the clone mode out on the way.
///
/// Errors: those of [`spawn`].
pub(crate) fn spawn_teller(command: &Command, context: &SpawnContext<'_>) -> Result<Spawned> {
    let Some(mode) = mode::untried()? else { return spawn(command, context) };
    let Ok((launched, stdio)) = launch_in(mode, command, context) else {
        return spawn(command, context);
    };
    if launched.is_shared {
        mode::keep(mode);
    }
    Ok(assemble(command, launched, stdio))
}

/// Starts `command` in a given mode.
fn spawn_in(mode: CloneMode, command: &Command, context: &SpawnContext<'_>) -> Result<Spawned> {
    let (launched, stdio) = launch_in(mode, command, context)?;
    Ok(assemble(command, launched, stdio))
}

fn launch_in(
    mode: CloneMode,
    command: &Command,
    context: &SpawnContext<'_>,
) -> Result<(Launched, Stdio)> {
    let image = Image::new(command, context);
    let attempt = Attempt { command, context, candidates: &image.candidates };
    let cwd = directory(command)?;
    let stdio = Stdio::open(command).map_err(|failed| attempt.unprepared(failed))?;
    let exec_fd = context.exec_fd.map(image::exec_fd);
    let plan = Plan {
        command,
        argv: &image.argv,
        envp: &image.envp,
        candidates: &image.candidates,
        exec_fd,
        cwd: cwd.as_deref(),
        cgroup: context.cgroup.map(|directory| directory.as_raw_fd()),
        pid_namespace: context.pid_namespace,
        mappings: &stdio.mappings,
    };
    match launch(mode, &plan) {
        Ok(launched) => Ok((launched, stdio)),
        Err(failure) => Err(attempt.explain(failure).into()),
    }
}

fn assemble(command: &Command, launched: Launched, stdio: Stdio) -> Spawned {
    let Launched { pid, pidfd, .. } = launched;
    let pgid = (command.group != GroupMode::Host).then_some(pid);
    let Stdio { stdin, stdout, stderr, .. } = stdio;
    Spawned { pid, pidfd, pgid, stdin, stdout, stderr }
}

fn directory(command: &Command) -> Result<Option<CString>> {
    let Some(path) = &command.cwd else { return Ok(None) };
    let refused = |_| ProcessError::invalid("working directory", "contains a NUL byte");
    CString::new(path.as_os_str().as_bytes()).map(Some).map_err(refused)
}

/// What a guard executes in this layer's stead: the same lookup, the same arguments.
pub(crate) struct Execution {
    /// Paths to try in order, as execvp(3) does.
    pub(crate) candidates: Vec<OsString>,
    /// The program's own name.
    pub(crate) arg0: OsString,
    /// Whether the descriptor to execute must stay open: it is a script.
    pub(crate) keeps_fd: bool,
}

/// What the spawn layer opens and composes for a start that somebody else carries out.
pub(crate) struct Prepared {
    /// The child's descriptors and their numbers there.
    pub(crate) descriptors: Vec<(OwnedFd, i32)>,
    /// The host's ends of standard input, output and error.
    pub(crate) ends: [Option<ForkGuarded>; 3],
    environment: StringTable,
}

impl Prepared {
    /// The assignments of the environment.
    pub(crate) fn environment(&self) -> impl Iterator<Item = &[u8]> {
        self.environment.strings().map(CStr::to_bytes)
    }
}

/// Opens what the descriptors of `command` come from, and composes its environment.
pub(crate) fn prepare(command: &Command, context: &SpawnContext<'_>) -> Result<Prepared> {
    let image = Image::new(command, context);
    let attempt = Attempt { command, context, candidates: &image.candidates };
    let stdio = Stdio::open(command).map_err(|failed| attempt.unprepared(failed))?;
    let mut descriptors = Vec::with_capacity(stdio.mappings.len());
    for mapping in &stdio.mappings {
        descriptors.push((mapping.duplicate()?, mapping.target));
    }
    let Stdio { stdin, stdout, stderr, .. } = stdio;
    Ok(Prepared { descriptors, ends: [stdin, stdout, stderr], environment: image.envp })
}

/// Prepares the execution of `command` by somebody else.
pub(crate) fn execution(command: &Command, context: &SpawnContext<'_>) -> Execution {
    let text = |string: &CStr| OsStr::from_bytes(string.to_bytes()).to_owned();
    Execution {
        candidates: image::candidates(command, context).strings().map(text).collect(),
        arg0: image::own_name(command, context).to_owned(),
        keeps_fd: context.exec_fd.map(image::exec_fd).is_some_and(|fd| fd.keep),
    }
}

/// Explains a step that failed in somebody else's hands; `candidate` is the index of the path.
pub(crate) fn explain_execution(
    command: &Command,
    context: &SpawnContext<'_>,
    (step, errno, candidate): (StartStep, i32, u32),
) -> ProcessError {
    let candidates = image::candidates(command, context);
    let attempt = Attempt { command, context, candidates: &candidates };
    attempt.explain(Failure { step, errno, detail: candidate }).into()
}
