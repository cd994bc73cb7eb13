//! What can go wrong, said so that the reader knows what to do.

use std::{fmt, io};

use uuid::Uuid;

use crate::sudo::SudoError;
use crate::types::RunError;

/// Result of every fallible call of this crate.
pub type Result<T, E = ProcessError> = std::result::Result<T, E>;

/// Everything that can go wrong.
///
/// Marked non-exhaustive: keep a `_` arm, kinds may be added.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// No binary with that name was added to the extractor.
    #[error("no binary named {0:?} has been added to the extractor")]
    BinaryNotFound(String),
    /// The manager has no process with that id: it never had, or the entry was removed.
    #[error("no process with id {0}")]
    ProcessNotFound(Uuid),
    /// The process could not be started. Nothing is left of the attempt.
    #[error(transparent)]
    StartFailed(#[from] StartError),
    /// The process could not be stopped, or parts of its tree were still alive at the deadline.
    #[error("cannot stop process: {0}")]
    StopFailed(String),
    /// A binary could not be extracted. No partial file is left.
    #[error(transparent)]
    ExtractionFailed(#[from] ExtractionError),
    /// An argument was refused before anything was done.
    #[error("invalid {argument}: {reason}")]
    InvalidArgument {
        /// The argument, as the caller knows it ("args[2]", "env name", "binary name").
        argument: String,
        /// Why it was refused.
        reason: String,
    },
    /// The deadline that the caller set passed first. Nothing was changed by the wait itself.
    #[error("timed out: {0}")]
    TimedOut(String),
    /// Sudo did not start the command: it refused the password, refused to ask for one, or cannot
    /// work here. The kind says which.
    #[error("authentication failed: {0}")]
    AuthenticationFailed(SudoError),
    /// The handle belongs to the process that forked this one; a forked copy owns nothing.
    #[error("this handle was made before fork() and belongs to the parent process")]
    Forked,
    /// The kernel, the machine or the configuration does not offer what was demanded.
    #[error("not supported here: {0}")]
    Unsupported(String),
    /// The handle was closed, or the stream it refers to was not piped.
    #[error("closed: {0}")]
    Closed(String),
    /// A bounded resource is used up (queue, concurrency limit, output limit with policy "kill").
    #[error("limit reached: {0}")]
    LimitReached(String),
    /// A run was ended before it was complete; carries what was collected.
    #[error(transparent)]
    RunFailed(Box<RunError>),
    /// A system call failed outside the cases above.
    #[error("{context}: {source}")]
    Io {
        /// What was being done.
        context: String,
        /// The system's answer.
        source: io::Error,
    },
}

impl ProcessError {
    /// Builds the error for an argument that is refused.
    pub fn invalid(argument: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::InvalidArgument { argument: argument.into(), reason: reason.into() }
    }

    /// Wraps a system error together with what was being done.
    pub fn io(context: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::Io { context: context.into(), source: source.into() }
    }

    /// The errno behind this error, where there is one.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::StartFailed(error) => Some(error.errno).filter(|errno| *errno != 0),
            Self::ExtractionFailed(error) => {
                error.source.as_ref().and_then(io::Error::raw_os_error)
            }
            Self::Io { source, .. } => source.raw_os_error(),
            _ => None,
        }
    }
}

impl From<io::Error> for ProcessError {
    fn from(source: io::Error) -> Self {
        Self::io("input/output", source)
    }
}

/// The step of a start that failed, in the order in which the steps are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StartStep {
    /// Preparing pipes, files and the other resources in the parent.
    Prepare,
    /// Looking the program up (in `PATH` when its name has no slash).
    Lookup,
    /// Creating the process: clone(2), clone3(2) or fork(2).
    Clone,
    /// Resetting signal dispositions and the signal mask.
    Signals,
    /// setsid(2).
    Session,
    /// setpgid(2).
    Group,
    /// prlimit(2).
    Rlimit,
    /// setpriority(2).
    Nice,
    /// sched_setaffinity(2).
    Affinity,
    /// setgroups(2).
    Groups,
    /// setresgid(2).
    SetGid,
    /// setresuid(2).
    SetUid,
    /// chdir(2) into the working directory.
    Chdir,
    /// Putting descriptors in their places.
    Descriptors,
    /// execve(2).
    Exec,
    /// Handing the process to its containment (cgroup or guard).
    Contain,
}

