//! Mode `guard`: parent and subreaper of one tree, where no cgroup can be had.
//!
//! `keeper guard CONTROL HOST REST GROUP EXECFD KEEPS COUNT CANDIDATES… ARGV0 ARGS…`: the spawn layer
//! has already put directory, ids, limits, standard streams and further descriptors in place, so
//! that the guard has only to start the command and to let go of everything itself. HOST is 0 where
//! the guard is the first process of a PID namespace: then the host's pidfd is the descriptor behind
//! CONTROL. What the guard opens, it opens after that, in the places of the streams it closed: a
//! descriptor limit meant for the command cannot starve it, unless that is less than 6.

use crate::control::{Control, Received};
use crate::entry::Args;
use crate::process::{self, Ended};
use crate::protocol::{group, host::NO_NUMBER, kind, rest, step, Record};
use crate::raw::{self, Poll};
use crate::tree::{self, Pids};

const CANDIDATES_AT: usize = 9;
const SLOWEST_ROUND_MS: i64 = 100;

static mut STACK: [u8; 16384] = [0; 16384];
static mut PIDS: Pids = Pids::new();

/// What the child needs between clone and exec, and where it leaves why it failed.
struct Start<'a> {
    args: &'a Args,
    guard: i32,
    group: i64,
    exec_fd: i32,
    keeps_fd: bool,
    /// How many paths there are to try.
    count: usize,
    mask: u64,
    /// Step, errno, candidate.
    failed: [i64; 3],
}

/// The guard at work.
struct Guard {
    control: Control,
    pids: &'static mut Pids,
    command: i32,
    pidfd: i32,
    rest: i64,
    running: bool,
    killing: bool,
    detached: bool,
    pause_ms: i64,
}

/// Runs the mode.
pub fn run(args: &Args) -> i32 {
    let mask = process::set_mask(u64::MAX);
    let number = |index| args.number(index);
    let (Some(fd), Some(host)) = (number(2), number(3)) else { return 64 };
    raw::set_cloexec(fd as i32);
    if host == NO_NUMBER {
        raw::set_cloexec(fd as i32 + 1);
    }
    serve(args, Control { fd: fd as i32 }, host as i32, mask)
}

/// Starts the command that `args` describe and watches over it, as a child of `parent`.
pub fn serve(args: &Args, control: Control, parent: i32, mask: u64) -> i32 {
    let number = |index| args.number(index);
    let (Some(host), Some(rest)) = (number(3), number(4)) else { return 64 };
    let numbers = (number(5), number(6), number(7), number(8));
    let (Some(group), Some(exec_fd), Some(keeps), Some(count)) = numbers else { return 64 };
    process::set_name(b"pm-guard\0");
    process::reset_disposition(raw::SIGCHLD);
    process::become_subreaper();
    let (guard, exec_fd, count) = (process::getpid(), exec_fd as i32, count as usize);
    let keeps_fd = keeps != 0;
    let mut start = Start { args, guard, group, exec_fd, keeps_fd, count, mask, failed: [0; 3] };
    match start_command(&mut start, parent) {
        Ok(command) => Guard::new(control, command, rest).watch(args, host as i32, parent),
        Err(failed) => {
            control.send(&Record::new(kind::FAILED, 0, &failed), -1);
            0
        }
    }
}

fn start_command(start: &mut Start<'_>, parent: i32) -> Result<i32, [i64; 3]> {
    if process::getppid() != parent {
        return Err([step::HOST, raw::ESRCH.into(), 0]);
    }
    // SAFETY: single-threaded, and this is the only use.
    let stack = unsafe { &mut *(&raw mut STACK) };
    match process::vfork(stack, become_command, start) {
        Err(errno) => Err([step::CLONE, errno.into(), 0]),
        Ok(_) if start.failed[0] != 0 => Err(start.failed),
        Ok(pid) => Ok(pid as i32),
    }
}

