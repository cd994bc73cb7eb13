//! Reaching the members of a cgroup and of all cgroups below it.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{pidfd_open, Pid, PidfdFlags};

use super::files;
use crate::sys::pidfd::{signal_number, signal_process};

/// Where a cgroup is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    /// Its directory is open.
    Open(BorrowedFd<'a>),
    /// It has this name in the directory. What can be done by its path need not open it.
    Below(BorrowedFd<'a>, &'a CStr),
}

const MOST_LEVELS: usize = 32;
/// Members that are held at once: each takes a descriptor.
const AT_ONCE: usize = 64;

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
    let signalled = signal(Place::Open(directory), &[libc::SIGKILL], None);
    if frozen.is_ok() {
        files::write(directory, "cgroup.freeze", "0")?;
    }
    signalled
}

/// The process that was started in the cgroup, unreaped: its number is nobody else's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leader<'a> {
    pub(crate) pid: i32,
    pub(crate) pidfd: BorrowedFd<'a>,
}

/// Sends each member that there is now the signals, in their order.
pub(super) fn signal(
    place: Place<'_>,
    signals: &[i32],
    leader: Option<Leader<'_>>,
) -> io::Result<()> {
    let mut left = members(place)?;
    // Most have no other: it needs neither a descriptor nor a second look.
    let known = leader.filter(|leader| left.contains(&leader.pid));
    let result = known.map_or(Ok(()), |leader| {
        left.retain(|pid| *pid != leader.pid);
        let pid = Pid::from_raw(leader.pid);
        pid.map_or(Ok(()), |pid| signal_member(pid, Some(leader.pidfd), signals))
    });
    signal_strangers(place, signals, left).and(result)
}

/// A pid counts only if it is still listed after its pidfd was opened: a number that was reused
/// for a stranger in between is never hit.
fn signal_strangers(place: Place<'_>, signals: &[i32], mut left: Vec<i32>) -> io::Result<()> {
    left.reverse();
    let mut result = Ok(());
    while !left.is_empty() {
        let held = hold_some(&mut left)?;
        let still = members(place)?;
        let is_still = |pid: &Pid| still.contains(&pid.as_raw_nonzero().get());
        for (pid, held) in held.iter().filter(|(pid, _)| is_still(pid)) {
            let pidfd = held.as_ref().map(AsFd::as_fd);
            result = signal_member(*pid, pidfd, signals).and(result);
        }
    }
    result
}

/// Takes the last ones off the list and holds them: as many as there are descriptors for, of
/// which one is left for listing them again.
fn hold_some(left: &mut Vec<i32>) -> io::Result<Vec<(Pid, Held)>> {
    let mut held: Vec<(Pid, Held)> = Vec::new();
    while let (Some(pid), true) = (left.last().copied(), held.len() < AT_ONCE) {
        match hold(pid) {
            Ok(member) => held.extend(Pid::from_raw(pid).zip(member)),
            Err(_) if held.len() > 1 => {
                left.extend(held.pop().map(|(pid, _)| pid.as_raw_nonzero().get()));
                break;
            }
            Err(error) => return Err(error.into()),
        }
        left.pop();
    }
    Ok(held)
}

/// What holds a member while it is signalled: its pidfd, where the system has those.
type Held = Option<OwnedFd>;

/// Nothing when the member is gone.
fn hold(pid: i32) -> Result<Option<Held>, Errno> {
    let Some(pid) = Pid::from_raw(pid) else { return Ok(None) };
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => Ok(Some(Some(pidfd))),
        Err(Errno::NOSYS) => Ok(Some(None)),
        Err(error @ (Errno::MFILE | Errno::NFILE)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// The process ids in the cgroup and below. Members of another pid namespace have none.
pub(super) fn members(place: Place<'_>) -> io::Result<Vec<i32>> {
    let mut found = Vec::new();
    match place {
        Place::Open(directory) => collect(directory, MOST_LEVELS, &mut found)?,
        Place::Below(parent, name) => {
            let path = [name.to_bytes(), b"/cgroup.procs"].concat();
            found.extend(listed(&files::read(parent, path)?));
            if files::has_children_at(parent, name)? {
                let directory = files::open_directory(parent, name)?;
                collect_below(directory.as_fd(), MOST_LEVELS, &mut found)?;
            }
        }
    }
    Ok(found)
}

fn listed(text: &str) -> impl Iterator<Item = i32> + '_ {
    text.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 0)
}

/// By its number where there are no pidfds, or none that can be signalled: valgrind 3.19.
fn signal_member(pid: Pid, pidfd: Option<BorrowedFd<'_>>, signals: &[i32]) -> io::Result<()> {
    signals.iter().try_for_each(|signal| signal_once(pid, pidfd, *signal))
}

fn signal_once(pid: Pid, pidfd: Option<BorrowedFd<'_>>, signal: i32) -> io::Result<()> {
    let sent = pidfd.map(|pidfd| signal_process(pidfd, signal));
    let is_missing = |error: &io::Error| error.raw_os_error() == Some(libc::ENOSYS);
    match sent {
        Some(Err(error)) if is_missing(&error) => {}
        Some(sent) => return sent.map(drop),
        None => {}
    }
    signal_number(pid.as_raw_nonzero().get(), signal).map(drop)
}

/// Its own first: a member that moves down meanwhile is found there or below.
fn collect(directory: BorrowedFd<'_>, levels: usize, found: &mut Vec<i32>) -> io::Result<()> {
    found.extend(listed(&files::read(directory, "cgroup.procs")?));
    collect_below(directory, levels, found)
}

fn collect_below(directory: BorrowedFd<'_>, levels: usize, found: &mut Vec<i32>) -> io::Result<()> {
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
