//! The plain values that cross the boundary: bytes, ids, states, exit statuses.
//!
//! These structs are part of the ABI: they never change; what comes new gets a new name.

use core_api::{Containment, ExitStatus, ProcessStatus};
use uuid::Uuid;

/// Given as the length of a text argument: the text ends at its first NUL byte.
pub const PM_NUL_TERMINATED: usize = usize::MAX;

/// A view of bytes that somebody else owns; `data` may be NULL where `len` is 0. Not terminated.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct pm_bytes {
    /// The first byte.
    pub data: *const u8,
    /// The number of bytes.
    pub len: usize,
}

/// The id of a process: a UUID of version 7, so that ids sort by start. All zero: none.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct pm_id {
    /// The bytes in the order in which the text form shows them.
    pub bytes: [u8; 16],
}

/// Where a process stands.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum pm_state {
    /// Not known: a NULL handle, or a state that this version of the C interface has no name for.
    PM_STATE_UNKNOWN = 0,
    /// Accepted and not yet running.
    PM_STATE_PENDING = 1,
    /// Started, and its end has not been seen.
    PM_STATE_RUNNING = 2,
    /// Ended by itself with code 0, or because this library was asked to end it.
    PM_STATE_STOPPED = 3,
    /// Ended with another code, by a signal that this library did not send, or by its timeout.
    PM_STATE_FAILED = 4,
}

/// How a process ended.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum pm_exit_kind {
    /// It has not ended.
    PM_EXIT_NONE = 0,
    /// It ended by itself; `code` holds its exit code.
    PM_EXIT_CODE = 1,
    /// A signal ended it; `signal` holds its number.
    PM_EXIT_SIGNAL = 2,
    /// It ended, but somebody else took its status.
    PM_EXIT_UNKNOWN = 3,
}

/// How a process ended, in full. Code and signal are never mixed.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct pm_exit {
    /// Which of the fields below count.
    pub kind: pm_exit_kind,
    /// The exit code, 0 to 255; -1 unless `kind` is `PM_EXIT_CODE`.
    pub code: i32,
    /// The signal's number; 0 unless `kind` is `PM_EXIT_SIGNAL`.
    pub signal: i32,
    /// 1 if the kernel wrote a core dump, else 0.
    pub core_dumped: u32,
}

/// How surely the descendants of a process are held.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum pm_containment {
    /// Not known: a NULL handle, or a level that this version of the C interface has no name for.
    PM_CONTAINMENT_UNKNOWN = 0,
    /// Only the process itself.
    PM_CONTAINMENT_PROCESS = 1,
    /// Its process group: descendants that leave the group escape.
    PM_CONTAINMENT_GROUP = 2,
    /// A guard process that is the parent of the whole tree; emptiness is proven.
    PM_CONTAINMENT_GUARD = 3,
    /// A control group of its own; emptiness is proven.
    PM_CONTAINMENT_CGROUP = 4,
    /// A PID namespace of its own (pid_namespaces(7)): the kernel ends all that is in it. Never
    /// chosen unless demanded: the command has process ids of its own, but the host's /proc. Needs
    /// CAP_SYS_ADMIN.
    PM_CONTAINMENT_PIDNS = 5,
}

/// The output stream that something came from.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum pm_source {
    /// Standard output; also standard error where that was merged into it.
    PM_SOURCE_STDOUT = 1,
    /// Standard error.
    PM_SOURCE_STDERR = 2,
}

/// One step of a stop: a signal, and how long to wait for the tree to end before the next step.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct pm_stop_step {
    /// Signal number, 1 to 64.
    pub signal: i32,
    /// How long to wait after it, in milliseconds.
    pub grace_ms: u32,
}

impl From<Uuid> for pm_id {
    fn from(id: Uuid) -> Self {
        Self { bytes: id.into_bytes() }
    }
}

impl From<pm_id> for Uuid {
    fn from(id: pm_id) -> Self {
        Self::from_bytes(id.bytes)
    }
}

impl From<ProcessStatus> for pm_state {
    fn from(status: ProcessStatus) -> Self {
        match status {
            ProcessStatus::Pending => Self::PM_STATE_PENDING,
            ProcessStatus::Running => Self::PM_STATE_RUNNING,
            ProcessStatus::Stopped => Self::PM_STATE_STOPPED,
            ProcessStatus::Failed => Self::PM_STATE_FAILED,
        }
    }
}

impl pm_exit {
    pub(crate) const NONE: Self = Self::of_kind(pm_exit_kind::PM_EXIT_NONE);

    const fn of_kind(kind: pm_exit_kind) -> Self {
        Self { kind, code: -1, signal: 0, core_dumped: 0 }
    }
}

impl From<ExitStatus> for pm_exit {
    fn from(exit: ExitStatus) -> Self {
        match exit {
            ExitStatus::Code(code) => Self { code, ..Self::of_kind(pm_exit_kind::PM_EXIT_CODE) },
            ExitStatus::Signal { signal, core_dumped } => {
                let core_dumped = core_dumped.into();
                Self { signal, core_dumped, ..Self::of_kind(pm_exit_kind::PM_EXIT_SIGNAL) }
            }
            ExitStatus::Unknown => Self::of_kind(pm_exit_kind::PM_EXIT_UNKNOWN),
        }
    }
}

impl From<Option<ExitStatus>> for pm_exit {
    fn from(exit: Option<ExitStatus>) -> Self {
        exit.map_or(Self::NONE, Self::from)
    }
}

impl From<Containment> for pm_containment {
    fn from(level: Containment) -> Self {
        match level {
            Containment::Process => Self::PM_CONTAINMENT_PROCESS,
            Containment::Group => Self::PM_CONTAINMENT_GROUP,
            Containment::Guard => Self::PM_CONTAINMENT_GUARD,
            Containment::Cgroup => Self::PM_CONTAINMENT_CGROUP,
            Containment::PidNamespace => Self::PM_CONTAINMENT_PIDNS,
            _ => Self::PM_CONTAINMENT_UNKNOWN,
        }
    }
}

impl From<core_api::OutputSource> for pm_source {
    fn from(source: core_api::OutputSource) -> Self {
        match source {
            core_api::OutputSource::Stdout => Self::PM_SOURCE_STDOUT,
            core_api::OutputSource::Stderr => Self::PM_SOURCE_STDERR,
        }
    }
}

impl pm_bytes {
    pub(crate) const EMPTY: Self = Self { data: std::ptr::null(), len: 0 };

    pub(crate) fn view(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), len: bytes.len() }
    }
}
