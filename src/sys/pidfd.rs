//! Signals and exit status through a pidfd: the number can never be reused under our hands.
//!
//! Called by `process`, on any thread. Sources: pidfd_send_signal(2), waitid(2), `linux/pidfd.h`.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::process::{getpid, pidfd_open, PidfdFlags};

use crate::types::{ExitStatus, ResourceUsage};

/// `PIDFD_SIGNAL_PROCESS_GROUP` (Linux 6.9).
const SIGNAL_PROCESS_GROUP: libc::c_uint = 1 << 2;
/// `PIDFD_INFO_CGROUPID` (Linux 6.13).
const INFO_CGROUP: u64 = 1 << 2;
/// `PIDFD_INFO_EXIT` (Linux 6.15).
const INFO_EXIT: u64 = 1 << 3;
/// `_IOWR(0xFF, 11, struct pidfd_info)` with the 64-byte first version of the structure.
const GET_INFO: libc::c_ulong = 0xC040_FF0B;

/// What a reap found.
pub(crate) enum Reaped {
    /// The process has not ended, or its end is not collectable yet.
    NotYet,
    /// It ended; the usage is there unless somebody else took the status.
    Ended(ExitStatus, Option<ResourceUsage>),
}

/// Sends `signal` to the process; `Ok(false)` when it has ended and was reaped.
pub(crate) fn signal_process(pidfd: BorrowedFd<'_>, signal: i32) -> io::Result<bool> {
    send(pidfd, signal, 0)
}

/// Sends `signal` to the process group that the process leads or led; `Ok(false)` when the group
/// is empty. Kernels before 6.9 answer `EINVAL`.
pub(crate) fn signal_group(pidfd: BorrowedFd<'_>, signal: i32) -> io::Result<bool> {
    send(pidfd, signal, SIGNAL_PROCESS_GROUP)
}

/// Sends `signal` by number, where the system has no better way: to a process, or to a group as its
/// negative number. The caller makes sure that the number is still theirs. `Ok(false)` when there is
/// none.
pub(crate) fn signal_number(number: i32, signal: i32) -> io::Result<bool> {
    // SAFETY: no memory is involved.
    if unsafe { libc::kill(number, signal) } == 0 {
        return Ok(true);
    }
    gone(io::Error::last_os_error())
}

fn gone(error: io::Error) -> io::Result<bool> {
    if error.raw_os_error() == Some(libc::ESRCH) {
        Ok(false)
    } else {
        Err(error)
    }
}

fn send(pidfd: BorrowedFd<'_>, signal: i32, flags: libc::c_uint) -> io::Result<bool> {
    let info: *const libc::siginfo_t = std::ptr::null();
    // SAFETY: the descriptor is open for the call, a null siginfo means "as kill(2)".
    let rc = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, info, flags)
    };
    if rc == 0 {
        return Ok(true);
    }
    gone(io::Error::last_os_error())
}

/// Whether the process ends within `time`, reaped or not. A signal that the host handles meanwhile
/// does not end the wait.
pub(crate) fn ends_within(pidfd: BorrowedFd<'_>, time: Duration) -> bool {
    let begun = Instant::now();
    loop {
        let left = Timespec::try_from(time.saturating_sub(begun.elapsed())).unwrap_or_default();
        match poll(&mut [PollFd::from_borrowed_fd(pidfd, PollFlags::IN)], Some(&left)) {
            Err(Errno::INTR) => {}
            answer => return answer == Ok(1),
        }
    }
}

/// Waits for the end of a child that is about to end, and collects it. ECHILD is no error: the host
/// may have collected it.
pub(crate) fn collect(pidfd: BorrowedFd<'_>) {
    while wait(pidfd, 0).is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {}
}

/// Collects the end of the process without waiting.
///
/// Somebody else may have collected it (`ECHILD`): then the kernel is asked for the status that it
/// keeps with the pidfd (6.15), and where it keeps none the status is unknown, never guessed.
pub(crate) fn reap(pidfd: BorrowedFd<'_>) -> io::Result<Reaped> {
    match wait(pidfd, libc::WNOHANG) {
        Ok((info, usage)) => Ok(from_siginfo(&info, &usage)),
        Err(error) if error.raw_os_error() == Some(libc::ECHILD) => {
            Ok(Reaped::Ended(kept_status(pidfd), None))
        }
        Err(error) => Err(error),
    }
}

