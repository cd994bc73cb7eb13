//! What a process and its descendants are held by, and what can be said of them.
//!
//! Every call is made under the process lock, so that a signal and the reap never overlap.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use once_cell::sync::OnceCell;

use crate::cgroup::{Cgroup, Events, Leader};
use crate::keeper::{Guard, Watched};
use crate::sys::{orphans, pidfd};
use crate::types::Containment;

/// How long a start that failed late waits for what it had started.
const END_WAIT: Duration = Duration::from_secs(2);

/// What is known about the members that are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Members {
    /// None is left.
    None,
    /// Some are.
    Some,
    /// This level and this kernel cannot tell.
    Unknown,
}

/// What holds the descendants.
#[derive(Debug)]
pub(crate) enum Holder {
    /// Nothing: the process alone.
    Process,
    /// The process group that the process leads.
    Group,
    /// A guard, the parent of the whole tree.
    Guard(Guard),
    /// A cgroup, and what tells that it has emptied once somebody waits for that.
    Cgroup(Cgroup, Option<Events>),
    /// The tree is gone.
    Gone,
}

/// The process and what holds its tree.
#[derive(Debug)]
pub(crate) struct Tree {
    pid: i32,
    pidfd: Option<Arc<OwnedFd>>,
    pub(super) holder: Holder,
    /// Its entry with the watcher, where it does not end with its holder by itself.
    pub(super) watched: Option<Watched>,
}

impl Tree {
    pub(crate) fn new(pid: i32, pidfd: OwnedFd, holder: Holder) -> Self {
        Self { pid, pidfd: Some(Arc::new(pidfd)), holder, watched: None }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    pub(crate) fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(|fd| fd.as_fd())
    }

    pub(super) fn shared_pidfd(&self) -> Option<Arc<OwnedFd>> {
        self.pidfd.clone()
    }

    pub(crate) fn level(&self) -> Containment {
        match &self.holder {
            Holder::Process | Holder::Gone => Containment::Process,
            Holder::Group => Containment::Group,
            Holder::Guard(guard) => guard.level(),
            Holder::Cgroup(..) => Containment::Cgroup,
        }
    }

    pub(super) fn guard(&self) -> Option<&Guard> {
        if let Holder::Guard(guard) = &self.holder {
            Some(guard)
        } else {
            None
        }
    }

    /// Collects the leader's end, if it has come.
    pub(crate) fn reap(&self) -> io::Result<pidfd::Reaped> {
        self.pidfd().map_or(Ok(pidfd::Reaped::NotYet), pidfd::reap)
    }

    /// Sends a signal to every member; `Ok(false)` when there is none.
    ///
    /// A signal that asks for an end is followed by CONT, so that stopped members see it.
    pub(crate) fn signal(&self, signal: i32, leader_reaped: bool) -> io::Result<bool> {
        let asks_for_end = [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT];
        let both = [signal, libc::SIGCONT];
        let signals = if asks_for_end.contains(&signal) { &both[..] } else { &both[..1] };
        match (&self.holder, self.pidfd()) {
            (Holder::Cgroup(cgroup, _), Some(pidfd)) if signal != libc::SIGKILL => {
                let leader = Leader { pid: self.pid, pidfd };
                cgroup.signal(signals, Some(leader).filter(|_| !leader_reaped)).map(|()| true)
            }
            _ => self.send_each(signals, leader_reaped),
        }
    }

    /// The later ones only where there was somebody to get the first.
    fn send_each(&self, signals: &[i32], leader_reaped: bool) -> io::Result<bool> {
        for (nth, signal) in signals.iter().enumerate() {
            if !self.send(*signal, leader_reaped)? {
                return Ok(nth > 0);
            }
        }
        Ok(true)
    }

    fn send(&self, signal: i32, leader_reaped: bool) -> io::Result<bool> {
        match (&self.holder, self.pidfd()) {
            (Holder::Gone, _) | (_, None) => Ok(false),
            (Holder::Process, Some(pidfd)) => pidfd::signal_process(pidfd, signal),
            (Holder::Group, Some(pidfd)) => self.signal_group(pidfd, signal, leader_reaped),
            (Holder::Guard(guard), _) if signal == libc::SIGKILL => unless_gone(guard.kill()),
            (Holder::Guard(guard), _) => unless_gone(guard.signal(signal)),
            // Every other signal has been sent to all its members already.
            (Holder::Cgroup(cgroup, _), _) => cgroup.kill().map(|()| true),
        }
    }

    /// Without the kernel's help a group may only be named while its leader is unreaped:
    /// afterwards the number can belong to strangers.
    fn signal_group(
        &self,
        pidfd: BorrowedFd<'_>,
        signal: i32,
        leader_reaped: bool,
    ) -> io::Result<bool> {
        if group_flag_works(pidfd) {
            return pidfd::signal_group(pidfd, signal);
        }
        // Where the call itself is missing, the leader is still unreaped by us.
        if leader_reaped || matches!(pidfd::signal_process(pidfd, 0), Ok(false)) {
            return Ok(false);
        }
        pidfd::signal_number(-self.pid, signal)
    }

