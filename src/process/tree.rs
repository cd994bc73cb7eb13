//! What a process and its descendants are held by, and what can be said of them.
//!
//! Every call is made under the process lock, so that a signal and the reap never overlap.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use once_cell::sync::OnceCell;

use crate::sys::pidfd;
use crate::types::Containment;

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

/// The leader's pidfd and the level that holds its descendants.
#[derive(Debug)]
pub(crate) struct Tree {
    pid: i32,
    pidfd: OwnedFd,
    level: Containment,
}

impl Tree {
    /// `pgid` is the group that the leader leads, if it does.
    pub(crate) fn new(pid: i32, pidfd: OwnedFd, pgid: Option<i32>) -> Self {
        let level = if pgid == Some(pid) { Containment::Group } else { Containment::Process };
        Self { pid, pidfd, level }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    pub(crate) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    pub(crate) fn level(&self) -> Containment {
        self.level
    }

    /// Collects the leader's end, if it has come.
    pub(crate) fn reap(&self) -> io::Result<pidfd::Reaped> {
        pidfd::reap(self.pidfd())
    }

    /// Sends a signal to every member; `Ok(false)` when there is none.
    ///
    /// A signal that asks for an end is followed by CONT, so that stopped members see it.
    pub(crate) fn signal(&self, signal: i32, leader_reaped: bool) -> io::Result<bool> {
        let sent = self.send(signal, leader_reaped)?;
        let asks_for_end = [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT];
        if sent && asks_for_end.contains(&signal) {
            self.send(libc::SIGCONT, leader_reaped)?;
        }
        Ok(sent)
    }

    fn send(&self, signal: i32, leader_reaped: bool) -> io::Result<bool> {
        match (self.level, group_flag_works(self.pidfd())) {
            (Containment::Process, _) => pidfd::signal_process(self.pidfd(), signal),
            (_, true) => pidfd::signal_group(self.pidfd(), signal),
            // Without the kernel's help a group may only be named while its leader is unreaped:
            // afterwards the number can belong to strangers.
            (_, false) if !leader_reaped => self.kill_by_number(signal),
            (_, false) => Ok(false),
        }
    }

    fn kill_by_number(&self, signal: i32) -> io::Result<bool> {
        // Where the call itself is missing, the leader is still unreaped by us.
        if matches!(pidfd::signal_process(self.pidfd(), 0), Ok(false)) {
            return Ok(false);
        }
        let group = rustix::process::Pid::from_raw(self.pid);
        let signal = rustix::process::Signal::from_named_raw(signal);
        match (group, signal) {
            (Some(group), Some(signal)) => {
                rustix::process::kill_process_group(group, signal)?;
                Ok(true)
            }
            _ => Err(io::Error::from_raw_os_error(libc::EINVAL)),
        }
    }

    /// Who is left after the leader was reaped.
    pub(crate) fn members(&self) -> Members {
        if self.level == Containment::Process {
            return Members::None;
        }
        if !group_flag_works(self.pidfd()) {
            return Members::Unknown;
        }
        match pidfd::signal_group(self.pidfd(), 0) {
            Ok(false) => Members::None,
            Ok(true) => Members::Some,
            // Members that changed their user: there, and out of reach.
            Err(_) => Members::Some,
        }
    }

    /// True where members must be ended before the leader is reaped, or not at all.
    pub(crate) fn must_end_before_reap(&self) -> bool {
        self.level == Containment::Group && !group_flag_works(self.pidfd())
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
