//! The small files of a cgroup, opened through the descriptor of its directory.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{openat, AtFlags, Mode, OFlags};
use rustix::io::{retry_on_intr, Errno};
use rustix::path::Arg;

use crate::sys::high::clear_of_stdio;

/// Opens the directory `name` below `parent`, never through a symbolic link.
pub(super) fn open_directory(parent: BorrowedFd<'_>, name: impl Arg) -> io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(clear_of_stdio(openat(parent, name, flags, Mode::empty())?))
}

/// Opens a control file for reading.
pub(super) fn open(directory: BorrowedFd<'_>, name: impl Arg) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    Ok(clear_of_stdio(openat(directory, name, flags, Mode::empty())?))
}

/// Writes a control file in one call.
pub(super) fn write(directory: BorrowedFd<'_>, name: &str, text: &str) -> io::Result<()> {
    let file = openat(directory, name, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(&file, text.as_bytes())?;
    Ok(())
}

/// Reads a control file to its end.
pub(super) fn read(directory: BorrowedFd<'_>, name: impl Arg) -> io::Result<String> {
    let text = read_bytes(directory, name)?;
    String::from_utf8(text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Reads a file that the kernel writes as it is read. Without asking for its size and position, as
/// the standard library does, and in large pieces: it takes small ones first, and each has the
/// kernel write again.
pub(super) fn read_bytes(directory: BorrowedFd<'_>, name: impl Arg) -> io::Result<Vec<u8>> {
    let file = open(directory, name)?;
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match retry_on_intr(|| rustix::io::read(&file, &mut buffer))? {
            0 => return Ok(text),
            count => text.extend_from_slice(buffer.get(..count).unwrap_or_default()),
        }
    }
}

/// Whether an open `cgroup.events` says that a process is left in the cgroup or below. One that
/// somebody else has removed is empty: it cannot be removed before.
pub(super) fn is_populated(events: impl AsFd) -> io::Result<bool> {
    let mut buffer = [0; 256];
    let length = match rustix::io::pread(events, &mut buffer, 0) {
        Err(Errno::NODEV) => return Ok(false),
        length => length?,
    };
    let text = buffer.get(..length).unwrap_or_default();
    Ok(text.split(|byte| *byte == b'\n').any(|line| line == b"populated 1"))
}

/// Whether there are cgroups below: a directory counts those in it as links (kernfs).
pub(super) fn has_children(directory: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(rustix::fs::fstat(directory)?.st_nlink > 2)
}

/// The same of the directory `name` below `parent`.
pub(super) fn has_children_at(parent: BorrowedFd<'_>, name: impl Arg) -> io::Result<bool> {
    Ok(rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?.st_nlink > 2)
}

/// The names of the cgroups directly below.
pub(super) fn children(directory: BorrowedFd<'_>) -> io::Result<Vec<std::ffi::CString>> {
    let mut names = Vec::new();
    // Listing costs more than all else that is done to a cgroup that has none.
    if !has_children(directory)? {
        return Ok(names);
    }
    for entry in rustix::fs::Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_directory = entry.file_type() == rustix::fs::FileType::Directory;
        if is_directory && name != c"." && name != c".." {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}
