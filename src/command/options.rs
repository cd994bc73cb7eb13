//! The smaller option types of a command.

use std::time::Duration;

/// Which process group and session the child gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupMode {
    /// A process group of its own, so that its descendants can be signalled with it.
    #[default]
    Own,
    /// A session of its own (setsid(2)), and with it a group; no controlling terminal.
    Session,
    /// The host's group: terminal signals reach it, and stopping reaches the process only.
    Host,
}

/// One resource limit (setrlimit(2)), both values in the resource's own unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rlimit {
    /// `RLIMIT_…` number.
    pub resource: u32,
    /// Soft limit; `u64::MAX` means unlimited.
    pub soft: u64,
    /// Hard limit; `u64::MAX` means unlimited.
    pub hard: u64,
}

/// The CPUs the child may use: bit n of word n/64 stands for CPU n.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affinity {
    pub(crate) words: Vec<u64>,
}

impl Affinity {
    /// The set of these CPU numbers.
    pub fn cpus(cpus: impl IntoIterator<Item = usize>) -> Self {
        let mut words = Vec::new();
        for cpu in cpus.into_iter().filter(|cpu| *cpu < 8192) {
            if words.len() <= cpu / 64 {
                words.resize(cpu / 64 + 1, 0);
            }
            words[cpu / 64] |= 1u64 << (cpu % 64);
        }
        Self { words }
    }
}

/// The user and groups the child runs as; unset parts stay the host's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserSpec {
    /// User id.
    pub uid: Option<u32>,
    /// Group id.
    pub gid: Option<u32>,
    /// Supplementary groups. When unset and `uid` is set, the child has none.
    pub groups: Option<Vec<u32>>,
}

/// One step of a stop: a signal, and how long to wait for the tree to end before the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopStep {
    /// Signal number, 1 to 64.
    pub signal: i32,
    /// How long to wait after it.
    pub grace: Duration,
}

/// How a process is asked, then made, to end. SIGKILL follows the last step by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopLadder {
    /// The steps, in order.
    pub steps: Vec<StopStep>,
}

impl StopLadder {
    /// SIGTERM, then SIGKILL after `grace`.
    pub fn term_then_kill(grace: Duration) -> Self {
        Self { steps: vec![StopStep { signal: libc::SIGTERM, grace }] }
    }

    /// SIGKILL at once.
    pub fn kill() -> Self {
        Self { steps: Vec::new() }
    }

    /// The longest time that may pass until SIGKILL is sent.
    pub fn total_grace(&self) -> Duration {
        self.steps.iter().fold(Duration::ZERO, |sum, step| sum.saturating_add(step.grace))
    }
}

impl Default for StopLadder {
    /// SIGTERM, 5 s, SIGKILL.
    fn default() -> Self {
        Self::term_then_kill(Duration::from_secs(5))
    }
}

/// What happens when the output log is full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutputPolicy {
    /// `Block` while a reader is reading (it consumed or waited lately), `DropOldest` otherwise:
    /// a reader that stalls never hangs its child.
    #[default]
    Auto,
    /// Reading pauses, so the child waits in write(2) until a reader has made room.
    Block,
    /// The oldest output goes, counted in a gap record.
    DropOldest,
    /// The tree is killed.
    Kill,
}

/// How captured output is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputOptions {
    /// Bytes of output kept for readers, per process. At least 4096. Default 1 MiB.
    pub limit: usize,
    /// What happens when they are full.
    pub policy: OutputPolicy,
    /// Longest line in bytes; a longer one is split, and the parts are flagged. Default 1 MiB.
    pub max_line: usize,
    /// After the end of the process, how long a silent pipe that a stranger still holds is
    /// waited for. Each chunk starts the wait anew. Default 1 s.
    pub drain: Duration,
}

impl Default for OutputOptions {
    fn default() -> Self {
        let drain = Duration::from_secs(1);
        Self { limit: 1 << 20, policy: OutputPolicy::Auto, max_line: 1 << 20, drain }
    }
}

/// What dropping the last handle of a running process does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropPolicy {
    /// The tree is killed.
    #[default]
    Kill,
    /// The process runs on, unwatched.
    Detach,
}

/// What happens to descendants that outlive the command itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Descendants {
    /// They are ended.
    #[default]
    End,
    /// They are left alone.
    Leave,
}
