//! The floor's many children: one epoll instance, one thread, three descriptors a child.
#![allow(unsafe_code)]

use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::raw::{reap, Running};
use crate::work::Outcome;

const EVENTS: usize = 256;

/// Children and the epoll instance that watches their pipes and pidfds.
#[derive(Default)]
pub struct RawFleet {
    epoll: Option<OwnedFd>,
    running: Vec<Running>,
}

/// What an event's number tells: which child's, and which of its three descriptors.
const KINDS: u64 = 3;

impl RawFleet {
    /// Takes a child up.
    pub fn add(&mut self, running: Running) -> io::Result<()> {
        let epoll = match &self.epoll {
            Some(epoll) => epoll.as_raw_fd(),
            None => self.epoll.insert(new_epoll()?).as_raw_fd(),
        };
        let base = self.running.len() as u64 * KINDS;
        watch(epoll, running.stdout.as_raw_fd(), base)?;
        if let Some(stderr) = &running.stderr {
            watch(epoll, stderr.as_raw_fd(), base + 1)?;
        }
        watch(epoll, running.pidfd.as_raw_fd(), base + 2)?;
        self.running.push(running);
        Ok(())
    }

    /// Reads until so many lines have come.
    pub fn drain(&mut self, lines: u64) -> Outcome<()> {
        let epoll = self.epoll.as_ref().ok_or("no fleet")?.as_raw_fd();
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; EVENTS];
        let (mut buffer, mut found) = (vec![0; 64 << 10], 0);
        while found < lines {
            // SAFETY: the kernel writes at most EVENTS events to the array.
            let count =
                unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), EVENTS as i32, 10_000) };
            let ready = events.get(..usize::try_from(count)?).unwrap_or_default();
            if ready.is_empty() {
                return Err(format!("{found} lines of {lines}, then nothing").into());
            }
            for event in ready {
                found += self.read(event.u64, &mut buffer)?;
            }
        }
        if found == lines {
            Ok(())
        } else {
            Err(format!("{found} lines of {lines}").into())
        }
    }

    fn read(&mut self, event: u64, buffer: &mut [u8]) -> Outcome<u64> {
        let running = &mut self.running[usize::try_from(event / KINDS)?];
        if !event.is_multiple_of(KINDS) {
            return Err("an end or an error output, too early".into());
        }
        let count = running.stdout.read(buffer)?;
        let (mut lines, mut start) = (0, 0);
        for newline in memchr::memchr_iter(b'\n', &buffer[..count]) {
            if &buffer[start..newline] != b"tiny" {
                return Err("another line than \"tiny\"".into());
            }
            (lines, start) = (lines + 1, newline + 1);
        }
        Ok(lines)
    }

    /// Ends all with SIGTERM.
    pub fn stop(&mut self) -> Outcome<()> {
        for running in &self.running {
            terminate(&running.pidfd)?;
        }
        for running in &self.running {
            let (code, status) = reap(&running.pidfd)?;
            if (code, status) != (libc::CLD_KILLED, libc::SIGTERM) {
                return Err(format!("ended by {code}, {status}").into());
            }
        }
        self.running.clear();
        self.epoll = None;
        Ok(())
    }
}

fn new_epoll() -> io::Result<OwnedFd> {
    // SAFETY: the call makes a descriptor, which becomes ours.
    unsafe {
        let epoll = libc::epoll_create1(libc::EPOLL_CLOEXEC);
        if epoll < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(epoll))
    }
}

fn watch(epoll: RawFd, fd: RawFd, number: u64) -> io::Result<()> {
    let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: number };
    // SAFETY: the call reads one live event.
    if unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &mut event) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn terminate(pidfd: &OwnedFd) -> io::Result<()> {
    let (fd, null) = (pidfd.as_raw_fd(), std::ptr::null::<libc::siginfo_t>());
    // SAFETY: system call with plain numbers and a null pointer, which it allows.
    if unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, libc::SIGTERM, null, 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
