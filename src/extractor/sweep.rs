//! Removes the directories of hosts that were killed. Called before a directory is made.
//!
//! A directory is stale when it has our prefix and our user and nobody holds its lock. The lock is
//! held during the removal, so two hosts that sweep at once never touch the same directory, and a
//! directory that was just made by a third one is either locked by its owner or given up by it
//! (see `directory::lock`).

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::directory;

/// Entries of the base directory that one sweep looks at.
const MOST_EXAMINED: usize = 10_000;
/// Directories that one sweep removes.
const MOST_REMOVED: usize = 256;

/// Removes what dead owners left in `base`. Failures are left to the next sweep.
pub(super) fn sweep(base: &Path, prefix: &str) -> usize {
    let Ok(entries) = fs::read_dir(base) else { return 0 };
    entries
        .take(MOST_EXAMINED)
        .flatten()
        .filter(|entry| has_our_form(&entry.file_name(), prefix))
        .filter(|entry| remove_if_stale(&entry.path()))
        .take(MOST_REMOVED)
        .count()
}

/// `<prefix>-<12 letters and digits>`, as `directory::PrivateDir` names them.
fn has_our_form(name: &OsStr, prefix: &str) -> bool {
    let random = name.as_bytes().strip_prefix(prefix.as_bytes()).and_then(|n| n.strip_prefix(b"-"));
    random.is_some_and(|r| r.len() == 12 && r.iter().all(u8::is_ascii_alphanumeric))
}

fn remove_if_stale(path: &Path) -> bool {
    match directory::lock(path) {
        Ok(Some(_held)) => fs::remove_dir_all(path).is_ok(),
        _ => false,
    }
}