/// Runs in the child, in the guard's memory, on its own stack.
extern "C" fn become_command(start: &mut Start<'_>) -> ! {
    process::die_with_parent();
    if process::getppid() != start.guard {
        raw::exit(70);
    }
    let moved = match start.group {
        group::SESSION => process::setsid(),
        group::OWN => process::setpgid(0),
        number => process::setpgid(number),
    };
    if let Err(errno) = moved {
        start.failed = [step::GROUP, errno.into(), 0];
        raw::exit(70);
    }
    process::set_mask(start.mask);
    execute(start);
    raw::exit(70)
}

/// Tries each candidate, as the spawn layer does: a file that may not be executed is remembered,
/// and reported unless a later candidate succeeds or fails in a way of its own.
fn execute(start: &mut Start<'_>) {
    let args = start.args;
    let (argv, envp) = (args.tail(CANDIDATES_AT + start.count), args.environment());
    if start.exec_fd >= 0 {
        if !start.keeps_fd {
            raw::set_cloexec(start.exec_fd);
        }
        let errno = process::exec(start.exec_fd, core::ptr::null(), argv, envp);
        start.failed = [step::EXEC, errno.into(), 0];
        return;
    }
    // The memory is the guard's: nothing may be written before it is sure that all have failed.
    let mut failed = [step::EXEC, raw::ENOENT.into(), 0];
    for index in 0..start.count {
        let Some(path) = args.pointer(CANDIDATES_AT + index) else { break };
        match process::exec(-1, path, argv, envp) {
            raw::ENOENT | raw::ENOTDIR | raw::ENAMETOOLONG => continue,
            errno => failed = [step::EXEC, errno.into(), index as i64],
        }
        if failed[1] != raw::EACCES.into() {
            break;
        }
    }
    start.failed = failed;
}

impl Guard {
    fn new(control: Control, command: i32, rest: i64) -> Self {
        // SAFETY: single-threaded, and this is the only use.
        let pids = unsafe { &mut *(&raw mut PIDS) };
        let (running, killing, detached) = (true, false, false);
        Self { control, pids, command, pidfd: -1, rest, running, killing, detached, pause_ms: 1 }
    }

    fn watch(mut self, args: &Args, host: i32, parent: i32) -> i32 {
        let beside = i32::from(i64::from(host) == NO_NUMBER);
        self.announce(args, beside);
        // All below goes on while the host wakes up.
        let signals = process::signal_fd(raw::SIGCHLD).unwrap_or(-1);
        let host_fd = match beside {
            0 => process::pidfd_open(host).unwrap_or(-1),
            _ => self.control.fd + beside,
        };
        self.killing = process::getppid() != parent;
        if beside != 0 {
            // The host looks the command's number up: it must not be reaped before.
            raw::poll(&mut [self.control.fd, host_fd].map(Poll::readable), -1);
        }
        while !self.reap() {
            if self.killing {
                self.kill();
            }
            if self.leaves_the_rest_to_the_kernel() {
                break;
            }
            self.wait(host_fd, signals);
        }
        0
    }

    /// Holds nothing of the host's any more, and says that the command runs.
    fn announce(&mut self, args: &Args, beside: i32) {
        args.wipe(2);
        process::chdir_root();
        close_all_but(self.control.fd, beside);
        self.pidfd = process::pidfd_open(self.command).unwrap_or(-1);
        let started = Record::new(kind::STARTED, 0, &[self.command.into()]);
        self.control.send(&started, self.pidfd);
    }

    fn wait(&mut self, host_fd: i32, signals: i32) {
        let watched = if self.detached { -1 } else { self.control.fd };
        let mut polls = [watched, host_fd, signals].map(Poll::readable);
        raw::poll(&mut polls, if self.killing { self.pause_ms } else { -1 });
        self.handle(&polls);
    }

    fn handle(&mut self, polls: &[Poll; 3]) {
        let [control, host, signals] = polls;
        if signals.revents != 0 {
            let _ = raw::read(signals.fd, &mut [0u8; 128]);
            self.pause_ms = 1;
        }
        // What a host that has ended had still asked for comes before its end.
        if control.revents != 0 || host.revents != 0 {
            self.obey();
        }
        if host.revents != 0 && !self.detached {
            self.killing = true;
        }
    }

