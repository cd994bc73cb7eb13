//! One guarded process: the guard is the host's child, the command is the guard's.
//!
//! The guard is started through the spawn layer with every option of the command applied to it,
//! and hands them on. What that means: the guard runs as the command's user, counts against its
//! process limit, and its own peak memory is some 100 KiB. Its end of the socket is the only
//! descriptor it keeps.

use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal};

use super::channel::{Channel, Incoming};
use super::protocol::{group, host::NO_NUMBER, kind, rest, step, Record};
use super::Image;
use crate::command::{Command, Descendants, ExtraFd, GroupMode};
use crate::error::{ProcessError, Result, StartError, StartStep};
use crate::spawn::{self, SpawnContext, Spawned};
use crate::sys::fork::epoch;
use crate::sys::orphans;
use crate::sys::pidfd::{self, Reaped};
use crate::types::{Containment, ExitStatus, ResourceUsage};

/// How long a guard may take from its own exec to the command's.
const START_WAIT: Duration = Duration::from_secs(30);
const END_WAIT: Duration = Duration::from_secs(2);

/// A running guard. Dropping it ends the tree: the guard sees its socket end.
#[derive(Debug)]
pub(crate) struct Guard {
    channel: Channel,
    /// The guard itself, a child of the host that the host reaps; readable when it has ended.
    pub(crate) pidfd: Arc<OwnedFd>,
    epoch: u64,
    level: Containment,
    /// Sudo, where that has started it.
    relayed: Option<Relayed>,
    /// Kept, so that the next guard need not make it again.
    _image: Option<Image>,
}

/// What belongs to a guard that sudo has started.
#[derive(Debug)]
pub(crate) struct Relayed {
    /// Sudo, a child of the host.
    pub(crate) sudo: Arc<OwnedFd>,
    /// Kept open: sudo could be ended by writing to it.
    pub(crate) _stderr: OwnedFd,
}

/// What a guard reports, in this order: `Exited`, then `Empty` or `Left` unless `Exited` said so.
#[derive(Debug, PartialEq)]
pub(crate) enum GuardEvent {
    /// The command has ended.
    Exited {
        /// How.
        status: ExitStatus,
        /// What it used.
        usage: ResourceUsage,
        /// Whether nothing is left of the tree: then this is the last event before `Gone`.
        empty: bool,
    },
    /// Nothing is left of the tree, proven.
    Empty,
    /// The command's descendants are left alone, as asked.
    Left,
    /// The answer to [`Guard::survey`]: those of the guard's children that live, the first 64.
    Alive {
        /// Which.
        pids: Vec<i32>,
    },
    /// The guard has ended; before `Empty` or `Left` that means it was killed.
    Gone,
}

impl Guard {
    /// Starts `command` under a guard, with the same context as the spawn layer would get.
    ///
    /// The result's `pid`, `pidfd` and `pgid` are the command's; the guard's own are in the guard.
    /// The host cannot reap the command: its end comes as an event. Blocks until the command's
    /// exec has succeeded or failed. Any thread.
    pub(crate) fn start(command: &Command, context: &SpawnContext<'_>) -> Result<(Guard, Spawned)> {
        let pair = Channel::pair();
        let (channel, theirs) =
            pair.map_err(|e| ProcessError::io("cannot make a control socket", e))?;
        let image = Image::get()?;
        let wrapped = wrap(command, context, theirs)?;
        let spawned = spawn_guard(&wrapped, &image, context)?;
        drop(wrapped);
        let Spawned { pidfd, stdin, stdout, stderr, .. } = spawned;
        let (pidfd, relayed, image) = (Arc::new(pidfd), None, Some(image));
        let level = level_of(context);
        let guard = Guard { channel, pidfd, epoch: epoch(), level, relayed, _image: image };
        let (pid, pidfd) = guard.await_start(command, context)?;
        let pgid = (command.group != GroupMode::Host).then_some(pid);
        Ok((guard, Spawned { pid, pidfd, pgid, stdin, stdout, stderr }))
    }

    /// Takes over a relay that was handed its command, once that has started.
    pub(crate) fn relayed(
        (channel, pidfd): (Channel, OwnedFd),
        relayed: Relayed,
        command: &Command,
        context: &SpawnContext<'_>,
    ) -> Result<(Guard, i32, OwnedFd)> {
        let (pidfd, relayed) = (Arc::new(pidfd), Some(relayed));
        let level = Containment::Guard;
        let guard = Guard { channel, pidfd, epoch: epoch(), level, relayed, _image: None };
        let (pid, pidfd) = guard.await_start(command, context)?;
        Ok((guard, pid, pidfd))
    }

    /// The level that this guard stands for.
    pub(crate) fn level(&self) -> Containment {
        self.level
    }

    /// The command's process id as the host knows it; in a namespace the guard has another one.
    fn pid_here(&self, pidfd: &OwnedFd, told: i32) -> Option<i32> {
        match self.level {
            // The guard reaps nobody before it is told that this was seen.
            Containment::PidNamespace => {
                let pid = pid_of(pidfd);
                self.tell(kind::SEEN, &[]).ok().and(pid)
            }
            _ => Some(told),
        }
    }

