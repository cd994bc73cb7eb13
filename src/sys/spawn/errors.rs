//! The error channel of the fork mode: a pipe that exec closes.
//!
//! End-of-file alone is no proof that exec has happened, and its absence no proof that it has
//! not: a copy of the host, forked on another thread while this pipe was open, holds the other
//! end for as long as it lives. So the kernel is asked as well, at growing intervals.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::io::read;

use super::clone::Launched;
use super::plan::{decode, Failure};

/// The kernel's flag for "forked but has not executed" in field 9 of /proc/PID/stat.
const PF_FORKNOEXEC: u64 = 0x40;

/// How long to believe in a slow exec where /proc cannot be asked.
const PATIENCE: Duration = Duration::from_secs(5);

/// Waits until the child has executed its program (`None`) or has failed. `pipe` must be
/// non-blocking: a child that a signal ended leaves nothing to read.
pub(super) fn receive(pipe: BorrowedFd<'_>, child: &Launched) -> Option<Failure> {
    let started = Instant::now();
    let mut pause = Duration::from_millis(20);
    loop {
        if is_settled(pipe, child.pidfd.as_fd(), pause) {
            return read_failure(pipe);
        }
        if has_executed(child.pid).unwrap_or(started.elapsed() > PATIENCE) {
            return None;
        }
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

/// Waits for a message, end-of-file or the child's end.
fn is_settled(pipe: BorrowedFd<'_>, pidfd: BorrowedFd<'_>, pause: Duration) -> bool {
    let watched = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
    let timeout = Timespec::try_from(pause).ok();
    matches!(poll(&mut [watched(pipe), watched(pidfd)], timeout.as_ref()), Ok(1..))
}

fn read_failure(pipe: BorrowedFd<'_>) -> Option<Failure> {
    let mut bytes = [0u8; 12];
    match read(pipe, &mut bytes) {
        Ok(12) => decode(words(bytes)),
        _ => None,
    }
}

fn words(bytes: [u8; 12]) -> [u32; 3] {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = bytes;
    [[a, b, c, d], [e, f, g, h], [i, j, k, l]].map(u32::from_ne_bytes)
}

/// Whether the process has executed a program since it was forked; `None` if /proc does not say.
fn has_executed(pid: i32) -> Option<bool> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name in field 2 may contain anything; the last ')' ends it. The flags are field 9.
    let after_name = stat.rsplit(|byte| *byte == b')').next()?;
    let text = std::str::from_utf8(after_name).ok()?;
    let flags: u64 = text.split_ascii_whitespace().nth(6)?.parse().ok()?;
    Some(flags & PF_FORKNOEXEC == 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::process::{Command, Stdio};

    use rustix::process::{pidfd_open, Pid, PidfdFlags};

    use super::super::pipes;
    use super::super::plan::encode;
    use super::*;
    use crate::error::StartStep;

    /// A process that has executed its program and lives until its input ends.
    fn child() -> (std::process::Child, Launched) {
        let child = Command::new("/bin/cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let pidfd = pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()).unwrap();
        (child, Launched { pid, pidfd, is_shared: false })
    }

    #[test]
    fn a_stranger_that_holds_the_pipe_does_not_hold_the_start() {
        let (mut cat, launched) = child();
        let (read_end, _held_by_a_stranger) = pipes::read_nonblocking().unwrap();
        assert_eq!(receive(read_end.as_fd(), &launched), None);
        drop(cat.stdin.take());
        assert!(cat.wait().unwrap().success());
    }

    #[test]
    fn a_child_that_ended_without_a_word_has_not_failed() {
        let (mut cat, launched) = child();
        let (read_end, _held_by_a_stranger) = pipes::read_nonblocking().unwrap();
        drop(cat.stdin.take());
        assert!(cat.wait().unwrap().success());
        assert_eq!(receive(read_end.as_fd(), &launched), None);
    }

    #[test]
    fn a_failure_arrives_whole() {
        let (mut cat, launched) = child();
        let (read_end, write_end) = pipes::read_nonblocking().unwrap();
        let sent = Failure { step: StartStep::Rlimit, errno: libc::EPERM, detail: 7 };
        let bytes = encode(sent).map(u32::to_ne_bytes).concat();
        assert_eq!(rustix::io::write(&write_end, &bytes).unwrap(), 12);
        assert_eq!(receive(read_end.as_fd(), &launched), Some(sent));
        drop(cat.stdin.take());
        assert!(cat.wait().unwrap().success());
    }

    #[test]
    fn a_fork_that_has_not_executed_is_told_from_one_that_has() {
        let (read_end, write_end) =
            rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let copy = super::super::testing::fork_copy(|| {
            let mut byte = [0u8; 1];
            i32::from(rustix::io::read(&read_end, &mut byte) != Ok(1))
        });
        assert_eq!(has_executed(copy), Some(false));
        assert_eq!(has_executed(i32::try_from(std::process::id()).unwrap()), Some(true));
        assert_eq!(rustix::io::write(&write_end, b"x").unwrap(), 1);
        assert_eq!(super::super::testing::exit_code_of(copy), 0);
    }
}