    /// Takes all orders that are there; nothing counts after the last one, which detaches.
    fn obey(&mut self) {
        while !self.detached {
            match self.control.receive() {
                Received::Closed => return self.killing = true,
                Received::Nothing => return,
                Received::Record(record, _) => self.carry_out(&record),
            }
        }
    }

    fn carry_out(&mut self, order: &Record) {
        match order.kind {
            kind::SIGNAL => tree::signal_all(self.pids, order.values[0] as i32),
            kind::KILL => self.killing = true,
            kind::SURVEY => self.survey(),
            kind::DETACH => self.detached = true,
            _ => {}
        }
    }

    /// Reaps whoever has ended. True: the guard is done.
    fn reap(&mut self) -> bool {
        let mut last: Option<Ended> = None;
        let empty = loop {
            match process::reap() {
                Ok(Some(ended)) if ended.pid == self.command => last = Some(ended),
                Ok(Some(_)) | Err(raw::EINTR) => {}
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        if let Some(ended) = &last {
            self.report_end(ended, empty);
        } else if empty {
            self.control.send(&Record::new(kind::EMPTY, 0, &[]), -1);
        }
        empty || self.leave_rest()
    }

    fn report_end(&mut self, ended: &Ended, empty: bool) {
        self.running = false;
        let status = ended.status.into();
        let values = [status, ended.user_us, ended.system_us, ended.peak_kib, empty.into()];
        self.control.send(&Record::new(kind::EXITED, 0, &values), -1);
    }

    /// Whether the command has ended and its descendants are to be left alone.
    fn leave_rest(&mut self) -> bool {
        let leave = !self.running && !self.killing && (self.rest == rest::LEAVE || self.detached);
        if leave {
            self.control.send(&Record::new(kind::LEFT, 0, &[]), -1);
        }
        leave
    }

    /// The end of the first process of a namespace is the end of all: also of those that it may not
    /// signal, because they have become another user's.
    fn leaves_the_rest_to_the_kernel(&mut self) -> bool {
        let is_last_resort = self.killing && !self.running && self.pause_ms >= SLOWEST_ROUND_MS;
        let leaves = is_last_resort && tree::is_namespace();
        if leaves {
            self.control.send(&Record::new(kind::EMPTY, 0, &[]), -1);
        }
        leaves
    }

    /// One round of killing: the command's group at one stroke, then whoever is a child by now.
    fn kill(&mut self) {
        if self.running {
            let _ = self.signal_group(raw::SIGKILL);
        }
        tree::kill_children(self.pids);
        self.pause_ms = (self.pause_ms * 2).min(SLOWEST_ROUND_MS);
    }

    /// Signals the command's group if it leads one: through the pidfd (6.9), else by its number,
    /// which is pinned for as long as the command is not reaped.
    fn signal_group(&self, signal: i32) -> raw::Answer {
        match process::pidfd_signal(self.pidfd, signal, true) {
            Err(raw::EINVAL) if self.running => process::kill(-self.command, signal),
            answer => answer,
        }
    }

    fn survey(&mut self) {
        self.pids.read_children();
        let alive = self.pids.as_slice();
        let mut text = [0u8; 256];
        for (slot, pid) in text.chunks_exact_mut(4).zip(alive) {
            slot.copy_from_slice(&pid.to_le_bytes());
        }
        let mut record = Record::new(kind::ALIVE, 0, &[alive.len() as i64]);
        record.set_text(text.get(..alive.len().min(64) * 4).unwrap_or_default());
        self.control.send(&record, -1);
    }
}

/// Lets go of everything but one descriptor and so many right behind it.
pub fn close_all_but(fd: i32, beside: i32) {
    let (first, last) = (fd as u32, (fd + beside) as u32);
    let below = if first > 0 { raw::close_range(0, first - 1) } else { Ok(0) };
    if below.is_err() || raw::close_range(last + 1, u32::MAX).is_err() {
        close_each_but(fd..=fd + beside);
    }
}

/// The same where a sandbox refuses close_range(2), as far as common limits go.
fn close_each_but(kept: core::ops::RangeInclusive<i32>) {
    for fd in (0..65536).filter(|fd| !kept.contains(fd)) {
        raw::close(fd);
    }
}
