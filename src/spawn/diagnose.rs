//! From a step and an errno to what it means for the caller. Runs after the failure, in the
//! parent, and therefore describes what the file system looks like by then.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::stdio::Unopened;
use super::{interpreter, lookup, SpawnContext};
use crate::command::Command;
use crate::error::{ProcessError, StartError, StartErrorKind, StartStep};
use crate::sys::spawn::{Failure, StringTable};

/// One start, for the messages.
pub(super) struct Attempt<'a> {
    pub(super) command: &'a Command,
    pub(super) context: &'a SpawnContext<'a>,
    pub(super) candidates: &'a StringTable,
}

/// What a failure means and what it is about.
type Meaning = (StartErrorKind, Option<String>);

impl Attempt<'_> {
    /// The error for something that could not be opened.
    pub(super) fn unprepared(&self, failed: Unopened) -> ProcessError {
        let mut error = self.error(StartStep::Prepare, failed.errno);
        (error.kind, error.subject) = limit(failed.errno);
        error.subject = failed.subject.or(error.subject);
        error.into()
    }

    /// The error for a step that failed.
    pub(super) fn explain(&self, failure: Failure) -> StartError {
        let Failure { step, errno, detail } = failure;
        let mut error = self.error(step, errno);
        (error.kind, error.subject) = match step {
            StartStep::Exec => self.exec(errno, detail),
            StartStep::Chdir => (StartErrorKind::WorkingDirectory, self.directory_text()),
            StartStep::Rlimit => (StartErrorKind::Other, Some(limit_name(detail))),
            StartStep::Descriptors => self.descriptors(errno, detail),
            _ => limit(errno),
        };
        if error.kind == StartErrorKind::ProgramNotFound && self.is_searched() {
            error.step = StartStep::Lookup;
        }
        error
    }

    fn error(&self, step: StartStep, errno: i32) -> StartError {
        StartError::new(self.command.program_label(), step, errno)
    }

    fn is_searched(&self) -> bool {
        let program = self.context.program.as_os_str().as_bytes();
        self.context.exec_fd.is_none() && lookup::is_searched(program)
    }

    fn directory_text(&self) -> Option<String> {
        self.command.cwd.as_ref().map(|path| path.to_string_lossy().into_owned())
    }

    fn descriptors(&self, errno: i32, target: u32) -> Meaning {
        let (kind, subject) = limit(errno);
        (kind, subject.or_else(|| Some(format!("descriptor {target}"))))
    }

    fn exec(&self, errno: i32, candidate: u32) -> Meaning {
        match errno {
            libc::ENOENT | libc::ENOTDIR => self.not_found(),
            libc::EACCES | libc::EPERM => self.not_permitted(candidate as usize),
            libc::ENOEXEC | libc::ELIBBAD | libc::EINVAL | libc::EISDIR => {
                (StartErrorKind::BadFormat, None)
            }
            libc::E2BIG => (StartErrorKind::ResourceLimit, Some("arguments".into())),
            _ => limit(errno),
        }
    }

    /// The kernel says the same for a missing program and for a missing interpreter.
    fn not_found(&self) -> Meaning {
        let base = self.base();
        let existing = self.paths().find(|path| base.join(path).is_file());
        let missing = existing.and_then(|path| interpreter::missing(&path, base));
        match missing {
            Some(interpreter) => (StartErrorKind::InterpreterNotFound, text(&interpreter)),
            None => (StartErrorKind::ProgramNotFound, None),
        }
    }

    fn not_permitted(&self, candidate: usize) -> Meaning {
        let base = self.base();
        let path = self.paths().nth(candidate).map(|path| base.join(path));
        let Some(path) = path else { return (StartErrorKind::PermissionDenied, None) };
        if path.is_dir() {
            return (StartErrorKind::IsADirectory, None);
        }
        let interpreter = interpreter::of(&path).map(|name| base.join(name));
        let culprit = interpreter.filter(|name| is_executable(&path) && !is_executable(name));
        (StartErrorKind::PermissionDenied, culprit.as_deref().and_then(text))
    }

    /// Where the child's relative paths start from.
    fn base(&self) -> &Path {
        self.command.cwd.as_deref().unwrap_or(Path::new(""))
    }

    fn paths(&self) -> Box<dyn Iterator<Item = PathBuf> + '_> {
        if let Some(fd) = self.context.exec_fd {
            use std::os::fd::AsRawFd;
            let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
            return Box::new(std::iter::once(PathBuf::from(path)));
        }
        let path = |string: &std::ffi::CStr| PathBuf::from(OsStr::from_bytes(string.to_bytes()));
        Box::new(self.candidates.strings().map(path))
    }
}

fn text(path: &Path) -> Option<String> {
    Some(path.to_string_lossy().into_owned())
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// The errors that mean that something is used up.
fn limit(errno: i32) -> Meaning {
    let what = match errno {
        libc::EAGAIN => "processes",
        libc::EMFILE => "open files of this process",
        libc::ENFILE => "open files of the system",
        libc::ENOMEM => "memory",
        _ => return (StartErrorKind::Other, None),
    };
    (StartErrorKind::ResourceLimit, Some(what.into()))
}

/// The kernel's names in the order of their numbers.
const LIMITS: [&str; 16] = [
    "RLIMIT_CPU",
    "RLIMIT_FSIZE",
    "RLIMIT_DATA",
    "RLIMIT_STACK",
    "RLIMIT_CORE",
    "RLIMIT_RSS",
    "RLIMIT_NPROC",
    "RLIMIT_NOFILE",
    "RLIMIT_MEMLOCK",
    "RLIMIT_AS",
    "RLIMIT_LOCKS",
    "RLIMIT_SIGPENDING",
    "RLIMIT_MSGQUEUE",
    "RLIMIT_NICE",
    "RLIMIT_RTPRIO",
    "RLIMIT_RTTIME",
];

fn limit_name(resource: u32) -> String {
    let name = usize::try_from(resource).ok().and_then(|index| LIMITS.get(index));
    name.map_or_else(|| format!("limit {resource}"), |name| (*name).to_string())
}
