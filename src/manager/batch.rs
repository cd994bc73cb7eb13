//! Many processes at once: start with a result each, or all or none; stop with one deadline.

use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::ProcessManager;
use crate::command::{Command, DropPolicy, StopLadder};
use crate::error::{ProcessError, Result};
use crate::process::{detach, note_awaited, Engine, Moment, ProcessRunner, DROP_WAIT};

/// What stopping many waits for beyond the longest ladder.
const MARGIN: Duration = Duration::from_secs(5);

impl ProcessManager {
    /// Starts each of them; one result an item, in order.
    ///
    /// Errors, for each item: as [`start_process`](Self::start_process).
    pub async fn start_multiple_processes<C: Into<Command>>(
        &self,
        commands: Vec<C>,
    ) -> Vec<Result<Uuid>> {
        self.start_each(commands)
    }

    /// Blocking twin of [`start_multiple_processes`](Self::start_multiple_processes).
    pub fn start_each<C: Into<Command>>(&self, commands: Vec<C>) -> Vec<Result<Uuid>> {
        commands.into_iter().map(|command| self.start(command).map(|runner| runner.id())).collect()
    }

    /// Starts all of them or none: the first failure kills those that were started, removes
    /// their entries and is returned.
    ///
    /// Errors: as [`start_process`](Self::start_process).
    pub fn start_all_or_none<C: Into<Command>>(&self, commands: Vec<C>) -> Result<Vec<Uuid>> {
        let started = self.start_together(commands)?;
        Ok(started.iter().map(ProcessRunner::id).collect())
    }

    /// The handles keep what has ended meanwhile, and has lost its entry.
    pub(crate) fn start_together<C: Into<Command>>(
        &self,
        commands: Vec<C>,
    ) -> Result<Vec<ProcessRunner>> {
        let mut started: Vec<ProcessRunner> = Vec::new();
        for command in commands {
            match self.start(command) {
                Ok(runner) => started.push(runner),
                Err(error) => {
                    self.roll_back(&started);
                    return Err(error);
                }
            }
        }
        Ok(started)
    }

    fn roll_back(&self, started: &[ProcessRunner]) {
        let _ = stop_together(started, Some(StopLadder::kill()));
        started.iter().for_each(|runner| self.forget(runner.id()));
    }

    /// Stops all processes: every tree is signalled first, then all share the longest ladder's
    /// time.
    ///
    /// Errors: [`ProcessError::Forked`].
    pub async fn stop_all_processes(&self) -> Result<()> {
        let runners = self.runners();
        runners.iter().try_for_each(|runner| runner.begin_stop(None))?;
        for runner in &runners {
            runner.stopped().await;
        }
        Ok(())
    }

    /// Blocking twin of [`stop_all_processes`](Self::stop_all_processes); `None` means each
    /// process's own ladder.
    ///
    /// Errors: [`ProcessError::StopFailed`] with those that are left, [`ProcessError::Forked`].
    pub fn stop_all_blocking(&self, ladder: Option<StopLadder>) -> Result<()> {
        stop_together(&self.runners(), ladder)
    }

    /// Applies every process's drop policy now, whoever else holds handles, and waits at most
    /// `wait` for the trees that are killed. For the end of a host whose handles may outlive it,
    /// as those of an interpreter do.
    pub fn end_all(&self, wait: Duration) {
        let is_ours = |engine: &Arc<Engine>| engine.reactor().check_fork().is_ok();
        if !self.shared.engine.get().is_some_and(is_ours) {
            return;
        }
        let (killed, left): (Vec<_>, Vec<_>) = self
            .runners()
            .into_iter()
            .filter(|runner| !runner.process().is_tree_gone())
            .partition(|runner| runner.process().drop_policy() == DropPolicy::Kill);
        for runner in &killed {
            let _ = runner.begin_stop(Some(StopLadder::kill()));
        }
        left.iter().for_each(|runner| detach(runner.process()));
        wait_together(&killed, wait);
    }
}

/// Asks all to stop, then waits for all against one deadline.
pub(super) fn stop_together(runners: &[ProcessRunner], ladder: Option<StopLadder>) -> Result<()> {
    runners.iter().try_for_each(|runner| runner.begin_stop(ladder.clone()))?;
    let own = |runner: &ProcessRunner| runner.process().ladder().total_grace();
    let grace = ladder.as_ref().map(StopLadder::total_grace);
    let grace = grace.or_else(|| runners.iter().map(own).max()).unwrap_or_default();
    let left = wait_together(runners, grace.saturating_add(MARGIN));
    if left.is_empty() {
        return Ok(());
    }
    Err(ProcessError::StopFailed(format!("still there: {}", left.join(", "))))
}

/// Waits for all trees to be gone; names those that are not at the end.
fn wait_together(runners: &[ProcessRunner], timeout: Duration) -> Vec<String> {
    let deadline = Instant::now().checked_add(timeout);
    let left = || deadline.map(|at| at.saturating_duration_since(Instant::now()));
    let waits = runners.iter().map(|runner| (runner, runner.process()));
    waits
        .filter(|(_, process)| process.block_until(Moment::TreeGone, left()).is_err())
        .map(|(_, process)| process.describe())
        .collect()
}

/// The end of a manager: entries that nobody else holds are killed together, then dropped.
pub(super) fn end_together(runners: Vec<ProcessRunner>) {
    let is_ours = |runner: &&ProcessRunner| {
        runner.is_last_handle() && runner.process().drop_policy() == DropPolicy::Kill
    };
    let ours: Vec<ProcessRunner> = runners.iter().filter(is_ours).cloned().collect();
    for runner in &ours {
        // In a forked copy this is refused, and the drops below do nothing either.
        let _ = runner.begin_stop(Some(StopLadder::kill()));
    }
    if ours.iter().any(|runner| !runner.process().is_tree_gone()) {
        wait_together(&ours, DROP_WAIT);
    }
    ours.iter().for_each(|runner| note_awaited(runner.process()));
}
