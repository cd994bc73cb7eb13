//! The public handle of one process.

use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use uuid::Uuid;

use super::core::Process;
use super::handle::Handle;
use super::launch::{launch, Launch, Origin};
use super::state::Cause;
use super::wait::{Closed, Exit, Moment, Stopped};
use super::wakers::WakerSet;
use super::{standalone, write::Write, StdinWriter};
use crate::command::{Command, Program, StopLadder};
use crate::error::{ProcessError, Result};
use crate::output::{OutputReader, OutputStream};
use crate::types::{ExitStatus, ProcessInfo, ProcessStatus};

/// How long [`ProcessRunner::kill`] waits for the tree to be gone.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// The handle of one process.
///
/// Clones are handles of the same process. All methods may be called from any thread, at once.
/// When the last handle goes (the manager's entry is one), the process's
/// [`DropPolicy`](crate::DropPolicy) is applied: by default the tree is killed.
///
/// Every async method has a `_blocking` twin; a blocking call drives the engine itself while it
/// waits.
#[derive(Clone)]
pub struct ProcessRunner {
    handle: Arc<Handle>,
}

impl ProcessRunner {
    /// Starts a program (a path, or a name looked up in `PATH`) without a manager.
    ///
    /// Errors: [`ProcessError::InvalidArgument`], [`ProcessError::StartFailed`],
    /// [`ProcessError::Io`] when the engine itself cannot be set up.
    pub async fn start(program: &str, name: String, args: Vec<String>) -> Result<Self> {
        Self::start_command(Command::new(program).name(name).args(args))
    }

    /// Starts a command without a manager, on this thread.
    ///
    /// Errors: as [`start`](Self::start); [`ProcessError::BinaryNotFound`] for a command that
    /// names an extracted binary, since there is no extractor.
    pub fn start_command(command: impl Into<Command>) -> Result<Self> {
        Self::start_from(Origin::Attended, &command.into())
    }

    pub(crate) fn start_from(origin: Origin, command: &Command) -> Result<Self> {
        command.validate()?;
        match &command.program {
            Program::Extracted(name) => Err(ProcessError::BinaryNotFound(name.clone())),
            Program::Path(program) => Self::start_program(command, program, origin),
        }
    }

    pub(crate) fn start_program(command: &Command, program: &Path, origin: Origin) -> Result<Self> {
        let engine = &standalone::engine()?;
        let (observer, exec_fd, announce) = (None, None, &mut |_: &_| {});
        let parts = Launch { engine, program, exec_fd, observer, origin, announce };
        launch(command, parts).map(Self::new)
    }

    pub(crate) fn new(process: Arc<Process>) -> Self {
        Self { handle: Arc::new(Handle::new(process)) }
    }

    pub(crate) fn process(&self) -> &Arc<Process> {
        &self.handle.process
    }

    /// True when no other runner holds the process.
    pub(crate) fn is_last_handle(&self) -> bool {
        Arc::strong_count(&self.handle) == 1
    }

    /// The id this library gave the process.
    pub fn id(&self) -> Uuid {
        self.process().id
    }

    /// The process id. After the end the number may belong to somebody else.
    pub fn pid(&self) -> u32 {
        self.info().pid.unwrap_or(0)
    }

    /// The newest facts. Never blocks; the reference stays valid, and stays as it was.
    pub fn info(&self) -> &ProcessInfo {
        self.process().snapshots.latest()
    }

    /// Where the process stands.
    pub fn status(&self) -> ProcessStatus {
        self.info().status
    }

    /// True until the end of the process has been seen.
    pub fn is_running(&self) -> bool {
        self.status() == ProcessStatus::Running
    }

    /// Waits until the process itself has ended. Resolves at once when it has.
    ///
    /// Errors: [`ProcessError::Closed`] when it was left to itself
    /// ([`DropPolicy::Detach`](crate::DropPolicy::Detach)) before, [`ProcessError::Forked`].
    pub fn wait(&self) -> Exit {
        Exit::new(self.process().clone())
    }

    /// Blocking twin of [`wait`](Self::wait); `None` waits without a deadline.
    ///
    /// Errors: as there, and [`ProcessError::TimedOut`].
    pub fn wait_blocking(&self, timeout: Option<Duration>) -> Result<ExitStatus> {
        self.process().block_until(Moment::Exited, timeout)?;
        self.process().exit_status()
    }

    /// Waits until the process has ended and all its output was received.
    pub fn closed(&self) -> Closed {
        Closed::new(self.process().clone())
    }

    /// Blocking twin of [`closed`](Self::closed).
    ///
    /// Errors: [`ProcessError::TimedOut`], [`ProcessError::Forked`].
    pub fn closed_blocking(&self, timeout: Option<Duration>) -> Result<()> {
        self.process().block_until(Moment::Closed, timeout)
    }

    /// Polls for the end; the waker stays registered until the next change of the process.
    pub fn poll_wait(&self, cx: &mut Context<'_>) -> Poll<Result<ExitStatus>> {
        let process = self.process();
        if let Err(error) = process.reactor().check_fork() {
            return Poll::Ready(Err(error));
        }
        match process.has_reached(Moment::Exited, cx, WakerSet::register_shared) {
            true => Poll::Ready(process.exit_status()),
            false => Poll::Pending,
        }
    }

    /// Polls for the end of process and output; the waker stays registered as in
    /// [`poll_wait`](Self::poll_wait).
    pub fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self.process().has_reached(Moment::Closed, cx, WakerSet::register_shared) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    /// Stops the process and its descendants by its ladder, and waits until they are gone.
    ///
    /// A process that has ended already is success; its real status stands in `info().exit`.
    /// Errors: [`ProcessError::Closed`] when it was left to itself, [`ProcessError::Forked`].
    pub async fn stop(&self) -> Result<()> {
        self.begin_stop(None)?;
        self.stopped().await;
        self.process().check_left()
    }

