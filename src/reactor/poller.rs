//! The descriptors that reactors and the background thread are made of.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{epoll, eventfd, EventfdFlags, Timespec};
use rustix::time::{
    timerfd_create, timerfd_settime, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags,
};

use crate::error::{ProcessError, Result};
use crate::sys::high::clear_of_stdio;

/// Events of one wait. More come with the next one, the longest waiting first.
const EVENTS: usize = 256;

/// Longer waits are cut into pieces: older kernels count milliseconds in an int.
const LONGEST: Duration = Duration::from_secs(1 << 20);

fn failed(what: &str) -> impl Fn(rustix::io::Errno) -> ProcessError + '_ {
    move |errno| ProcessError::io(what, io::Error::from(errno))
}

pub(super) fn epoll() -> Result<OwnedFd> {
    let made = epoll::create(epoll::CreateFlags::CLOEXEC);
    made.map(clear_of_stdio).map_err(failed("make an epoll"))
}

pub(super) fn event() -> Result<OwnedFd> {
    let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
    eventfd(0, flags).map(clear_of_stdio).map_err(failed("make an eventfd"))
}

pub(super) fn timer() -> Result<OwnedFd> {
    let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
    let made = timerfd_create(TimerfdClockId::Monotonic, flags);
    made.map(clear_of_stdio).map_err(failed("make a timerfd"))
}

pub(super) fn add(
    epoll: &OwnedFd,
    fd: impl AsFd,
    token: u64,
    flags: epoll::EventFlags,
) -> Result<()> {
    let token = epoll::EventData::new_u64(token);
    epoll::add(epoll, fd, token, flags).map_err(failed("watch a descriptor"))
}

pub(super) fn modify(
    epoll: &OwnedFd,
    fd: impl AsFd,
    token: u64,
    flags: epoll::EventFlags,
) -> Result<()> {
    let token = epoll::EventData::new_u64(token);
    epoll::modify(epoll, fd, token, flags).map_err(failed("change a watched descriptor"))
}

/// Makes an eventfd readable. It fails only where it is readable already.
pub(super) fn signal(event: &OwnedFd) {
    let _ = rustix::io::write(event, &1u64.to_ne_bytes());
}

/// Makes an eventfd unreadable. It fails only where it is so already.
pub(super) fn drain(event: &OwnedFd) {
    let _ = rustix::io::read(event, &mut [0u8; 8]);
}

fn timespec(duration: Duration) -> Timespec {
    let duration = duration.min(LONGEST);
    // Cannot truncate: at most 2^20 seconds.
    Timespec { tv_sec: duration.as_secs() as _, tv_nsec: duration.subsec_nanos().into() }
}

/// Sets a timer to fire once, so long from now. Zero fires at once. The kernel counts from a later
/// moment than the caller did, so it never fires early.
pub(super) fn set_timer(timer: &OwnedFd, after: Duration) -> Result<()> {
    let it_value = timespec(after.max(Duration::from_nanos(1)));
    let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
    timerfd_settime(timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval, it_value })
        .map(drop)
        .map_err(failed("set a timer"))
}

/// What epoll reports about one descriptor.
pub(super) struct Event {
    pub(super) token: u64,
    pub(super) flags: epoll::EventFlags,
}

/// Waits for events, rounding the timeout up. Without events also when a signal came.
pub(super) fn wait(
    epoll: &OwnedFd,
    events: &mut Vec<Event>,
    timeout: Option<Duration>,
) -> Result<()> {
    let mut found = [MaybeUninit::<epoll::Event>::uninit(); EVENTS];
    let timeout = timeout.map(timespec);
    match epoll::wait(epoll, &mut found[..], timeout.as_ref()) {
        Ok((found, _)) => {
            let found = found.iter();
            events.extend(found.map(|e| Event { token: e.data.u64(), flags: e.flags }));
            Ok(())
        }
        Err(rustix::io::Errno::INTR) => Ok(()),
        Err(errno) => Err(failed("wait for events")(errno)),
    }
}
