//! Removes a directory and all below it: bounded, never through a symbolic link, never across
//! a mount, never one that is not the registered one any more.

use crate::path::Path;
use crate::raw;

const MOST_LEVELS: usize = 64;
const LISTING: usize = 2048;
const DIRECTORY_TYPE: u8 = 4;

/// Which kind of tree it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Ordinary files: all of them go.
    Files,
    /// Cgroups: only directories can go, their files go with them.
    Cgroups,
}

/// Removes `name` in `parent` if it is still the directory behind `dir`. True: it is gone.
pub fn remove(parent: i32, name: &[u8], dir: i32, kind: Kind) -> bool {
    let name = Path::new(name);
    let name = name.as_bytes();
    let ours = match (raw::identity(dir, b"\0"), raw::identity(parent, name)) {
        (Ok(ours), Ok(there)) if (ours.0, ours.1) == (there.0, there.1) => ours,
        _ => return true,
    };
    if kind == Kind::Files && raw::lock(dir).is_err() {
        return true;
    }
    let Ok(inside) = raw::open(dir, b".\0", raw::O_DIRECTORY) else { return false };
    empty(inside, ours.0, kind, MOST_LEVELS);
    raw::close(inside);
    matches!(raw::unlink(parent, name, raw::AT_REMOVEDIR), Ok(_) | Err(raw::ENOENT))
}

/// Removes what is in `dir`.
fn empty(dir: i32, device: u64, kind: Kind, levels: usize) {
    let mut buffer = [0u8; LISTING];
    while let Ok(length @ 1..) = raw::list(dir, &mut buffer) {
        let mut rest = buffer.get(..length).unwrap_or_default();
        while let Some((name, is_directory, after)) = next_entry(rest) {
            rest = after;
            remove_entry(dir, name, is_directory, device, kind, levels);
        }
    }
}

fn remove_entry(dir: i32, name: &[u8], directory: bool, device: u64, kind: Kind, levels: usize) {
    if matches!(name, b".\0" | b"..\0") {
        return;
    }
    if kind == Kind::Files && !directory && raw::unlink(dir, name, 0).is_ok() {
        return;
    }
    if raw::unlink(dir, name, raw::AT_REMOVEDIR).is_ok() || levels == 0 {
        return;
    }
    let flags = raw::O_DIRECTORY | raw::O_NOFOLLOW;
    let Ok(below) = raw::open(dir, name, flags) else { return };
    if raw::identity(below, b"\0").is_ok_and(|identity| identity.0 == device) {
        empty(below, device, kind, levels - 1);
        let _ = raw::unlink(dir, name, raw::AT_REMOVEDIR);
    }
    raw::close(below);
}

/// The first entry of a getdents64(2) listing: its NUL-terminated name, whether it is surely a
/// directory, and what follows it.
pub fn next_entry(listing: &[u8]) -> Option<(&[u8], bool, &[u8])> {
    let length = u16::from_ne_bytes(listing.get(16..18)?.try_into().ok()?);
    let entry = listing.get(..usize::from(length))?;
    let name = entry.get(19..)?;
    let end = name.iter().position(|byte| *byte == 0)?;
    let is_directory = *entry.get(18)? == DIRECTORY_TYPE;
    Some((name.get(..=end)?, is_directory, listing.get(usize::from(length)..)?))
}
