//! Starting a process inside the strongest containment that can be had, or the one demanded.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use super::engine::Engine;
use super::tree::{Holder, Tree};
use crate::command::{Command, Descendants, DropPolicy, GroupMode};
use crate::error::{ProcessError, Result, StartError, StartStep};
use crate::keeper::{Guard, Registration, Watched, Watcher};
use crate::spawn::{self, SpawnContext, Spawned};
use crate::sudo::Relay;
use crate::sys::guarded::ForkGuarded;
use crate::types::Containment;

/// The host's ends of the child's pipes.
pub(super) struct Ends {
    pub stdin: Option<ForkGuarded>,
    pub stdout: Option<ForkGuarded>,
    pub stderr: Option<ForkGuarded>,
}

/// Starts the command at its level.
///
/// Without a demand: a cgroup, else a guard; and where descendants or the process itself may
/// outlive the host on purpose, the group. A demand that cannot be met is an error.
pub(super) fn start(
    engine: &Engine,
    command: &Command,
    program: &Path,
    exec_fd: Option<&Arc<OwnedFd>>,
) -> Result<(Tree, Ends)> {
    let start = Start { engine, command, program, exec_fd };
    match command.containment {
        Some(level) => start.demanded(level),
        None if may_outlive(command) => start.plain(),
        None => start.strongest(),
    }
}

/// Starts the command under the relay that sudo has started for it.
pub(super) fn start_relayed(
    command: &Command,
    program: &Path,
    exec_fd: Option<&Arc<OwnedFd>>,
    relay: Relay,
) -> Result<(Tree, Ends)> {
    let exec_fd = exec_fd.map(|fd| fd.as_fd());
    let (guard, spawned) = relay
        .start(command, &SpawnContext { program, exec_fd, cgroup: None, pid_namespace: false })?;
    Ok(split(spawned, Holder::Guard(guard)))
}

fn may_outlive(command: &Command) -> bool {
    command.descendants == Descendants::Leave || command.on_drop == DropPolicy::Detach
}

struct Start<'a> {
    engine: &'a Engine,
    command: &'a Command,
    program: &'a Path,
    exec_fd: Option<&'a Arc<OwnedFd>>,
}

impl Start<'_> {
    fn demanded(&self, level: Containment) -> Result<(Tree, Ends)> {
        match level {
            Containment::Cgroup | Containment::PidNamespace if may_outlive(self.command) => {
                let reason =
                    format!("a {level} cannot be left to itself: it ends with its process");
                Err(ProcessError::Unsupported(reason))
            }
            Containment::Group | Containment::PidNamespace
                if self.command.group == GroupMode::Host =>
            {
                let reason = format!("containment by {level} needs a group of the process's own");
                Err(ProcessError::invalid("containment", reason))
            }
            Containment::Cgroup => self.in_cgroup(),
            Containment::Guard => self.guarded(self.context()),
            Containment::PidNamespace => self.in_namespace(),
            Containment::Group | Containment::Process => self.plain(),
        }
    }

    /// What this machine has decides, once; what goes wrong with it afterwards is an error.
    fn strongest(&self) -> Result<(Tree, Ends)> {
        match self.engine.subtree() {
            Ok(_) => self.in_cgroup(),
            Err(ProcessError::Unsupported(reason)) => {
                log::debug!("no cgroup, so a guard: {reason}");
                self.guarded(self.context())
            }
            Err(error) => Err(error),
        }
    }

    fn context(&self) -> SpawnContext<'_> {
        let exec_fd = self.exec_fd.map(|fd| fd.as_fd());
        SpawnContext { program: self.program, exec_fd, cgroup: None, pid_namespace: false }
    }

    fn in_cgroup(&self) -> Result<(Tree, Ends)> {
        let cgroup = self.engine.subtree()?.take();
        let failed = |error| ProcessError::io("make a cgroup", error);
        let mut cgroup = cgroup.map_err(failed)?;
        let directory = cgroup.directory().map_err(failed)?;
        let context = SpawnContext { cgroup: Some(directory), ..self.context() };
        let spawned = spawn::spawn(self.command, &context)?;
        cgroup.settle();
        Ok(split(spawned, Holder::Cgroup(cgroup, None)))
    }

    fn guarded(&self, context: SpawnContext<'_>) -> Result<(Tree, Ends)> {
        self.engine.keep_image()?;
        let (guard, spawned) = Guard::start(self.command, &context)?;
        Ok(split(spawned, Holder::Guard(guard)))
    }

    fn in_namespace(&self) -> Result<(Tree, Ends)> {
        let started = self.guarded(SpawnContext { pid_namespace: true, ..self.context() });
        started.map_err(|error| match error {
            ProcessError::StartFailed(error) if is_refused_namespace(&error) => {
                let reason = format!("no PID namespace can be made here: {error}");
                ProcessError::Unsupported(reason)
            }
            error => error,
        })
    }

    /// The group, or the process alone where it has no group of its own.
    fn plain(&self) -> Result<(Tree, Ends)> {
        let wants_group = self.command.containment != Some(Containment::Process)
            && self.command.group != GroupMode::Host;
        // Detached ones may outlive the host. For the others it watches before the command runs: a
        // host that ended in between would leave it.
        let is_watched = wants_group && self.command.on_drop == DropPolicy::Kill;
        let watcher = is_watched.then(|| self.engine.watcher()).transpose()?;
        let spawned = spawn::spawn(self.command, &self.context())?;
        let group = spawned.pgid.filter(|_| wants_group);
        let holder = if group.is_some() { Holder::Group } else { Holder::Process };
        let (mut tree, ends) = split(spawned, holder);
        match watcher
            .zip(group)
            .and_then(|(watcher, pgid)| register(watcher, pgid, &tree))
            .transpose()
        {
            Ok(watched) => tree.watched = watched,
            Err(error) => {
                tree.end_now();
                return Err(error);
            }
        }
        Ok((tree, ends))
    }
}

fn register(watcher: &Arc<Watcher>, pgid: i32, tree: &Tree) -> Option<Result<Watched>> {
    let leader = tree.shared_pidfd()?;
    Some(watcher.watch(Registration::Group { pgid, leader }))
}

fn is_refused_namespace(error: &StartError) -> bool {
    let refusals = [libc::EPERM, libc::EINVAL, libc::ENOSPC];
    error.step == StartStep::Contain && refusals.contains(&error.errno)
}

fn split(spawned: Spawned, holder: Holder) -> (Tree, Ends) {
    let Spawned { pid, pidfd, stdin, stdout, stderr, .. } = spawned;
    (Tree::new(pid, pidfd, holder), Ends { stdin, stdout, stderr })
}
