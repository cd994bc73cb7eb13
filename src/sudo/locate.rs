//! Where sudo is, and whether it can work here. Never looked up in `PATH`, which is the caller's.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::SudoErrorKind;
use crate::error::Result;

const PLACES: [&str; 4] =
    ["/usr/bin/sudo", "/bin/sudo", "/usr/local/bin/sudo", "/run/wrappers/bin/sudo"];
const SETUID: u32 = 0o4000;
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The sudo to run.
///
/// Errors: `AuthenticationFailed` with the reason why none can work.
pub(super) fn sudo() -> Result<PathBuf> {
    if rustix::thread::no_new_privs().unwrap_or(false) {
        return Err(SudoErrorKind::NoNewPrivileges.into());
    }
    let found = PLACES.iter().map(Path::new).find(|path| is_trusted(path));
    match found {
        Some(path) => Ok(path.to_owned()),
        None if !has_all_users() => Err(SudoErrorKind::UserNamespace.into()),
        None => Err(SudoErrorKind::NotFound.into()),
    }
}

fn is_trusted(path: &Path) -> bool {
    let Ok(file) = path.metadata() else { return false };
    let mode = file.mode();
    file.is_file() && file.uid() == 0 && mode & SETUID != 0 && mode & WRITABLE_BY_OTHERS == 0
}

/// Whether the host's user namespace maps every user to itself.
fn has_all_users() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_whitespace().eq(["0", "0", "4294967295"])
}
