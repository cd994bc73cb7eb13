//! Mode `watch`: one per host, not its child, ends everything when the host is gone.
//!
//! `keeper watch CONTROL HOST`; the bell is the descriptor behind CONTROL. Records need not be read
//! before the bell rings, so that what is only noted for the end of the host wakes nobody up.
//!
//! The host is gone when the control socket ends (exit, exec) or when its pidfd says so (a forked
//! copy of the host may hold the socket). What the host had sent before is in the socket still and is
//! read to the end first: a registration is never lost.

use crate::cgroup;
use crate::control::{Control, Received};
use crate::entry::Args;
use crate::guard::close_all_but;
use crate::process;
use crate::protocol::{kind, Record};
use crate::raw::{self, Poll};
use crate::remove::{self, remove};
use crate::table::{Entry, Kind, Table};

const GIVE_UP_MS: i64 = 30_000;
const SLOWEST_ROUND_MS: i64 = 50;
/// How long directories wait for processes: zombies that nobody reaps count as processes.
const DIRECTORIES_WAIT_MS: i64 = 200;

struct Watch {
    control: Control,
    table: Table,
    /// Entries that are being ended.
    ending: usize,
    host_gone: bool,
    ending_since: i64,
    pause_ms: i64,
}

/// Runs the mode: leaves the host's family, then watches.
pub fn run(args: &Args) -> i32 {
    process::set_mask(u64::MAX);
    let (Some(fd), Some(host)) = (args.number(2), args.number(3)) else { return 64 };
    let (fd, host) = (fd as i32, host as i32);
    close_all_but(fd, 1);
    [fd, fd + 1].into_iter().for_each(raw::set_cloexec);
    let host_fd = process::pidfd_open(host).unwrap_or(-1);
    if process::getppid() != host || host_fd < 0 {
        return 71;
    }
    match process::fork() {
        Ok(0) => watch(fd, host_fd),
        Ok(_) => 0,
        Err(_) => 72,
    }
}

fn watch(fd: i32, host_fd: i32) -> i32 {
    let _ = process::setsid();
    process::chdir_root();
    process::set_name(b"pm-watch\0");
    process::raise_descriptor_limit();
    let table = Table::new();
    let (control, ending) = (Control { fd }, 0);
    let mut watch =
        Watch { control, table, ending, host_gone: false, ending_since: 0, pause_ms: 1 };
    watch.greet();
    while !watch.done() {
        let mut polls = [fd, host_fd, fd + 1].map(|fd| Poll::readable(watch.watched(fd)));
        polls[0].events = raw::POLLRDHUP;
        raw::poll(&mut polls, if watch.ending > 0 { watch.pause_ms } else { -1 });
        watch.turn(&polls);
    }
    0
}

impl Watch {
    /// The descriptor, or none once the host has ended: they would stay readable for ever.
    fn watched(&self, fd: i32) -> i32 {
        if self.host_gone {
            -1
        } else {
            fd
        }
    }

    fn done(&self) -> bool {
        self.host_gone && self.ending == 0
    }

    fn greet(&self) {
        let own = process::pidfd_open(process::getpid()).unwrap_or(-1);
        let ready = Record::new(kind::READY, 0, &[process::getpid().into()]);
        self.control.send(&ready, own);
        raw::close(own);
    }

    fn say(&self, kind: u16, id: u32, value: i64) {
        self.control.send(&Record::new(kind, id, &[value]), -1);
    }

    fn turn(&mut self, polls: &[Poll; 3]) {
        if polls[2].revents != 0 {
            let _ = raw::read(polls[2].fd, &mut [0; 8]);
        }
        let heard = polls[0].revents | polls[2].revents != 0;
        let open = !heard || self.read_all();
        if (polls[1].revents != 0 || !open) && !self.host_gone {
            self.read_all();
            self.end_all();
        }
        if self.ending > 0 {
            self.round();
        }
    }

    /// Takes every record that is there. False: the other end is gone.
    fn read_all(&mut self) -> bool {
        loop {
            match self.control.receive() {
                Received::Nothing => return true,
                Received::Closed => return false,
                Received::Record(record, fds) => self.obey(&record, fds),
            }
        }
    }

    fn obey(&mut self, record: &Record, fds: [i32; 2]) {
        let kind = match record.kind {
            kind::ADD_GROUP => Kind::Group,
            kind::ADD_CGROUP => Kind::Cgroup,
            kind::ADD_DIRECTORY => Kind::Directory,
            other => return self.change(other, record.id, fds),
        };
        let wanted = if kind == Kind::Group { 1 } else { 2 };
        let complete = fds.iter().take(wanted).all(|fd| *fd >= 0);
        let added = if complete { self.add(kind, record, fds) } else { Err(raw::EMFILE) };
        if let Err(errno) = added {
            close_both(fds);
            self.say(kind::REFUSED, record.id, errno.into());
        }
    }

