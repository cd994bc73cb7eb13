//! The guard's descendants: who is a child, who is further below.
//!
//! Orphans become the guard's children at once, and only the guard reaps its children: a pid in
//! the list of its children is pinned and can be signalled without hitting a stranger. Deeper ones
//! are signalled through a pidfd whose parent is looked up after it was opened.

use crate::cgroup::each_number;
use crate::entry::parse;
use crate::path::Path;
use crate::process;
use crate::raw;
use crate::remove::next_entry;

const MOST: usize = 16384;

/// A bounded list of process ids.
pub struct Pids {
    pids: [i32; MOST],
    count: usize,
}

impl Pids {
    pub const fn new() -> Self {
        Self { pids: [0; MOST], count: 0 }
    }

    fn push(&mut self, pid: i32) {
        if let Some(slot) = self.pids.get_mut(self.count) {
            *slot = pid;
            self.count += 1;
        }
    }

    pub fn as_slice(&self) -> &[i32] {
        self.pids.get(..self.count).unwrap_or_default()
    }

    /// Fills the list with the caller's children.
    pub fn read_children(&mut self) {
        self.count = 0;
        if is_namespace() {
            return;
        }
        self.add_children(process::getpid());
    }

    /// Fills the list with all descendants of the caller, parents before children.
    fn read_descendants(&mut self) {
        self.read_children();
        let mut next = 0;
        while let Some(pid) = self.as_slice().get(next).copied() {
            self.add_children(pid);
            next += 1;
        }
    }

    fn add_children(&mut self, parent: i32) {
        let tasks = Path::new(b"/proc/").number(parent).text(b"/task");
        let Ok(listing) = raw::open(raw::AT_FDCWD, tasks.as_bytes(), raw::O_DIRECTORY) else {
            return;
        };
        let mut known = false;
        each_directory(listing, |task| known |= self.add_listed(listing, task));
        raw::close(listing);
        if !known {
            self.add_searched(parent);
        }
    }

    /// Adds the children that the kernel lists for a thread; false where it keeps no such list.
    fn add_listed(&mut self, tasks: i32, task: i32) -> bool {
        let path = Path::new(b"").number(task).text(b"/children");
        let Ok(fd) = raw::open(tasks, path.as_bytes(), 0) else { return false };
        each_number(fd, |pid| self.push(pid));
        raw::close(fd);
        true
    }

    /// Adds the processes whose parent is `parent`, for kernels without lists of children.
    fn add_searched(&mut self, parent: i32) {
        let Ok(proc) = raw::open(raw::AT_FDCWD, b"/proc\0", raw::O_DIRECTORY) else { return };
        each_directory(proc, |pid| {
            if parent_of(pid) == Some(parent) {
                self.push(pid);
            }
        });
        raw::close(proc);
    }
}

fn each_directory(listing: i32, mut found: impl FnMut(i32)) {
    let mut buffer = [0u8; 1024];
    while let Ok(length @ 1..) = raw::list(listing, &mut buffer) {
        let mut rest = buffer.get(..length).unwrap_or_default();
        while let Some((name, _, after)) = next_entry(rest) {
            rest = after;
            let digits = name.strip_suffix(b"\0").and_then(parse);
            if let Some(number) = digits.and_then(|number| i32::try_from(number).ok()) {
                found(number);
            }
        }
    }
}

/// The parent of a process, from the fourth field of its stat file.
fn parent_of(pid: i32) -> Option<i32> {
    let path = Path::new(b"/proc/").number(pid).text(b"/stat");
    let fd = raw::open(raw::AT_FDCWD, path.as_bytes(), 0).ok()?;
    let mut buffer = [0u8; 512];
    let length = raw::read(fd, &mut buffer).unwrap_or(0);
    raw::close(fd);
    let text = buffer.get(..length)?;
    let after_name = text.get(text.iter().rposition(|byte| *byte == b')')? + 2..)?;
    let field = after_name.split(|byte| *byte == b' ').nth(1)?;
    parse(field).and_then(|pid| i32::try_from(pid).ok())
}

/// Whether the caller is the first process of a PID namespace: then all others in it are the tree,
/// and `/proc`, which is the host's, must not be asked.
pub fn is_namespace() -> bool {
    process::getpid() == 1
}

/// Kills the caller's children. Their children become the caller's own as they die, so repeating
/// this reaches everything; the number of children found is returned.
pub fn kill_children(pids: &mut Pids) -> usize {
    if is_namespace() {
        let _ = process::kill(-1, raw::SIGKILL);
        return 0;
    }
    pids.read_children();
    for pid in pids.as_slice() {
        let _ = process::kill(*pid, raw::SIGKILL);
    }
    pids.count
}

/// Signals every descendant once, parents first.
pub fn signal_all(pids: &mut Pids, signal: i32) {
    if is_namespace() {
        let _ = process::kill(-1, signal);
        return;
    }
    pids.read_descendants();
    for pid in pids.as_slice() {
        signal_one(pids.as_slice(), *pid, signal);
    }
}

fn signal_one(tree: &[i32], pid: i32, signal: i32) {
    let Ok(fd) = process::pidfd_open(pid) else { return };
    let own = |parent: i32| parent == process::getpid() || tree.contains(&parent);
    if parent_of(pid).is_some_and(own) {
        let _ = process::pidfd_signal(fd, signal, false);
    }
    raw::close(fd);
}
