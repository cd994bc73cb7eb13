//! The status codes and what of the core's errors each stands for.

use std::ffi::{c_char, CStr};

use core_api::{ProcessError, StartErrorKind};

/// What every function that can fail returns: `PM_OK`, a positive code for an outcome that is no
/// error (nothing was written then, neither outputs nor an error), or a negative error code.
///
/// Codes are never renumbered; new ones may be added.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum pm_status {
    /// Done.
    PM_OK = 0,
    /// The caller's deadline passed first. Nothing was changed by the wait itself.
    PM_TIMED_OUT = 1,
    /// There is nothing more to come: the end of the output.
    PM_END = 2,

    /// A pointer that must not be NULL is NULL; the message names the argument.
    PM_ERROR_NULL_ARGUMENT = -1,
    /// An argument was refused before anything was done; the message names it and says why.
    PM_ERROR_INVALID_ARGUMENT = -2,

    /// No binary with that name was added to the extractor.
    PM_ERROR_BINARY_NOT_FOUND = -20,
    /// The manager has no process with that id.
    PM_ERROR_PROCESS_NOT_FOUND = -21,
    /// The object was closed or has ended, or the stream is not piped.
    PM_ERROR_CLOSED = -22,
    /// The handle was made before fork() and belongs to the parent process.
    PM_ERROR_FORKED = -23,
    /// The function was called from a callback that it is itself running.
    PM_ERROR_REENTRANT = -24,
    /// Another thread is inside the function that one thread at a time may call.
    PM_ERROR_BUSY = -25,
    /// A bounded resource of this library is used up.
    PM_ERROR_LIMIT_REACHED = -26,

    /// The process could not be started; pm_error_step() says at which step.
    PM_ERROR_START_FAILED = -40,
    /// Not started: there is no such program.
    PM_ERROR_PROGRAM_NOT_FOUND = -41,
    /// Not started: the interpreter that the program names does not exist.
    PM_ERROR_INTERPRETER_NOT_FOUND = -42,
    /// Not started: the program is a directory.
    PM_ERROR_IS_A_DIRECTORY = -43,
    /// Not started: the program has no execute permission, or is on a file system without it.
    PM_ERROR_NOT_EXECUTABLE = -44,
    /// Not started: the file is not something that this machine can execute.
    PM_ERROR_BAD_FORMAT = -45,
    /// Not started: the working directory does not exist or cannot be entered.
    PM_ERROR_WORKING_DIRECTORY = -46,
    /// Not started: a limit of the system or the user was reached.
    PM_ERROR_RESOURCE_LIMIT = -47,
    /// The process, or a part of its tree, was still alive at the deadline of the stop.
    PM_ERROR_STOP_FAILED = -50,
    /// A binary could not be extracted. No partial file is left.
    PM_ERROR_EXTRACTION_FAILED = -51,
    /// A system call failed; pm_error_errno() has its number.
    PM_ERROR_IO = -52,
    /// sudo refused the password, or refused to ask for one.
    PM_ERROR_AUTHENTICATION_FAILED = -53,
    /// The kernel, the machine or the configuration does not offer what was demanded.
    PM_ERROR_UNSUPPORTED = -54,

    /// A defect of this library. The call had no effect that can be relied on.
    PM_ERROR_PANIC = -90,
    /// A failure that this version of the C interface has no code for; see the message.
    PM_ERROR_OTHER = -91,
}

use pm_status::*;

impl pm_status {
    const ALL: [Self; 27] = [
        PM_OK,
        PM_TIMED_OUT,
        PM_END,
        PM_ERROR_NULL_ARGUMENT,
        PM_ERROR_INVALID_ARGUMENT,
        PM_ERROR_BINARY_NOT_FOUND,
        PM_ERROR_PROCESS_NOT_FOUND,
        PM_ERROR_CLOSED,
        PM_ERROR_FORKED,
        PM_ERROR_REENTRANT,
        PM_ERROR_BUSY,
        PM_ERROR_LIMIT_REACHED,
        PM_ERROR_START_FAILED,
        PM_ERROR_PROGRAM_NOT_FOUND,
        PM_ERROR_INTERPRETER_NOT_FOUND,
        PM_ERROR_IS_A_DIRECTORY,
        PM_ERROR_NOT_EXECUTABLE,
        PM_ERROR_BAD_FORMAT,
        PM_ERROR_WORKING_DIRECTORY,
        PM_ERROR_RESOURCE_LIMIT,
        PM_ERROR_STOP_FAILED,
        PM_ERROR_EXTRACTION_FAILED,
        PM_ERROR_IO,
        PM_ERROR_AUTHENTICATION_FAILED,
        PM_ERROR_UNSUPPORTED,
        PM_ERROR_PANIC,
        PM_ERROR_OTHER,
    ];

