//! What a child is to do, prepared in the parent, and how it says what went wrong.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::CStr;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::strings::StringTable;
use crate::command::Command;
use crate::error::StartStep;

/// One descriptor for the child: `source` of the host becomes `target` of the child.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// The host's number. The child changes it when it must move the descriptor away.
    pub(crate) source: Cell<RawFd>,
    /// The child's number.
    pub(crate) target: RawFd,
}

impl Mapping {
    /// A duplicate of the host's descriptor.
    pub(crate) fn duplicate(&self) -> std::io::Result<OwnedFd> {
        // SAFETY: numbers only; a number that is not open is refused.
        let fd = unsafe { libc::fcntl(self.source.get(), libc::F_DUPFD_CLOEXEC, 3) };
        if fd < 0 {
            return Err(std::io::Error::last_os_error());
        }
        // SAFETY: just made, and nobody else knows it.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

/// The descriptor to execute instead of a path.
#[derive(Debug)]
pub(crate) struct ExecFd {
    /// The host's number; lower for the moment of a clone that shares the host's table.
    pub(crate) fd: Cell<RawFd>,
    /// Whether it stays open in the program: the interpreter of a script reads the script from it.
    pub(crate) keep: bool,
}

/// Everything a child needs, so that it has nothing to allocate or to look up.
pub(crate) struct Plan<'a> {
    /// The plain options: group, limits, nice, affinity, umask, user.
    pub(crate) command: &'a Command,
    /// The arguments, the program's own name first.
    pub(crate) argv: &'a StringTable,
    /// The environment.
    pub(crate) envp: &'a StringTable,
    /// Paths to try in order; ignored when `exec_fd` is given.
    pub(crate) candidates: &'a StringTable,
    /// The descriptor to execute, if any.
    pub(crate) exec_fd: Option<ExecFd>,
    /// The working directory to enter.
    pub(crate) cwd: Option<&'a CStr>,
    /// The control group to be in.
    pub(crate) cgroup: Option<RawFd>,
    /// Whether the child gets a PID namespace of its own.
    pub(crate) pid_namespace: bool,
    /// All descriptors the child gets. Targets are unique; 0, 1 and 2 are among them.
    pub(crate) mappings: &'a [Mapping],
}

/// A start that failed: where and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The step.
    pub(crate) step: StartStep,
    /// The kernel's answer.
    pub(crate) errno: i32,
    /// Which of several: the candidate's index, the limit's number, the descriptor.
    pub(crate) detail: u32,
}

impl Failure {
    #[inline(always)]
    pub(super) fn new(step: StartStep, errno: i32) -> Self {
        Self { step, errno, detail: 0 }
    }
}

/// A failure as three words: step + 1, errno, detail. All zero: none so far.
pub(super) type Wire = [u32; 3];

#[inline(always)]
pub(super) fn encode(failure: Failure) -> Wire {
    [(failure.step as u32).wrapping_add(1), failure.errno as u32, failure.detail]
}

pub(super) fn decode(wire: Wire) -> Option<Failure> {
    let [code, errno, detail] = wire;
    let step = STEPS.iter().copied().find(|step| (*step as u32).wrapping_add(1) == code)?;
    Some(Failure { step, errno: errno as i32, detail })
}

/// The steps that a child can report.
const STEPS: [StartStep; 14] = [
    StartStep::Clone,
    StartStep::Contain,
    StartStep::Signals,
    StartStep::Session,
    StartStep::Group,
    StartStep::Rlimit,
    StartStep::Nice,
    StartStep::Affinity,
    StartStep::Groups,
    StartStep::SetGid,
    StartStep::SetUid,
    StartStep::Chdir,
    StartStep::Descriptors,
    StartStep::Exec,
];

/// Where a child that shares the host's memory leaves its failure, and that it has begun. The
/// parent reads it when the clone returns, which is after the child has ended or has become its
/// program.
///
/// Plain memory of the parent is enough: the vfork modes are relied on only after `probe`, or the
/// beginning of an earlier child, has shown that memory really is shared and the parent really
/// waits (emulators and valgrind turn such a clone into a fork, where a page mapped shared would
/// carry the words but nobody would wait for them). A shared mapping that is kept for reuse would
/// be shared with forked copies of the host as well, and two hosts would write into each other's
/// reports.
#[derive(Default)]
pub(super) struct Report {
    begun: AtomicBool,
    words: [AtomicU32; 3],
}

impl Report {
    #[inline(always)]
    pub(super) fn begin(&self) {
        self.begun.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    #[inline(always)]
    pub(super) fn set(&self, failure: Failure) {
        let words = self.words.iter().zip(encode(failure));
        words.for_each(|(word, value)| word.store(value, Ordering::Relaxed));
    }

    pub(super) fn get(&self) -> Option<Failure> {
        let [code, errno, detail] = &self.words;
        decode([code, errno, detail].map(|word| word.load(Ordering::Acquire)))
    }
}
