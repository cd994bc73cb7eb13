//! Several commands, each reading what the one before it writes, as a shell's `a | b | c`.
//!
//! The processes are joined by real pipes, so no byte passes through the host. Each stays a
//! process of its own in the manager.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::pipe::{pipe_with, PipeFlags};

use super::ProcessManager;
use crate::command::{Command, Stdin, Stdout, StopLadder};
use crate::error::{ProcessError, Result};
use crate::output::OutputStream;
use crate::process::ProcessRunner;
use crate::sys::high::clear_of_stdio;
use crate::types::ExitStatus;

/// A pipeline that was started: its processes, first to last.
#[derive(Debug, Clone)]
pub struct Pipeline {
    runners: Vec<ProcessRunner>,
}

impl ProcessManager {
    /// Starts a pipeline: all of the commands or none.
    ///
    /// The standard output of each but the last goes to the standard input of the next; the first
    /// one's input, the last one's output and every standard error are as the commands say.
    ///
    /// Errors: [`ProcessError::InvalidArgument`] for no command at all, else as
    /// [`start_all_or_none`](Self::start_all_or_none).
    pub fn start_pipeline<C: Into<Command>>(&self, commands: Vec<C>) -> Result<Pipeline> {
        if commands.is_empty() {
            return Err(ProcessError::invalid("commands", "a pipeline needs at least one"));
        }
        let joined = join(commands.into_iter().map(Into::into).collect())?;
        Ok(Pipeline { runners: self.start_together(joined)? })
    }
}

/// The host's copies of the pipe ends go with the commands: nobody else holds the pipes open.
fn join(commands: Vec<Command>) -> Result<Vec<Command>> {
    let last = commands.len() - 1;
    let mut input: Option<OwnedFd> = None;
    let mut joined = Vec::with_capacity(commands.len());
    for (index, mut command) in commands.into_iter().enumerate() {
        if let Some(input) = input.take() {
            command.stdin = Stdin::Fd(Arc::new(input));
        }
        if index < last {
            let pipe = pipe_with(PipeFlags::CLOEXEC);
            let (reader, writer) = pipe.map_err(|error| ProcessError::io("make a pipe", error))?;
            command.stdout = Stdout::Fd(Arc::new(clear_of_stdio(writer)));
            input = Some(clear_of_stdio(reader));
        }
        joined.push(command);
    }
    Ok(joined)
}

impl Pipeline {
    /// The processes, first to last.
    pub fn runners(&self) -> &[ProcessRunner] {
        &self.runners
    }

    /// The last process's output as lines.
    pub fn get_output_stream(&self) -> Option<OutputStream> {
        self.runners.last().map(ProcessRunner::get_output_stream)
    }

    /// Waits until every process has ended; their statuses, first to last.
    ///
    /// Errors: [`ProcessError::TimedOut`] when one takes longer than `timeout`.
    pub fn wait_blocking(&self, timeout: Option<Duration>) -> Result<Vec<ExitStatus>> {
        self.runners.iter().map(|runner| runner.wait_blocking(timeout)).collect()
    }

    /// Async twin of [`wait_blocking`](Self::wait_blocking), without a deadline.
    pub async fn wait(&self) -> Result<Vec<ExitStatus>> {
        let mut statuses = Vec::with_capacity(self.runners.len());
        for runner in &self.runners {
            statuses.push(runner.wait().await?);
        }
        Ok(statuses)
    }

    /// Stops all of them with one shared deadline; `None` means each one's own ladder.
    ///
    /// Errors: [`ProcessError::StopFailed`], [`ProcessError::Forked`].
    pub fn stop_blocking(&self, ladder: Option<StopLadder>) -> Result<()> {
        super::batch::stop_together(&self.runners, ladder)
    }
}