    /// Who is left after the leader has ended. Members that cannot be asked about are there.
    pub(crate) fn members(&self) -> Members {
        match (&self.holder, self.pidfd()) {
            (Holder::Process | Holder::Gone, _) | (Holder::Group, None) => Members::None,
            // A guard says itself when nothing is left, and then ends.
            (Holder::Guard(_), _) => Members::Some,
            (Holder::Cgroup(cgroup, None), _) => from_populated(cgroup.is_populated()),
            (Holder::Cgroup(_, Some(events)), _) => from_populated(events.is_populated()),
            (Holder::Group, Some(pidfd)) if !group_flag_works(pidfd) => Members::Unknown,
            (Holder::Group, Some(pidfd)) => from_populated(pidfd::signal_group(pidfd, 0)),
        }
    }

    /// Whether all that is left of a group has ended and waits to be reaped by somebody else: an
    /// init that takes its time, or none that reaps at all.
    pub(super) fn has_only_zombies(&self) -> bool {
        matches!(self.holder, Holder::Group) && !group_has_living(self.pid)
    }

    /// The ids of the members, where the level knows them at once.
    pub(super) fn member_ids(&self) -> Vec<i32> {
        match &self.holder {
            Holder::Cgroup(cgroup, _) => cgroup.members().unwrap_or_default(),
            Holder::Process | Holder::Group => vec![self.pid],
            Holder::Guard(_) | Holder::Gone => Vec::new(),
        }
    }

    /// True where members must be ended before the leader is reaped, or not at all.
    pub(crate) fn must_end_before_reap(&self) -> bool {
        let pidfd = self.pidfd().filter(|_| matches!(self.holder, Holder::Group));
        pidfd.is_some_and(|pidfd| !group_flag_works(pidfd))
    }

    /// Opens what announces that a cgroup has emptied; nothing at the other levels.
    pub(super) fn open_events(&mut self) -> io::Result<()> {
        if let Holder::Cgroup(cgroup, events @ None) = &mut self.holder {
            *events = Some(cgroup.events()?);
        }
        Ok(())
    }

    /// Does without what announces it, where that cannot be watched.
    pub(super) fn close_events(&mut self) {
        if let Holder::Cgroup(_, events) = &mut self.holder {
            *events = None;
        }
    }

    /// What announces the end of the tree, where something does.
    pub(super) fn announcer(&self) -> Option<BorrowedFd<'_>> {
        match &self.holder {
            Holder::Guard(guard) => Some(guard.as_fd()),
            Holder::Cgroup(_, Some(events)) => Some(events.as_fd()),
            _ => None,
        }
    }

    /// Goes on without the guard, which is gone.
    pub(super) fn degrade(&mut self) {
        self.holder = Holder::Group;
    }

    /// Leaves the tree to itself. What the host must still reap, the process or its guard, is
    /// collected by later starts.
    pub(super) fn detach(&mut self) {
        match self.guard() {
            Some(guard) => {
                if let Err(error) = guard.detach() {
                    log::warn!("pid {}: its guard was not told to leave it: {error}", self.pid);
                }
                orphans::adopt(guard.shared_pidfd());
            }
            None => self.pidfd.iter().for_each(|pidfd| orphans::adopt(pidfd.clone())),
        }
        self.release();
    }

    /// Lets go of all descriptors: the tree is gone, or left to itself.
    pub(super) fn release(&mut self) {
        self.pidfd = None;
        self.holder = Holder::Gone;
        self.watched = None;
    }

    /// Kills what a start that failed late had started, and waits for it, bounded.
    pub(super) fn end_now(&mut self) {
        let _ = self.signal(libc::SIGKILL, false);
        let last = self.guard().map(Guard::shared_pidfd).or(self.shared_pidfd());
        if let Some(last) = last {
            orphans::end(last, END_WAIT);
        }
        self.release();
    }
}

fn from_populated(populated: io::Result<bool>) -> Members {
    if let Ok(false) = populated {
        Members::None
    } else {
        Members::Some
    }
}

/// Whether this kernel signals groups through a pidfd (6.9): asked once, with signal 0. Valgrind
/// 3.19 knows no pidfd_send_signal(2) at all.
fn group_flag_works(pidfd: BorrowedFd<'_>) -> bool {
    static WORKS: OnceCell<bool> = OnceCell::new();
    *WORKS.get_or_init(|| match pidfd::signal_group(pidfd, 0) {
        Err(error) => !matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS)),
        Ok(_) => true,
    })
}

/// Looks for a living member in /proc. Members that come and go meanwhile can be missed: the level
/// proves nothing anyway.
fn group_has_living(pgid: i32) -> bool {
    let Ok(entries) = std::fs::read_dir("/proc") else { return true };
    let stats = entries
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    stats.into_iter().any(|stat| is_living_member(&stat, pgid))
}

/// "pid (comm) state ppid pgrp …": comm may hold anything, so the fields count from its end.
fn is_living_member(stat: &str, pgid: i32) -> bool {
    let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let mut fields = rest.split(' ');
    let is_living = !matches!(fields.next(), None | Some("Z" | "X"));
    is_living && fields.nth(1).and_then(|field| field.parse().ok()) == Some(pgid)
}

/// A guard ends with its tree: one that is gone by the time it is written to has nobody left, and
/// its end is about to be seen.
fn unless_gone(sent: io::Result<()>) -> io::Result<bool> {
    match sent {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EPIPE | libc::ECONNRESET)) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::is_living_member;

    #[test]
    fn zombies_and_members_of_other_groups_do_not_count() {
        assert!(is_living_member("7 (a) b) S 1 5 5 0", 5));
        assert!(!is_living_member("7 (a) b) Z 1 5 5 0", 5));
        assert!(!is_living_member("7 (a) S 1 6 5 0", 5));
        assert!(!is_living_member("", 5));
    }
}