    /// As [`stop`](Self::stop), by another ladder.
    ///
    /// Errors: as [`begin_stop`](Self::begin_stop).
    pub async fn stop_with(&self, ladder: StopLadder) -> Result<()> {
        self.begin_stop(Some(ladder))?;
        self.stopped().await;
        self.process().check_left()
    }

    pub(crate) fn stopped(&self) -> Stopped {
        Stopped::new(self.process().clone())
    }

    /// Blocking twin of [`stop`](Self::stop) and [`stop_with`](Self::stop_with).
    ///
    /// Bounded by the ladder plus five seconds.
    /// Errors: [`ProcessError::StopFailed`] when something is left then, and as
    /// [`begin_stop`](Self::begin_stop).
    pub fn stop_blocking(&self, ladder: Option<StopLadder>) -> Result<()> {
        let grace = ladder.as_ref().unwrap_or(&self.process().policy.ladder).total_grace();
        self.begin_stop(ladder)?;
        self.wait_gone(grace.saturating_add(KILL_WAIT))
    }

    /// Asks for the stop and returns at once; `None` means the process's own ladder.
    ///
    /// Errors: [`ProcessError::InvalidArgument`] for a ladder with a signal that is not 1 to 64,
    /// [`ProcessError::Forked`].
    pub fn begin_stop(&self, ladder: Option<StopLadder>) -> Result<()> {
        self.process().reactor().check_fork()?;
        ladder.iter().try_for_each(StopLadder::validate)?;
        self.process().request_stop(ladder, Cause::Requested);
        Ok(())
    }

    /// How a stop without a ladder of its own goes.
    pub fn stop_ladder(&self) -> &StopLadder {
        self.process().ladder()
    }

    /// Kills the tree and returns when it is gone, at most after five seconds.
    ///
    /// Errors: [`ProcessError::StopFailed`] when something is left then, [`ProcessError::Forked`].
    pub fn kill(&self) -> Result<()> {
        self.begin_stop(Some(StopLadder::kill()))?;
        self.wait_gone(KILL_WAIT)
    }

    fn wait_gone(&self, timeout: Duration) -> Result<()> {
        match self.process().block_until(Moment::TreeGone, Some(timeout)) {
            Err(ProcessError::TimedOut(what)) => {
                let survivors = self.process().survivors();
                Err(ProcessError::StopFailed(format!("{what}; {survivors}")))
            }
            other => other.and_then(|()| self.process().check_left()),
        }
    }

    /// Sends a signal, 1 to 64, to the process and its descendants.
    ///
    /// Errors: [`ProcessError::InvalidArgument`], [`ProcessError::Closed`] when the process has
    /// ended, [`ProcessError::Io`] when the system refuses, [`ProcessError::Forked`].
    pub fn signal(&self, signal: i32) -> Result<()> {
        if !(1..=64).contains(&signal) {
            return Err(ProcessError::invalid("signal", format!("{signal} is not 1 to 64")));
        }
        self.process().reactor().check_fork()?;
        self.process().send_signal(signal)
    }

    /// Suspends the tree (SIGSTOP).
    ///
    /// Errors: as [`signal`](Self::signal).
    pub fn suspend(&self) -> Result<()> {
        self.signal(libc::SIGSTOP)
    }

    /// Resumes the tree (SIGCONT).
    ///
    /// Errors: as [`signal`](Self::signal).
    pub fn resume(&self) -> Result<()> {
        self.signal(libc::SIGCONT)
    }

    /// Writes all bytes to the child's standard input, as fast as the child reads.
    ///
    /// Errors: [`ProcessError::Closed`] when standard input is not piped or was closed,
    /// [`ProcessError::Io`] with `EPIPE` when the child has closed its end.
    pub async fn write_stdin(&self, bytes: &[u8]) -> Result<()> {
        Write::new(self.process().clone(), bytes).await
    }

    /// Blocking twin of [`write_stdin`](Self::write_stdin).
    ///
    /// Errors: as there, and [`ProcessError::TimedOut`], which tells how much was written.
    pub fn write_stdin_blocking(&self, bytes: &[u8], timeout: Option<Duration>) -> Result<()> {
        Write::new(self.process().clone(), bytes).block(timeout)
    }

    /// Writes what the pipe takes now and says how many bytes; `Pending` when it is full.
    pub fn poll_write_stdin(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        self.process().poll_write_shared(cx.waker(), bytes)
    }

    /// The child's standard input as a [`std::io::Write`] and a futures `AsyncWrite`.
    pub fn stdin_writer(&self) -> StdinWriter {
        StdinWriter::new(self.process().clone())
    }

    /// Ends the child's standard input.
    ///
    /// Errors: [`ProcessError::Closed`] when it is not piped or was closed before.
    pub fn close_stdin(&self) -> Result<()> {
        self.process().reactor().check_fork()?;
        if !self.process().input.is_open() {
            return Err(super::input::closed());
        }
        self.process().close_input();
        Ok(())
    }

    /// The output as lines, from the oldest that is retained.
    pub fn get_output_stream(&self) -> OutputStream {
        self.output().stream()
    }

    /// A reader over the captured output: lines, records or raw chunks.
    pub fn output(&self) -> OutputReader {
        self.process().log.reader(self.process().hold())
    }
}

impl std::fmt::Debug for ProcessRunner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessRunner").field("info", self.info()).finish()
    }
}
