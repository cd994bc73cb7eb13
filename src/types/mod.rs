//! The plain values that cross the API: configuration in, facts about a process out.

mod run;

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use run::{RunEnd, RunError, RunOutput};

/// The simple form of what to start: an extracted binary by name, with text arguments.
///
/// [`Command`](crate::Command) is the full form; this one converts into it, and everything that
/// accepts one accepts the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessConfig {
    /// A name for people: it appears in [`ProcessInfo`], events and messages. Need not be unique.
    pub name: String,
    /// The name under which the binary was added to the extractor.
    pub binary_name: String,
    /// The arguments, without the program's own name.
    pub args: Vec<String>,
    /// Variables added to (or replacing those of) the host's environment.
    pub env: HashMap<String, String>,
    /// The working directory; `None` means the host's.
    pub working_dir: Option<String>,
}

/// Where a process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProcessStatus {
    /// Accepted and not yet running.
    Pending,
    /// Started, and its end has not been seen.
    Running,
    /// Ended by itself with code 0, or because this library was asked to end it.
    Stopped,
    /// Ended with another exit code, by a signal that this library did not send, or by its own
    /// timeout.
    Failed,
}

impl fmt::Display for ProcessStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        })
    }
}

/// How a process ended. Codes and signals are never mixed, and never guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExitStatus {
    /// It called exit(2) with this code, 0 to 255.
    Code(i32),
    /// A signal ended it.
    Signal {
        /// The signal's number.
        signal: i32,
        /// Whether the kernel wrote a core dump.
        core_dumped: bool,
    },
    /// It ended, but somebody else took its status: the host reaps children behind this library's
    /// back or ignores SIGCHLD, and the kernel is older than 6.15.
    Unknown,
}

impl ExitStatus {
    /// True for exit code 0.
    pub fn success(&self) -> bool {
        matches!(self, Self::Code(0))
    }

    /// The exit code, if it exited.
    pub fn code(&self) -> Option<i32> {
        if let Self::Code(code) = self {
            Some(*code)
        } else {
            None
        }
    }

    /// The signal's number, if a signal ended it.
    pub fn signal(&self) -> Option<i32> {
        if let Self::Signal { signal, .. } = self {
            Some(*signal)
        } else {
            None
        }
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal { signal, core_dumped: false } => write!(f, "signal {signal}"),
            Self::Signal { signal, core_dumped: true } => {
                write!(f, "signal {signal} (core dumped)")
            }
            Self::Unknown => f.write_str("ended, status unknown"),
        }
    }
}

/// How surely the descendants of a process are held; each level covers more than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Containment {
    /// Only the process itself.
    Process,
    /// Its process group: descendants that leave the group escape, and emptiness is not proven.
    Group,
    /// A guard process that is the parent of the whole tree; emptiness is proven (ECHILD).
    Guard,
    /// A control group of its own; emptiness is proven (`populated 0`).
    Cgroup,
    /// A PID namespace of its own, whose first process is a guard: when that ends, the kernel has
    /// ended everything in it (pid_namespaces(7)). Never chosen unless demanded, since it changes
    /// what the command sees: its own process ids, but the host's `/proc`. Needs CAP_SYS_ADMIN.
    PidNamespace,
}

impl fmt::Display for Containment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Process => "process",
            Self::Group => "group",
            Self::Guard => "guard",
            Self::Cgroup => "cgroup",
            Self::PidNamespace => "pidns",
        })
    }
}

/// What an ended process used, from wait4(2)'s rusage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ResourceUsage {
    /// CPU time in user mode.
    pub user_time: Duration,
    /// CPU time in the kernel.
    pub system_time: Duration,
    /// Peak resident memory in bytes.
    pub max_rss: u64,
}

/// The facts about one process at one moment.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ProcessInfo {
    /// The id this library gave it: a UUID v7, so ids sort by start.
    pub id: Uuid,
    /// The name the caller gave it.
    pub name: String,
    /// The program that was started, as the caller named it.
    pub program: String,
    /// Its process id; stays after the end, when the number may belong to somebody else.
    pub pid: Option<u32>,
    /// Where it stands.
    pub status: ProcessStatus,
    /// How it ended, once it has.
    pub exit: Option<ExitStatus>,
    /// When it was started.
    pub started_at: Option<DateTime<Utc>>,
    /// When its end was seen.
    pub stopped_at: Option<DateTime<Utc>>,
    /// Whether this library was asked to end it.
    pub stop_requested: bool,
    /// Whether its own timeout ended it.
    pub timed_out: bool,
    /// How surely its descendants are held.
    pub containment: Containment,
    /// What it used, once it has ended and the kernel told us.
    pub usage: Option<ResourceUsage>,
}