    /// The host's child: the guard, or the sudo that has started it.
    fn child(&self) -> &Arc<OwnedFd> {
        self.relayed.as_ref().map_or(&self.pidfd, |relayed| &relayed.sudo)
    }

    fn await_start(&self, command: &Command, context: &SpawnContext<'_>) -> Result<(i32, OwnedFd)> {
        let failure = match self.channel.receive_until(Instant::now() + START_WAIT) {
            Incoming::Record(record, fds) if record.kind == kind::STARTED => {
                let pidfd = fds.into_iter().next();
                let told = record.values[0] as i32;
                if let Some((pid, pidfd)) =
                    pidfd.and_then(|fd| Some((self.pid_here(&fd, told)?, fd)))
                {
                    return Ok((pid, pidfd));
                }
                (StartStep::Contain, libc::EMFILE, 0)
            }
            Incoming::Record(record, _) if record.kind == kind::FAILED => {
                let [step, errno, candidate, ..] = record.values;
                (start_step(step), errno as i32, candidate as u32)
            }
            Incoming::Nothing => (StartStep::Contain, libc::ETIMEDOUT, 0),
            _ => (StartStep::Contain, libc::ECHILD, 0),
        };
        self.end_now();
        Err(spawn::explain_execution(command, context, failure))
    }

    /// Ends the guard and reaps it: for a start that failed. The guard may have started something
    /// meanwhile, so that it gets the time to end that. An old sudo may not be signalled.
    fn end_now(&self) {
        self.channel.close();
        if !pidfd::ends_within(self.pidfd.as_fd(), END_WAIT) {
            let _ = rustix::process::pidfd_send_signal(self.child(), Signal::KILL);
        }
        orphans::end(self.shared_pidfd(), END_WAIT);
    }

    /// The next event that is there; `None` if there is none yet. One thread at a time.
    pub(crate) fn next_event(&self) -> Option<GuardEvent> {
        loop {
            match self.channel.receive() {
                Incoming::Nothing => return None,
                Incoming::Closed => return Some(GuardEvent::Gone),
                Incoming::Record(record, _) => {
                    if let Some(event) = event(&record) {
                        return Some(event);
                    }
                }
            }
        }
    }

    /// Signals every descendant. Signals sent one after the other arrive in that order.
    pub(crate) fn signal(&self, signal: i32) -> std::io::Result<()> {
        self.tell(kind::SIGNAL, &[signal.into()])
    }

    /// Kills the tree until nothing is left; `Empty` follows.
    pub(crate) fn kill(&self) -> std::io::Result<()> {
        self.tell(kind::KILL, &[])
    }

    /// Asks who is alive; `Alive` follows.
    pub(crate) fn survey(&self) -> std::io::Result<()> {
        self.tell(kind::SURVEY, &[])
    }

    /// Lets the tree outlive the host. The guard stays until the command has ended, since the
    /// command would die with it, and takes no orders any more.
    pub(crate) fn detach(&self) -> std::io::Result<()> {
        self.tell(kind::DETACH, &[])
    }

    /// The pidfd of the host's child, for whoever reaps it later.
    pub(crate) fn shared_pidfd(&self) -> Arc<OwnedFd> {
        Arc::clone(self.child())
    }

    /// Whether the guard has ended, reaped or not.
    pub(crate) fn has_ended(&self) -> bool {
        pidfd::ends_within(self.pidfd.as_fd(), Duration::ZERO)
    }

    /// Reaps the guard if it has ended, so that it is no zombie. True: it is gone.
    pub(crate) fn reap(&self) -> bool {
        !matches!(pidfd::reap(self.child().as_fd()), Ok(Reaped::NotYet))
    }

    fn tell(&self, kind: u16, values: &[i64]) -> std::io::Result<()> {
        self.channel.send(&Record::new(kind, 0, values), &[])
    }
}

impl Drop for Guard {
    /// A forked copy of the host may hold the socket too: it has to be ended, not only closed.
    fn drop(&mut self) {
        if self.epoch == epoch() {
            self.channel.close();
        }
    }
}

