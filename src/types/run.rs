//! What a run gives: all that the command wrote and how it ended, or why it was ended.

use super::ProcessInfo;

/// What a command left when it ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RunOutput {
    /// The facts, with exit status and resource usage.
    pub info: ProcessInfo,
    /// What it wrote to standard output, where that was captured.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error, where that was captured and not merged.
    pub stderr: Vec<u8>,
    /// Bytes that came and are not here: beyond the limit of the run, or dropped because the
    /// collecting thread was held up (only if the output policy drops).
    pub lost: u64,
}

impl RunOutput {
    /// True for exit code 0.
    pub fn success(&self) -> bool {
        self.info.exit.is_some_and(|exit| exit.success())
    }
}

/// A run that was ended before it was complete; the process is gone.
#[derive(Debug, thiserror::Error)]
#[error("{reason}: {} ({} bytes of output, {} of errors collected)",
    .output.info.name, .output.stdout.len(), .output.stderr.len())]
#[non_exhaustive]
pub struct RunError {
    /// Why it was ended.
    pub reason: RunEnd,
    /// What was collected until then, and how the process ended.
    pub output: RunOutput,
}

/// Why a run was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunEnd {
    /// Its deadline passed.
    #[error("the run timed out")]
    TimedOut,
    /// It wrote more than was allowed.
    #[error("the output limit was reached")]
    OutputLimit,
}
