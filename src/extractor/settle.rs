//! Makes sure that a file just written can be executed: that nobody has it open for writing.
//!
//! The trap: while one thread has the file open for writing, any other thread of the host may
//! fork. The copy holds the descriptor until it execs (the close-on-exec flag acts no earlier) or
//! for as long as it lives, and until then execve(2) answers ETXTBSY. Neither the flag nor
//! rename(2) helps, and no lock of ours covers forks that we do not make.
//!
//! The method: close the own descriptor, then ask the kernel for a read lease, which is granted
//! only when the inode has no writer at all. From then on there cannot be one again: the file has
//! no write descriptor that could be copied, and nobody opens it anew for writing. Where leases
//! are not to be had, a flock(2) taken on the *write* descriptor does the same: it belongs to the
//! open file description, so every copy holds it, and it can be taken through another one only
//! when the last copy is closed. (The kernel drops that lock a moment before it counts the writer
//! out, which is why the lease is asked first.)
//!
//! A copy that never execs, such as a forked worker, would keep the file busy for ever. So the wait
//! is short, and then the file is copied into a new one, which that worker does not have.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::sys::lease;

const FIRST_PAUSE: Duration = Duration::from_micros(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// Marks the write descriptor, before anything is written.
pub(super) fn mark(writer: &File) {
    // Where flock is not to be had the probe finds that out too.
    let _ = rustix::fs::flock(writer, FlockOperation::NonBlockingLockExclusive);
}

/// Waits until nobody has the file open for writing. False: still busy after `patience`.
pub(super) fn wait(reader: &File, patience: Duration) -> io::Result<bool> {
    wait_while(|| has_writer(reader), patience)
}

fn wait_while(busy: impl Fn() -> io::Result<bool>, patience: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + patience;
    let mut pause = FIRST_PAUSE;
    while busy()? {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Ok(true)
}

fn has_writer(reader: &File) -> io::Result<bool> {
    match lease::has_writer(reader.as_fd()) {
        Ok(answer) => Ok(answer),
        Err(_) => mark_is_held(reader),
    }
}

fn mark_is_held(reader: &File) -> io::Result<bool> {
    match rustix::fs::flock(reader, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(false),
        Err(Errno::WOULDBLOCK) => Ok(true),
        // Neither leases nor locks on this file system: nobody can tell.
        Err(Errno::NOTSUP | Errno::NOSYS | Errno::NOLCK | Errno::INVAL) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn written() -> (tempfile::NamedTempFile, File) {
        let file = tempfile::NamedTempFile::new().unwrap();
        mark(file.as_file());
        let reader = File::open(file.path()).unwrap();
        (file, reader)
    }

    /// What a fork makes of the writer: another descriptor of the same open file description.
    fn copy_then_close(file: tempfile::NamedTempFile) -> (File, tempfile::TempPath) {
        let copy = file.as_file().try_clone().unwrap();
        (copy, file.into_temp_path())
    }

    /// Other tests may fork meanwhile, and their children hold the descriptor for a moment more.
    const SOON: Duration = Duration::from_secs(60);

    #[test]
    fn a_copied_write_descriptor_is_seen_until_it_is_closed() {
        let (file, reader) = written();
        let (copy, _path) = copy_then_close(file);
        assert!(!wait(&reader, Duration::ZERO).unwrap());
        drop(copy);
        assert!(wait(&reader, SOON).unwrap());
    }

    #[test]
    fn without_leases_the_lock_of_the_write_descriptor_tells_the_same() {
        let (file, reader) = written();
        let (copy, _path) = copy_then_close(file);
        assert!(!wait_while(|| mark_is_held(&reader), Duration::ZERO).unwrap());
        drop(copy);
        assert!(wait_while(|| mark_is_held(&reader), SOON).unwrap());
    }

    #[test]
    fn a_writer_that_opened_the_file_itself_is_seen() {
        let (file, reader) = written();
        let path = file.into_temp_path();
        let other = File::options().write(true).open(&path).unwrap();
        assert!(has_writer(&reader).unwrap());
        drop(other);
        assert!(wait(&reader, SOON).unwrap());
    }
}
