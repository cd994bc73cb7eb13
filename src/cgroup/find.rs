//! Where this process stands in the cgroup v2 hierarchy: text in, a path out.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{stat, statfs, StatVfsMountFlags};

use super::files;
use crate::sys::pidfd::own_cgroup_id;

/// Where the hierarchy is mounted as a whole on most machines: alone, or beside those of version 1.
const USUAL: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
/// What statfs(2) says of the file system (`linux/magic.h`).
const CGROUP2: i64 = 0x6367_7270;

/// The directory of this process's own cgroup, also where v1 hierarchies are mounted beside.
///
/// Errors: why there is none, as a sentence part for people.
pub(super) fn own_directory() -> Result<PathBuf, String> {
    let read = |path: &str| {
        files::read_bytes(rustix::fs::CWD, path).map_err(|e| format!("cannot read {path}: {e}"))
    };
    let own = own_path(&read("/proc/self/cgroup")?)?;
    match usual_directory(&own) {
        Some(directory) => Ok(directory),
        None => locate(&read("/proc/self/mountinfo")?, &own),
    }
}

/// The directory, if it is where it mostly is. The kernel takes longer to list the mounts than for
/// all else that the first process of a host asks of it.
pub(super) fn usual_directory(own: &Path) -> Option<PathBuf> {
    let id = own_cgroup_id()?;
    let mut directories =
        USUAL.iter().filter_map(|point| join(own, Path::new("/"), Path::new(point)));
    let is_own = |directory: &PathBuf| {
        statfs(directory).is_ok_and(|system| {
            // Where it may not be written, it may be mounted elsewhere too.
            let is_usable = system.f_flags as u64 & StatVfsMountFlags::RDONLY.bits() == 0;
            is_usable && system.f_type == CGROUP2
        }) && stat(directory).is_ok_and(|status| status.st_ino == id)
    };
    directories.rfind(is_own)
}

/// The place in the hierarchy that a membership list names.
pub(super) fn own_path(membership: &[u8]) -> Result<PathBuf, String> {
    let lines = membership.split(|byte| *byte == b'\n');
    let own = lines.filter_map(|line| line.strip_prefix(b"0::")).next();
    let own = own.ok_or("this process is in no cgroup of version 2")?;
    let own = PathBuf::from(OsString::from_vec(own.to_vec()));
    if own.starts_with("/..") {
        return Err("this process is outside its cgroup namespace".into());
    }
    Ok(own)
}

/// The directory that a mount table gives for a place in the hierarchy.
pub(super) fn locate(mounts: &[u8], own: &Path) -> Result<PathBuf, String> {
    let mounts = mounts.split(|byte| *byte == b'\n').filter_map(cgroup2_mount);
    let below = |(root, point): (PathBuf, PathBuf)| join(own, &root, &point);
    mounts.filter_map(below).next_back().ok_or_else(|| "cgroup version 2 is not mounted".into())
}

fn join(own: &Path, root: &Path, point: &Path) -> Option<PathBuf> {
    let rest = own.strip_prefix(root).ok()?;
    Some(if rest.as_os_str().is_empty() { point.to_owned() } else { point.join(rest) })
}

/// Root and mount point of a line of mountinfo that mounts cgroup2.
fn cgroup2_mount(line: &[u8]) -> Option<(PathBuf, PathBuf)> {
    let mut fields = line.split(|byte| *byte == b' ');
    let root = fields.nth(3)?;
    let point = fields.next()?;
    let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
    (kind == b"cgroup2").then(|| (unescape(root), unescape(point)))
}

/// The kernel writes space, tab, newline and backslash as three octal digits.
fn unescape(text: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|_| *first == b'\\');
        let byte = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match byte.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes).into()
}
