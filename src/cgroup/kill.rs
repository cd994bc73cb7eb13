//! Reaching the members of a cgroup and of all cgroups below it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{kill_process, pidfd_open, Pid, PidfdFlags, Signal};

use super::files;
use crate::sys::pidfd::signal_process;

const MOST_LEVELS: usize = 32;

/// Kills every member. Members that fork meanwhile are caught: cgroup.kill (5.14) is atomic, and
/// before that the members are frozen first.
pub(super) fn kill(directory: BorrowedFd<'_>) -> io::Result<()> {
    match files::write(directory, "cgroup.kill", "1") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => kill_each(directory),
        answer => answer,
    }
}

/// The way of kernels before 5.14. The end of the freeze is not waited for: a member that forked
/// while it was being frozen is found by the next call, which the caller makes until all are gone.
pub(super) fn kill_each(directory: BorrowedFd<'_>) -> io::Result<()> {
    let frozen = files::write(directory, "cgroup.freeze", "1");
    let signalled = signal(directory, libc::SIGKILL);
    if frozen.is_ok() {
        files::write(directory, "cgroup.freeze", "0")?;
    }
    signalled
}

/// Signals every member there is now. A pid counts only if it is still listed after its pidfd was
/// opened: a number that was reused for a stranger in between is never hit.
pub(super) fn signal(directory: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    let hold = |pid: i32| Some((Pid::from_raw(pid)?, hold(pid)?));
    let held: Vec<(Pid, Held)> = members(directory)?.into_iter().filter_map(hold).collect();
    let still = members(directory)?;
    let mut result = Ok(());
    for (pid, held) in held.iter().filter(|(pid, _)| still.contains(&pid.as_raw_nonzero().get())) {
        if let Err(error) = signal_member(*pid, held, signal) {
            result = Err(error);
        }
    }
    result
}

/// What holds a member while it is signalled: its pidfd, where the system has those.
type Held = Option<OwnedFd>;

/// Nothing when the member is gone.
fn hold(pid: i32) -> Option<Held> {
    match pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()) {
        Ok(pidfd) => Some(Some(pidfd)),
        Err(Errno::NOSYS) => Some(None),
        Err(_) => None,
    }
}

/// The process ids in the cgroup and below. Members of another pid namespace have none.
pub(super) fn members(directory: BorrowedFd<'_>) -> io::Result<Vec<i32>> {
    let mut found = Vec::new();
    collect(directory, MOST_LEVELS, &mut found)?;
    Ok(found)
}

/// By its number where there are no pidfds, or none that can be signalled: valgrind 3.19.
fn signal_member(pid: Pid, held: &Held, signal: i32) -> io::Result<()> {
    let sent = held.as_ref().map(|pidfd| signal_process(pidfd.as_fd(), signal));
    let is_missing = |error: &io::Error| error.raw_os_error() == Some(libc::ENOSYS);
    match (sent, Signal::from_named_raw(signal)) {
        (Some(Ok(_)), _) => Ok(()),
        (Some(Err(error)), _) if !is_missing(&error) => Err(error),
        (_, Some(signal)) => Ok(kill_process(pid, signal)?),
        (_, None) => Err(Errno::INVAL.into()),
    }
}

fn collect(directory: BorrowedFd<'_>, levels: usize, found: &mut Vec<i32>) -> io::Result<()> {
    let text = files::read(directory, "cgroup.procs")?;
    found.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()).filter(|pid| *pid > 0));
    if levels == 0 {
        return Ok(());
    }
    for name in files::children(directory)? {
        // One that went away meanwhile has no members.
        if let Ok(below) = files::open_directory(directory, name.as_c_str()) {
            let _ = collect(below.as_fd(), levels - 1, found);
        }
    }
    Ok(())
}
