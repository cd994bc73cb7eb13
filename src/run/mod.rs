//! The short form: start a command, feed it, collect its bounded output, wait, and clean up.

mod many;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::command::{Command, OutputPolicy, Stdin, StopLadder};
use crate::error::{ProcessError, Result};
use crate::manager::ProcessManager;
use crate::output::{OutputChunk, OutputReader, OutputSource, SharedBytes};
use crate::process::{Closed, Origin, ProcessRunner};
use crate::reactor::Unfinished;
use crate::types::{RunEnd, RunError, RunOutput};

/// Bytes taken from the log in one go.
const BATCH: usize = 1 << 20;

/// How a run is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunOptions {
    /// The whole run's deadline; `None` waits as long as it takes.
    pub timeout: Option<Duration>,
    /// The most bytes collected of each stream. When one is longer, the tree is killed and the
    /// run fails. Default 64 MiB.
    pub max_output: usize,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { timeout: None, max_output: 64 << 20 }
    }
}

impl Command {
    /// Runs the command to its end on this thread, without a manager, and gives what it wrote.
    ///
    /// Errors: as [`ProcessRunner::start_command`]; [`ProcessError::RunFailed`] with what was
    /// collected when the deadline passed or the output was too long; the tree is gone then.
    pub fn run(self, options: RunOptions) -> Result<RunOutput> {
        let runner = ProcessRunner::start_from(Origin::Awaited, &reading(self))?;
        run_blocking(runner, options)
    }

    /// Async twin of [`run`](Self::run). The deadline is the process's own timeout.
    pub async fn run_async(self, options: RunOptions) -> Result<RunOutput> {
        let command = with_timeout(reading(self), options);
        Collect::new(ProcessRunner::start_command(command)?, options).await
    }
}

impl ProcessManager {
    /// As [`Command::run`], with the manager's binaries.
    ///
    /// Errors: as there.
    pub fn run(&self, command: impl Into<Command>, options: RunOptions) -> Result<RunOutput> {
        let runner = self.start_from(Origin::Awaited, reading(command.into()))?;
        run_blocking(runner, options)
    }
}

/// A run that pipes standard input and gives no bytes would leave the child waiting for ever.
fn reading(command: Command) -> Command {
    let command = collecting(command);
    match command.stdin {
        Stdin::Pipe => command.stdin(Stdin::Null),
        _ => command,
    }
}

/// Who collects everything wants nothing dropped, however late he comes to it.
fn collecting(mut command: Command) -> Command {
    if command.output.policy == OutputPolicy::Auto {
        command.output.policy = OutputPolicy::Block;
    }
    command
}

/// The deadline as the process's own timeout, where nobody waits with one; a shorter one of its own
/// stays.
fn with_timeout(command: Command, options: RunOptions) -> Command {
    let own = command.timeout;
    match options.timeout {
        Some(timeout) => command.timeout(own.map_or(timeout, |own| own.min(timeout))),
        None => command,
    }
}

fn run_blocking(runner: ProcessRunner, options: RunOptions) -> Result<RunOutput> {
    let deadline = options.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let reactor = runner.process().reactor().clone();
    let mut collect = Collect::new(runner, options);
    let result = match reactor.block_on(deadline, |cx| collect.poll_quietly(cx)) {
        Ok(result) => result,
        Err(Unfinished::Elapsed) => collect.end(RunEnd::TimedOut),
        Err(Unfinished::Refused(error)) => Err(error),
    };
    // What is left of it is waited for no longer: output that somebody holds, a survivor.
    if reactor.check_fork().is_ok() && !collect.runner.process().is_over() {
        if let Err(error) = reactor.attend() {
            log::error!("what a run has left is served by nobody: {error}");
        }
    }
    result
}

/// A run under way.
struct Collect {
    runner: ProcessRunner,
    reader: Option<OutputReader>,
    closed: Closed,
    options: RunOptions,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    lost: u64,
    /// Bytes that came and were more than asked for.
    beyond: u64,
}

impl Collect {
    fn new(runner: ProcessRunner, options: RunOptions) -> Self {
        let (reader, closed) = (Some(runner.output()), runner.closed());
        let (stdout, stderr) = (Vec::new(), Vec::new());
        Self { runner, reader, closed, options, stdout, stderr, lost: 0, beyond: 0 }
    }

    fn poll_quietly(&mut self, cx: &mut Context<'_>) -> Poll<Result<RunOutput>> {
        while let Some(reader) = &mut self.reader {
            match reader.poll_chunks(cx, BATCH) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => self.reader = None,
                Poll::Ready(Some(chunks)) => chunks.iter().for_each(|chunk| self.take(chunk)),
            }
            if self.is_over_limit() {
                return Poll::Ready(self.end(RunEnd::OutputLimit));
            }
        }
        Pin::new(&mut self.closed).poll(cx).map(|()| self.finish())
    }
}

impl Collect {
    fn take(&mut self, chunk: &OutputChunk) {
        match chunk {
            OutputChunk::Gap { bytes, .. } => self.lost += bytes,
            OutputChunk::Data(data) => self.collect(data),
        }
    }

    /// Up to the limit; what is beyond it is counted, and ends the run.
    fn collect(&mut self, data: &SharedBytes) {
        let collected = match data.source() {
            OutputSource::Stdout => &mut self.stdout,
            OutputSource::Stderr => &mut self.stderr,
        };
        let room = self.options.max_output.saturating_sub(collected.len()).min(data.len());
        collected.extend_from_slice(&data[..room]);
        self.beyond += (data.len() - room) as u64;
    }

    fn is_over_limit(&self) -> bool {
        self.beyond > 0
    }

    fn finish(&mut self) -> Result<RunOutput> {
        if self.runner.info().timed_out {
            return Err(self.failure(RunEnd::TimedOut));
        }
        Ok(self.output())
    }

    /// Ends the tree before the failure is reported.
    fn end(&mut self, reason: RunEnd) -> Result<RunOutput> {
        self.runner.kill()?;
        Err(self.failure(reason))
    }

    /// Has the tree killed, without waiting for that.
    fn abandon(&self) {
        // It fails in a forked copy only, whose business it is not.
        let _ = self.runner.begin_stop(Some(StopLadder::kill()));
    }

    fn failure(&mut self, reason: RunEnd) -> ProcessError {
        ProcessError::RunFailed(Box::new(RunError { reason, output: self.output() }))
    }

    fn output(&mut self) -> RunOutput {
        RunOutput {
            info: self.runner.info().clone(),
            stdout: std::mem::take(&mut self.stdout),
            stderr: std::mem::take(&mut self.stderr),
            lost: self.lost + self.beyond,
        }
    }
}

impl Future for Collect {
    type Output = Result<RunOutput>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.poll_quietly(cx);
        if polled.is_pending() {
            self.runner.process().reactor().serve();
        }
        polled
    }
}
