//! Signals and exit status through a pidfd: the number can never be reused under our hands.
//!
//! Called by `process`, on any thread. Sources: pidfd_send_signal(2), waitid(2), `linux/pidfd.h`.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use crate::types::{ExitStatus, ResourceUsage};

/// `PIDFD_SIGNAL_PROCESS_GROUP` (Linux 6.9).
const SIGNAL_PROCESS_GROUP: libc::c_uint = 1 << 2;
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

fn send(pidfd: BorrowedFd<'_>, signal: i32, flags: libc::c_uint) -> io::Result<bool> {
    let info: *const libc::siginfo_t = std::ptr::null();
    // SAFETY: the descriptor is open for the call, a null siginfo means "as kill(2)".
    let rc = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, info, flags)
    };
    if rc == 0 {
        return Ok(true);
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ESRCH) => Ok(false),
        error => Err(error),
    }
}

/// Collects the end of the process without waiting.
///
/// Somebody else may have collected it (`ECHILD`): then the kernel is asked for the status that it
/// keeps with the pidfd (6.15), and where it keeps none the status is unknown, never guessed.
pub(crate) fn reap(pidfd: BorrowedFd<'_>) -> io::Result<Reaped> {
    // SAFETY: both structures are plain data for which all-zero is a valid value.
    let (mut info, mut usage): (libc::siginfo_t, libc::rusage) = unsafe { std::mem::zeroed() };
    let options = libc::WEXITED | libc::WNOHANG;
    // SAFETY: both pointers are valid for writes of their types during the call.
    let rc = unsafe {
        let fd = pidfd.as_raw_fd();
        libc::syscall(libc::SYS_waitid, libc::P_PIDFD, fd, &mut info, options, &mut usage)
    };
    if rc == 0 {
        return Ok(from_siginfo(&info, &usage));
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ECHILD) => {
            Ok(Reaped::Ended(kept_status(pidfd), None))
        }
        error => Err(error),
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

fn kept_status(pidfd: BorrowedFd<'_>) -> ExitStatus {
    let mut info = PidfdInfo { mask: INFO_EXIT, ..PidfdInfo::default() };
    // SAFETY: the structure has the size that the request number carries.
    let rc = unsafe { libc::ioctl(pidfd.as_raw_fd(), GET_INFO as _, &mut info) };
    if rc != 0 || info.mask & INFO_EXIT == 0 {
        return ExitStatus::Unknown;
    }
    from_wait_status(info.exit_code)
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