impl AsFd for Guard {
    /// Readable when [`Guard::next_event`] has something to say.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}

/// Starts the guard itself. That the keeper cannot be executed is not the command's fault, except
/// where there is too much to hand on.
fn spawn_guard(wrapped: &Command, image: &Image, place: &SpawnContext<'_>) -> Result<Spawned> {
    let (program, exec_fd) = (image.path(), image.exec_fd());
    let context = SpawnContext { program, exec_fd, ..*place };
    match spawn::spawn(wrapped, &context) {
        Err(ProcessError::StartFailed(error))
            if error.step == StartStep::Exec && error.errno != libc::E2BIG =>
        {
            Err(StartError::new(error.program, StartStep::Contain, error.errno).into())
        }
        result => result,
    }
}

/// The command that starts the guard, which starts `command`.
fn wrap(command: &Command, context: &SpawnContext<'_>, control: OwnedFd) -> Result<Command> {
    let mut wrapped = command.clone();
    let control_at = add_fd(&mut wrapped, control);
    if context.pid_namespace {
        // Right behind the socket: a process outside of the namespace has no number in it.
        let own = rustix::process::pidfd_open(rustix::process::getpid(), PidfdFlags::empty());
        let missing = |e| ProcessError::Unsupported(format!("a PID namespace needs pidfds: {e}"));
        add_fd(&mut wrapped, own.map_err(missing)?);
    }
    let exec_at = match context.exec_fd {
        None => -1,
        Some(fd) => add_fd(&mut wrapped, fd.try_clone_to_owned()?),
    };
    wrapped.args = arguments(command, context, (control_at, exec_at));
    wrapped.arg0 = Some(OsString::from("keeper"));
    wrapped.group = GroupMode::Own;
    Ok(wrapped)
}

/// The guard's arguments, which name the numbers of its socket and of the program (-1: a path).
pub(crate) fn arguments(
    command: &Command,
    context: &SpawnContext<'_>,
    (control_at, exec_at): (i32, i32),
) -> Vec<OsString> {
    let execution = spawn::execution(command, context);
    let group = match command.group {
        GroupMode::Own => group::OWN,
        GroupMode::Session => group::SESSION,
        GroupMode::Host => host_number(rustix::process::getpgrp()),
    };
    let host = match context.pid_namespace {
        true => NO_NUMBER,
        false => host_number(rustix::process::getpid()),
    };
    let numbers = [control_at.into(), host, rest_of(command), group, exec_at.into()];
    let counts = [i64::from(execution.keeps_fd), execution.candidates.len() as i64];
    let mut args = vec![OsString::from("guard")];
    args.extend(numbers.into_iter().chain(counts).map(|number| number.to_string().into()));
    args.extend(execution.candidates);
    args.push(execution.arg0);
    args.extend(command.args.iter().cloned());
    args
}

fn level_of(context: &SpawnContext<'_>) -> Containment {
    match context.pid_namespace {
        true => Containment::PidNamespace,
        false => Containment::Guard,
    }
}

/// The process id behind a pidfd, in the namespace of the host's `/proc` (Linux 5.4).
fn pid_of(pidfd: &OwnedFd) -> Option<i32> {
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd())).ok()?;
    let number = info.lines().find_map(|line| line.strip_prefix("Pid:"))?;
    number.trim().parse().ok().filter(|pid| *pid > 0)
}

fn host_number(pid: Pid) -> i64 {
    pid.as_raw_nonzero().get().into()
}

fn rest_of(command: &Command) -> i64 {
    match command.descendants {
        // The host may want to ask before it kills.
        Descendants::End => rest::KEEP,
        Descendants::Leave => rest::LEAVE,
    }
}

/// Gives the child one more descriptor, above all others; the result is its number there.
fn add_fd(command: &mut Command, source: OwnedFd) -> i32 {
    let highest = command.extra_fds.iter().map(|extra| extra.target).max().unwrap_or(2);
    let target = highest.saturating_add(1);
    command.extra_fds.push(ExtraFd { source: Arc::new(source), target });
    target
}

fn start_step(number: i64) -> StartStep {
    match number {
        step::EXEC => StartStep::Exec,
        step::GROUP => StartStep::Group,
        step::CLONE => StartStep::Clone,
        step::CHDIR => StartStep::Chdir,
        step::DESCRIPTORS => StartStep::Descriptors,
        step::LIMIT => StartStep::Rlimit,
        step::NICE => StartStep::Nice,
        step::AFFINITY => StartStep::Affinity,
        _ => StartStep::Contain,
    }
}

fn event(record: &Record) -> Option<GuardEvent> {
    let [status, user, system, peak, empty, _] = record.values;
    match record.kind {
        kind::EXITED => {
            let usage = ResourceUsage {
                user_time: Duration::from_micros(user.unsigned_abs()),
                system_time: Duration::from_micros(system.unsigned_abs()),
                max_rss: peak.unsigned_abs() * 1024,
            };
            Some(GuardEvent::Exited {
                status: exit_status(status as i32),
                usage,
                empty: empty != 0,
            })
        }
        kind::EMPTY => Some(GuardEvent::Empty),
        kind::LEFT => Some(GuardEvent::Left),
        kind::ALIVE => Some(GuardEvent::Alive { pids: pids(record) }),
        _ => None,
    }
}

fn pids(record: &Record) -> Vec<i32> {
    let number = |bytes: &[u8]| bytes.try_into().map_or(0, i32::from_le_bytes);
    record.text().chunks_exact(4).map(number).collect()
}

fn exit_status(raw: i32) -> ExitStatus {
    let signal = raw & 0x7f;
    match signal {
        0 => ExitStatus::Code((raw >> 8) & 0xff),
        _ => ExitStatus::Signal { signal, core_dumped: raw & 0x80 != 0 },
    }
}
