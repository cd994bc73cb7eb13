//! Opens what the child's descriptors come from and keeps the host's ends of its pipes.
//!
//! Everything is opened close-on-exec in one step, so a start on another thread cannot leak it
//! into its child, and clear of 0, 1 and 2, which may be closed in the host. Only the host's pipe
//! ends are non-blocking: that flag belongs to the open file description, which the child shares
//! in every other case.

use std::cell::Cell;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;

use rustix::fs::{fcntl_setfl, open, Mode, OFlags};

use crate::command::{Command, Stdin, Stdout};
use crate::sys::guarded::ForkGuarded;
use crate::sys::high::clear_of_stdio;
use crate::sys::spawn::pipes::{read_nonblocking, write_nonblocking};
use crate::sys::spawn::{Errno, Mapping, SharedNull};

/// What could not be opened.
#[derive(Debug)]
pub(super) struct Unopened {
    pub(super) errno: Errno,
    /// The file, where it was one.
    pub(super) subject: Option<String>,
}

/// The descriptors of one start.
pub(super) struct Stdio {
    /// For 0, 1, 2 and the extra descriptors.
    pub(super) mappings: Vec<Mapping>,
    /// The host's ends.
    pub(super) stdin: Option<ForkGuarded>,
    pub(super) stdout: Option<ForkGuarded>,
    pub(super) stderr: Option<ForkGuarded>,
    /// What the child gets, closed in the host when the child has its duplicates.
    _opened: Vec<OwnedFd>,
    _ends: Vec<ForkGuarded>,
    _null: Option<SharedNull>,
}

impl Stdio {
    /// Opens all that `command` names, in the order 0, 1, 2.
    pub(super) fn open(command: &Command) -> Result<Self, Unopened> {
        let mut opener = Opener::default();
        let (input, stdin) = opener.stdin(&command.stdin)?;
        let (output, stdout) = opener.stdout(&command.stdout, rustix::stdio::stdout(), input)?;
        let (error, stderr) = opener.stdout(&command.stderr, rustix::stdio::stderr(), output)?;
        let standard = [(input, 0), (output, 1), (error, 2)];
        let extra = command.extra_fds.iter().map(|fd| (fd.source.as_raw_fd(), fd.target));
        let all = standard.into_iter().chain(extra);
        let mapping = |(source, target)| Mapping { source: Cell::new(source), target };
        let mappings = all.map(mapping).collect();
        let Opener { opened: _opened, ends: _ends, shared_null: _null, .. } = opener;
        Ok(Self { mappings, stdin, stdout, stderr, _opened, _ends, _null })
    }
}

/// Number of the child's end and the host's end, if there is one.
type Ends = (RawFd, Option<ForkGuarded>);

#[derive(Default)]
struct Opener {
    opened: Vec<OwnedFd>,
    ends: Vec<ForkGuarded>,
    null: Option<RawFd>,
    shared_null: Option<SharedNull>,
}

impl Opener {
    fn stdin(&mut self, stdin: &Stdin) -> Result<Ends, Unopened> {
        let source = match stdin {
            Stdin::Null => self.null()?,
            Stdin::Inherit => self.inherit(rustix::stdio::stdin())?,
            Stdin::Fd(fd) => fd.as_raw_fd(),
            Stdin::File(path) => self.file(path, OFlags::RDONLY)?,
            Stdin::Pipe | Stdin::Bytes(_) => {
                let (child, host) = write_nonblocking().map_err(unopened)?;
                return Ok((self.keep_end(child), Some(host)));
            }
        };
        Ok((source, None))
    }

    /// `merged` is where [`Stdout::Merge`] goes.
    fn stdout(
        &mut self,
        stdout: &Stdout,
        inherited: BorrowedFd<'_>,
        merged: RawFd,
    ) -> Result<Ends, Unopened> {
        let source = match stdout {
            Stdout::Null => self.null()?,
            Stdout::Inherit => self.inherit(inherited)?,
            Stdout::Fd(fd) => fd.as_raw_fd(),
            Stdout::Merge => merged,
            Stdout::File { path, append } => {
                let how = if *append { OFlags::APPEND } else { OFlags::TRUNC };
                self.file(path, OFlags::WRONLY | OFlags::CREATE | how)?
            }
            Stdout::Capture => {
                let (host, child) = read_nonblocking().map_err(unopened)?;
                return Ok((self.keep_end(child), Some(host)));
            }
        };
        Ok((source, None))
    }

    fn keep(&mut self, fd: OwnedFd) -> RawFd {
        let number = fd.as_raw_fd();
        self.opened.push(fd);
        number
    }

    fn keep_end(&mut self, end: ForkGuarded) -> RawFd {
        let number = end.as_raw_fd();
        self.ends.push(end);
        number
    }

    fn null(&mut self) -> Result<RawFd, Unopened> {
        if let Some(number) = self.null {
            return Ok(number);
        }
        self.shared_null = SharedNull::get();
        let number = match &self.shared_null {
            Some(null) => null.as_fd().as_raw_fd(),
            None => self.open_null()?,
        };
        self.null = Some(number);
        Ok(number)
    }

    fn open_null(&mut self) -> Result<RawFd, Unopened> {
        let path = Path::new("/dev/null");
        let fd = open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
        Ok(self.keep(clear_of_stdio(fd.map_err(|error| unopened_file(path, error))?)))
    }

    /// The host's own descriptor; `/dev/null` where the host has closed it, because a child
    /// without one would have the next file it opens taken for its output.
    fn inherit(&mut self, fd: BorrowedFd<'_>) -> Result<RawFd, Unopened> {
        match rustix::io::fcntl_getfd(fd) {
            Ok(_) => Ok(fd.as_raw_fd()),
            Err(_) => self.null(),
        }
    }

    /// Opened without waiting: a FIFO that nobody has open for writing reads as ended, one that
    /// nobody reads is an error. The child itself then gets a blocking descriptor.
    fn file(&mut self, path: &Path, flags: OFlags) -> Result<RawFd, Unopened> {
        let always = OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        let failed = |error| unopened_file(path, error);
        let fd = open(path, flags | always, Mode::from_raw_mode(0o666)).map_err(failed)?;
        fcntl_setfl(fd.as_fd(), flags & OFlags::APPEND).map_err(failed)?;
        Ok(self.keep(clear_of_stdio(fd)))
    }
}

fn unopened(errno: Errno) -> Unopened {
    Unopened { errno, subject: None }
}

fn unopened_file(path: &Path, error: rustix::io::Errno) -> Unopened {
    Unopened { errno: error.raw_os_error(), subject: Some(path.to_string_lossy().into_owned()) }
}