impl StartStep {
    /// The step's name as it stands in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Lookup => "lookup",
            Self::Clone => "clone",
            Self::Signals => "signals",
            Self::Session => "setsid",
            Self::Group => "setpgid",
            Self::Rlimit => "rlimit",
            Self::Nice => "nice",
            Self::Affinity => "affinity",
            Self::Groups => "setgroups",
            Self::SetGid => "setgid",
            Self::SetUid => "setuid",
            Self::Chdir => "chdir",
            Self::Descriptors => "descriptors",
            Self::Exec => "exec",
            Self::Contain => "contain",
        }
    }
}

impl fmt::Display for StartStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the failed start means for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StartErrorKind {
    /// There is no such program.
    ProgramNotFound,
    /// The program exists, but the interpreter that its first line (`#!`) or its ELF header
    /// names does not.
    InterpreterNotFound,
    /// The program is a directory.
    IsADirectory,
    /// The file has no execute permission, or its file system is mounted noexec.
    PermissionDenied,
    /// The file is not something that this machine can execute.
    BadFormat,
    /// The working directory does not exist or cannot be entered.
    WorkingDirectory,
    /// A limit of the system or the user was reached (processes, descriptors, memory).
    ResourceLimit,
    /// Another step failed: see the step and errno.
    Other,
}

/// A start that failed: which program, at which step, why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StartError {
    /// The program as the caller named it.
    pub program: String,
    /// The step that failed.
    pub step: StartStep,
    /// What it means.
    pub kind: StartErrorKind,
    /// The system's error number, 0 where none applies.
    pub errno: i32,
    /// What the step was about: the working directory, the interpreter, the limit's name.
    pub subject: Option<String>,
}

impl StartError {
    /// Builds an error of kind [`StartErrorKind::Other`].
    pub fn new(program: impl Into<String>, step: StartStep, errno: i32) -> Self {
        let kind = StartErrorKind::Other;
        Self { program: program.into(), step, kind, errno, subject: None }
    }

    fn meaning(&self) -> &'static str {
        match self.kind {
            StartErrorKind::ProgramNotFound => "no such program",
            StartErrorKind::InterpreterNotFound => "its interpreter does not exist",
            StartErrorKind::IsADirectory => "it is a directory, not a program",
            StartErrorKind::PermissionDenied => "not executable",
            StartErrorKind::BadFormat => "not a format that this machine can execute",
            StartErrorKind::WorkingDirectory => "cannot enter the working directory",
            StartErrorKind::ResourceLimit => "a resource limit was reached",
            StartErrorKind::Other => "the step failed",
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot start {:?}: {}", self.program, self.meaning())?;
        if let Some(subject) = &self.subject {
            write!(f, " {subject:?}")?;
        }
        write!(f, " (step {}", self.step)?;
        if self.errno != 0 {
            write!(f, ", {}", io::Error::from_raw_os_error(self.errno))?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for StartError {}

/// A binary that could not be extracted.
#[derive(Debug, thiserror::Error)]
#[error("cannot extract {name:?}: {reason}{}", .source.as_ref().map(|e| format!(" ({e})")).unwrap_or_default())]
#[non_exhaustive]
pub struct ExtractionError {
    /// The binary's name, or the directory where the directory itself failed.
    pub name: String,
    /// What could not be done.
    pub reason: String,
    /// The system's answer, where there is one.
    pub source: Option<io::Error>,
}

impl ExtractionError {
    /// Builds the error with the system's answer.
    pub fn new(name: impl Into<String>, reason: impl Into<String>, source: io::Error) -> Self {
        Self { name: name.into(), reason: reason.into(), source: Some(source) }
    }

    /// Builds the error where no system call is to blame.
    pub fn refused(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { name: name.into(), reason: reason.into(), source: None }
    }
}