    /// True for the codes that come with an error object.
    pub(crate) fn is_error(self) -> bool {
        (self as i32) < 0
    }

    fn meaning(self) -> &'static CStr {
        match self {
            PM_OK => c"ok",
            PM_TIMED_OUT => c"timed out",
            PM_END => c"end",
            PM_ERROR_NULL_ARGUMENT => c"argument is NULL",
            PM_ERROR_INVALID_ARGUMENT => c"invalid argument",
            PM_ERROR_BINARY_NOT_FOUND => c"binary not found",
            PM_ERROR_PROCESS_NOT_FOUND => c"process not found",
            PM_ERROR_CLOSED => c"closed",
            PM_ERROR_FORKED => c"handle belongs to the parent process",
            PM_ERROR_REENTRANT => c"called from its own callback",
            PM_ERROR_BUSY => c"busy on another thread",
            PM_ERROR_LIMIT_REACHED => c"limit reached",
            _ => self.system_meaning(),
        }
    }

    fn system_meaning(self) -> &'static CStr {
        match self {
            PM_ERROR_START_FAILED => c"start failed",
            PM_ERROR_PROGRAM_NOT_FOUND => c"program not found",
            PM_ERROR_INTERPRETER_NOT_FOUND => c"interpreter not found",
            PM_ERROR_IS_A_DIRECTORY => c"program is a directory",
            PM_ERROR_NOT_EXECUTABLE => c"program is not executable",
            PM_ERROR_BAD_FORMAT => c"program has a bad format",
            PM_ERROR_WORKING_DIRECTORY => c"working directory cannot be entered",
            PM_ERROR_RESOURCE_LIMIT => c"resource limit reached",
            PM_ERROR_STOP_FAILED => c"stop failed",
            PM_ERROR_EXTRACTION_FAILED => c"extraction failed",
            PM_ERROR_IO => c"input/output error",
            PM_ERROR_AUTHENTICATION_FAILED => c"authentication failed",
            PM_ERROR_UNSUPPORTED => c"unsupported",
            PM_ERROR_PANIC => c"internal error",
            _ => c"other error",
        }
    }
}

impl From<&ProcessError> for pm_status {
    fn from(error: &ProcessError) -> Self {
        match error {
            ProcessError::BinaryNotFound(_) => PM_ERROR_BINARY_NOT_FOUND,
            ProcessError::ProcessNotFound(_) => PM_ERROR_PROCESS_NOT_FOUND,
            ProcessError::StartFailed(error) => error.kind.into(),
            ProcessError::StopFailed(_) => PM_ERROR_STOP_FAILED,
            ProcessError::ExtractionFailed(_) => PM_ERROR_EXTRACTION_FAILED,
            ProcessError::InvalidArgument { .. } => PM_ERROR_INVALID_ARGUMENT,
            ProcessError::TimedOut(_) => PM_TIMED_OUT,
            ProcessError::AuthenticationFailed(_) => PM_ERROR_AUTHENTICATION_FAILED,
            ProcessError::Forked => PM_ERROR_FORKED,
            ProcessError::Unsupported(_) => PM_ERROR_UNSUPPORTED,
            ProcessError::Closed(_) => PM_ERROR_CLOSED,
            ProcessError::LimitReached(_) => PM_ERROR_LIMIT_REACHED,
            ProcessError::Io { .. } => PM_ERROR_IO,
            _ => PM_ERROR_OTHER,
        }
    }
}

impl From<StartErrorKind> for pm_status {
    fn from(kind: StartErrorKind) -> Self {
        match kind {
            StartErrorKind::ProgramNotFound => PM_ERROR_PROGRAM_NOT_FOUND,
            StartErrorKind::InterpreterNotFound => PM_ERROR_INTERPRETER_NOT_FOUND,
            StartErrorKind::IsADirectory => PM_ERROR_IS_A_DIRECTORY,
            StartErrorKind::PermissionDenied => PM_ERROR_NOT_EXECUTABLE,
            StartErrorKind::BadFormat => PM_ERROR_BAD_FORMAT,
            StartErrorKind::WorkingDirectory => PM_ERROR_WORKING_DIRECTORY,
            StartErrorKind::ResourceLimit => PM_ERROR_RESOURCE_LIMIT,
            _ => PM_ERROR_START_FAILED,
        }
    }
}

/// What a status means, in a few words; the error object says more. It is valid for ever. Numbers
/// that are no status give "other error".
///
/// Threads: any thread.
#[unsafe(no_mangle)]
pub extern "C" fn pm_status_string(status: i32) -> *const c_char {
    let known = pm_status::ALL.into_iter().find(|known| *known as i32 == status);
    known.unwrap_or(PM_ERROR_OTHER).meaning().as_ptr()
}
