//! Ends everything in a cgroup and below, through the descriptor of its directory.

use crate::entry::parse;
use crate::process;
use crate::raw;
use crate::remove::next_entry;

const MOST_LEVELS: usize = 32;

/// Kills all processes in the cgroup and below; on kernels before 5.14 one by one, so that it has
/// to be called until [`populated`] says no.
pub fn kill(dir: i32) {
    match raw::open(dir, b"cgroup.kill\0", raw::O_WRONLY) {
        Ok(fd) => {
            let _ = raw::write(fd, b"1");
            raw::close(fd);
        }
        Err(_) => kill_each(dir, MOST_LEVELS),
    }
}

fn kill_each(dir: i32, levels: usize) {
    kill_members(dir);
    if levels == 0 {
        return;
    }
    let Ok(listing) = raw::open(dir, b".\0", raw::O_DIRECTORY) else { return };
    let mut buffer = [0u8; 2048];
    while let Ok(length @ 1..) = raw::list(listing, &mut buffer) {
        let mut rest = buffer.get(..length).unwrap_or_default();
        while let Some((name, is_directory, after)) = next_entry(rest) {
            rest = after;
            if is_directory && !matches!(name, b".\0" | b"..\0") {
                kill_below(dir, name, levels - 1);
            }
        }
    }
    raw::close(listing);
}

fn kill_below(dir: i32, name: &[u8], levels: usize) {
    if let Ok(below) = raw::open(dir, name, raw::O_DIRECTORY | raw::O_NOFOLLOW) {
        kill_each(below, levels);
        raw::close(below);
    }
}

fn kill_members(dir: i32) {
    let Ok(fd) = raw::open(dir, b"cgroup.procs\0", 0) else { return };
    each_number(fd, |pid| {
        let _ = process::kill(pid, raw::SIGKILL);
    });
    raw::close(fd);
}

/// Calls `found` with each positive number of a text of numbers, read to its end.
pub fn each_number(fd: i32, mut found: impl FnMut(i32)) {
    let mut buffer = [0u8; 2048];
    let mut kept = 0;
    while let Some(room) = buffer.get_mut(kept..) {
        let Ok(length @ 1..) = raw::read(fd, room) else { return };
        let text = buffer.get(..kept + length).unwrap_or_default();
        let complete = text.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
        let whole = text.get(..complete).unwrap_or_default();
        for word in whole.split(|byte| !byte.is_ascii_digit()) {
            if let Some(pid @ 1..) = parse(word).and_then(|pid| i32::try_from(pid).ok()) {
                found(pid);
            }
        }
        kept = kept + length - complete;
        buffer.copy_within(complete..complete + kept, 0);
    }
}

/// Whether a process is left in the cgroup or below. A cgroup that cannot be read is gone.
pub fn populated(dir: i32) -> bool {
    let mut buffer = [0u8; 256];
    let Ok(fd) = raw::open(dir, b"cgroup.events\0", 0) else { return false };
    let length = raw::read(fd, &mut buffer).unwrap_or(0);
    raw::close(fd);
    let text = buffer.get(..length).unwrap_or_default();
    text.split(|byte| *byte == b'\n').any(|line| line == b"populated 1")
}