/// waitid(2) with `__WALL`: a child that was killed before its exec has no exit signal, and would
/// not be found without.
fn wait(pidfd: BorrowedFd<'_>, flags: i32) -> io::Result<(libc::siginfo_t, libc::rusage)> {
    // SAFETY: both structures are plain data for which all-zero is a valid value.
    let (mut info, mut usage): (libc::siginfo_t, libc::rusage) = unsafe { std::mem::zeroed() };
    let options = libc::WEXITED | libc::__WALL | flags;
    // SAFETY: both pointers are valid for writes of their types during the call.
    let rc = unsafe {
        let fd = pidfd.as_raw_fd();
        libc::syscall(libc::SYS_waitid, libc::P_PIDFD, fd, &mut info, options, &mut usage)
    };
    if rc == 0 {
        Ok((info, usage))
    } else {
        Err(io::Error::last_os_error())
    }
}

fn from_siginfo(info: &libc::siginfo_t, usage: &libc::rusage) -> Reaped {
    // SAFETY: waitid filled the SIGCHLD part of the union, or left it zero.
    let (pid, value) = unsafe { (info.si_pid(), info.si_status()) };
    if pid == 0 {
        return Reaped::NotYet;
    }
    let status = match info.si_code {
        libc::CLD_EXITED => ExitStatus::Code(value),
        libc::CLD_KILLED => ExitStatus::Signal { signal: value, core_dumped: false },
        libc::CLD_DUMPED => ExitStatus::Signal { signal: value, core_dumped: true },
        _ => ExitStatus::Unknown,
    };
    Reaped::Ended(status, Some(to_usage(usage)))
}

fn to_usage(usage: &libc::rusage) -> ResourceUsage {
    let time = |t: libc::timeval| {
        let seconds = Duration::from_secs(u64::try_from(t.tv_sec).unwrap_or(0));
        seconds + Duration::from_micros(u64::try_from(t.tv_usec).unwrap_or(0))
    };
    ResourceUsage {
        user_time: time(usage.ru_utime),
        system_time: time(usage.ru_stime),
        max_rss: u64::try_from(usage.ru_maxrss).unwrap_or(0).saturating_mul(1024),
    }
}

/// The first 64 bytes of `struct pidfd_info`.
#[repr(C)]
#[derive(Default)]
struct PidfdInfo {
    mask: u64,
    cgroup_id: u64,
    ids: [u32; 11],
    exit_code: i32,
}

/// What the kernel knows of the process, if it knows all that `mask` asks for.
fn ask(pidfd: BorrowedFd<'_>, mask: u64) -> Option<PidfdInfo> {
    let mut info = PidfdInfo { mask, ..PidfdInfo::default() };
    // SAFETY: the structure has the size that the request number carries.
    let rc = unsafe { libc::ioctl(pidfd.as_raw_fd(), GET_INFO as _, &mut info) };
    (rc == 0 && info.mask & mask == mask).then_some(info)
}

fn kept_status(pidfd: BorrowedFd<'_>) -> ExitStatus {
    ask(pidfd, INFO_EXIT).map_or(ExitStatus::Unknown, |info| from_wait_status(info.exit_code))
}

/// The id of the cgroup (version 2) of this process, which is the inode number of its directory.
/// Kernels before 6.13 do not tell.
pub(crate) fn own_cgroup_id() -> Option<u64> {
    let own = pidfd_open(getpid(), PidfdFlags::empty()).ok()?;
    ask(own.as_fd(), INFO_CGROUP).map(|info| info.cgroup_id)
}

/// Decodes a wait(2) status word.
pub(crate) fn from_wait_status(status: i32) -> ExitStatus {
    if libc::WIFEXITED(status) {
        return ExitStatus::Code(libc::WEXITSTATUS(status));
    }
    if libc::WIFSIGNALED(status) {
        let core_dumped = libc::WCOREDUMP(status);
        return ExitStatus::Signal { signal: libc::WTERMSIG(status), core_dumped };
    }
    ExitStatus::Unknown
}