    fn add(&mut self, kind: Kind, record: &Record, fds: [i32; 2]) -> Result<(), i32> {
        let entry = self.table.claim(record.id)?;
        if entry.kind != Kind::Free {
            return Err(raw::EINVAL);
        }
        let is_directory = matches!(kind, Kind::Cgroup | Kind::Directory);
        let [parent, fd] = if is_directory { fds } else { [-1, fds[0]] };
        (entry.kind, entry.ending, entry.fd, entry.parent) = (kind, false, fd, parent);
        entry.group = record.values[0] as i32;
        entry.name = [0; 256];
        for (slot, byte) in entry.name.iter_mut().zip(record.text().iter().take(255)) {
            *slot = *byte;
        }
        Ok(())
    }

    fn change(&mut self, kind: u16, id: u32, fds: [i32; 2]) {
        close_both(fds);
        match kind {
            kind::REMOVE => self.forget(id),
            kind::FINISH => self.finish(id),
            kind::GOODBYE => self.part(),
            _ => {}
        }
    }

    fn forget(&mut self, id: u32) {
        if let Some(entry) = self.table.get(id).filter(|entry| entry.kind != Kind::Free) {
            let was_ending = entry.ending;
            release(entry);
            self.ending -= usize::from(was_ending);
        }
    }

    /// The host is done with us: what is not being ended is none of our business any more.
    fn part(&mut self) {
        self.host_gone = true;
        for id in 0..self.table.entries().len() as u32 {
            if self.table.get(id).is_some_and(|entry| !entry.ending) {
                self.forget(id);
            }
        }
    }

    fn finish(&mut self, id: u32) {
        self.pause_ms = 1;
        self.ending_since = raw::now();
        match self.table.get(id) {
            Some(entry) if entry.kind != Kind::Free && !entry.ending => {
                entry.ending = true;
                entry.deadline = raw::now() + GIVE_UP_MS;
                self.ending += 1;
            }
            _ => {}
        }
    }

    fn end_all(&mut self) {
        self.host_gone = true;
        for id in 0..self.table.entries().len() {
            self.finish(id as u32);
        }
    }

    /// One round over what is being ended. Directories go last: processes may still run in them.
    fn round(&mut self) {
        let now = raw::now();
        let waited = now >= self.ending_since + DIRECTORIES_WAIT_MS;
        let mut left = 0;
        for id in 0..self.table.entries().len() {
            left += usize::from(!self.try_end(id as u32, now, |kind| kind != Kind::Directory));
        }
        for id in 0..self.table.entries().len() {
            self.try_end(id as u32, now, |kind| kind == Kind::Directory && (left == 0 || waited));
        }
        self.pause_ms = (self.pause_ms * 2).min(SLOWEST_ROUND_MS);
    }

    /// Ends an entry that is due and of a wanted kind. False: it is wanted and still there.
    fn try_end(&mut self, id: u32, now: i64, wanted: impl Fn(Kind) -> bool) -> bool {
        let Some(entry) = self.table.get(id).filter(|entry| entry.ending) else { return true };
        let late = now >= entry.deadline;
        if !wanted(entry.kind) && !late {
            return true;
        }
        let gone = end(entry);
        if gone || late {
            release(entry);
            self.ending -= 1;
            self.say(kind::FINISHED, id, i64::from(!gone));
        }
        gone || late
    }
}

/// Tries to end an entry. True: nothing is left of it.
fn end(entry: &Entry) -> bool {
    match entry.kind {
        Kind::Free => true,
        Kind::Group => end_group(entry),
        Kind::Cgroup => {
            cgroup::kill(entry.fd);
            !cgroup::populated(entry.fd)
                && remove(entry.parent, entry.name(), entry.fd, remove::Kind::Cgroups)
        }
        Kind::Directory => remove(entry.parent, entry.name(), entry.fd, remove::Kind::Files),
    }
}

/// Kills a group through its leader's pidfd. Before kernel 6.9 the number is used, and only while
/// the leader exists: it might name a stranger's group otherwise.
fn end_group(entry: &Entry) -> bool {
    match process::pidfd_signal(entry.fd, raw::SIGKILL, true) {
        Err(raw::EINVAL) => {
            let leads = process::pidfd_signal(entry.fd, 0, false) != Err(raw::ESRCH);
            !leads || process::kill(-entry.group, raw::SIGKILL) == Err(raw::ESRCH)
        }
        answer => answer == Err(raw::ESRCH),
    }
}

/// Frees a slot and lets go of what it holds.
fn release(entry: &mut Entry) {
    close_both([entry.fd, entry.parent]);
    (entry.kind, entry.ending) = (Kind::Free, false);
}

fn close_both(fds: [i32; 2]) {
    for fd in fds.into_iter().filter(|fd| *fd >= 0) {
        raw::close(fd);
    }
}
