//! Writes one binary completely, under a temporary name or into memory. Nothing of it is visible
//! under its own name before it is committed, and nothing is left of it if it is not.

use std::fs::{File, Permissions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags};
use rustix::io::Errno;
use rustix::process::{getrlimit, Resource};
use tempfile::TempPath;

use super::digest::{Check, Expected};
use super::location::Home;
use super::settle;
use super::store::Entry;
use crate::error::ExtractionError;
use crate::sys::high::clear_of_stdio;

type Result<T> = std::result::Result<T, ExtractionError>;

const BUFFER: usize = 64 * 1024;
/// Readable and executable by everybody, because the directory already keeps others out: a child
/// that is given another user is started by descriptor and needs these bits.
const MODE: u32 = 0o555;
/// How long a forked copy of the host may keep one file busy before it is copied.
const PATIENCE: Duration = Duration::from_millis(250);
const COPIES: usize = 20;
/// The longest name memfd_create(2) takes.
const LONGEST_MEMFD_NAME: usize = 249;

/// A binary that is complete but not yet visible.
pub(super) struct Staged {
    pub(super) name: String,
    form: Form,
}

enum Form {
    File(TempPath),
    Memory(Arc<OwnedFd>),
}

impl Staged {
    /// Reads `data` to its end into the place that `home` offers.
    pub(super) fn write(
        home: &Home,
        name: &str,
        data: &mut dyn BufRead,
        expected: Option<Expected>,
    ) -> Result<Self> {
        let writer = Writer { home, name };
        let form = match home.in_memory() {
            true => Form::Memory(writer.memory(data, expected)?),
            false => Form::File(writer.file(data, expected)?),
        };
        Ok(Self { name: name.to_owned(), form })
    }

    /// Gives the binary its name. One that runs under this name keeps its own file.
    pub(super) fn commit(self, home: &Home) -> Result<Entry> {
        match self.form {
            Form::File(temporary) => {
                let path = home.directory.path().join(&self.name);
                let failed = |e| ExtractionError::new(&self.name, "cannot give it its name", e);
                temporary.persist(&path).map_err(|e| failed(e.error))?;
                Ok(Entry { path, exec_fd: None })
            }
            Form::Memory(descriptor) => {
                let number = descriptor.as_raw_fd();
                let path = PathBuf::from(format!("/proc/{}/fd/{number}", std::process::id()));
                Ok(Entry { path, exec_fd: Some(descriptor) })
            }
        }
    }
}

struct Writer<'a> {
    home: &'a Home,
    name: &'a str,
}

impl Writer<'_> {
    fn file(&self, data: &mut dyn BufRead, expected: Option<Expected>) -> Result<TempPath> {
        let (mut path, mut reader) = self.fill_file(data, expected)?;
        for _ in 0..COPIES {
            if settle::wait(&reader, PATIENCE).map_err(|e| self.failed("cannot probe it", e))? {
                return Ok(path);
            }
            (path, reader) = self.fill_file(&mut BufReader::with_capacity(BUFFER, reader), None)?;
        }
        Err(self.failed("another process keeps it open for writing", Errno::TXTBSY.into()))
    }

    /// Writes one file, closes it, and hands back a descriptor that can only read.
    fn fill_file(
        &self,
        data: &mut dyn BufRead,
        expected: Option<Expected>,
    ) -> Result<(TempPath, File)> {
        let file = tempfile::Builder::new()
            .rand_bytes(16)
            .make_in(self.home.directory.path(), create)
            .map_err(|e| self.failed("cannot create a file", e))?;
        let (mut writer, path) = file.into_parts();
        settle::mark(&writer);
        self.copy(data, &mut writer, expected)?;
        writer
            .set_permissions(Permissions::from_mode(MODE))
            .map_err(|e| self.failed("cannot make it executable", e))?;
        let reader = File::open(&path).map_err(|e| self.failed("cannot open it again", e))?;
        Ok((path, reader))
    }

    fn memory(&self, data: &mut dyn BufRead, expected: Option<Expected>) -> Result<Arc<OwnedFd>> {
        let descriptor =
            memory_file(self.name).map_err(|e| self.failed("cannot create a memory file", e))?;
        let mut file = File::from(descriptor);
        self.copy(data, &mut file, expected)?;
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&file, seals)
            .map_err(|e| self.failed("cannot seal it", e.into()))?;
        Ok(Arc::new(OwnedFd::from(file)))
    }

    fn copy(
        &self,
        data: &mut dyn BufRead,
        file: &mut File,
        expected: Option<Expected>,
    ) -> Result<()> {
        let mut check = Check::new(expected);
        let mut total = 0;
        loop {
            let chunk = match data.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.failed("cannot read its data", error)),
            };
            if chunk.is_empty() {
                break;
            }
            let length = chunk.len();
            total += length as u64;
            self.check_limit(total)?;
            file.write_all(chunk).map_err(|e| self.failed("cannot write it", e))?;
            check.update(chunk);
            data.consume(length);
        }
        if total == 0 {
            return Err(self.refused("it is empty"));
        }
        check.finish().map_err(|reason| self.refused(&reason))
    }

    /// A write beyond RLIMIT_FSIZE would end the host by SIGXFSZ; so it is not made.
    fn check_limit(&self, size: u64) -> Result<()> {
        match getrlimit(Resource::Fsize).current {
            Some(limit) if size > limit => {
                let reason = format!("it is larger than RLIMIT_FSIZE ({limit} bytes)");
                Err(self.failed(&reason, Errno::FBIG.into()))
            }
            _ => Ok(()),
        }
    }

    fn failed(&self, reason: &str, source: io::Error) -> ExtractionError {
        ExtractionError::new(self.name, reason, source)
    }

    fn refused(&self, reason: &str) -> ExtractionError {
        ExtractionError::refused(self.name, reason)
    }
}

/// Creates a file that was not there before, whatever symbolic link may have its name.
fn create(path: &Path) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let descriptor = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?;
    Ok(File::from(descriptor))
}

/// An empty memory file that may be executed.
fn memory_file(name: &str) -> io::Result<OwnedFd> {
    let bytes = name.as_bytes();
    let name = &bytes[..bytes.len().min(LONGEST_MEMFD_NAME)];
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // MFD_EXEC came with Linux 6.3; before that every memory file may be executed.
    let made = match rustix::fs::memfd_create(name, flags | MemfdFlags::EXEC) {
        Err(Errno::INVAL) => rustix::fs::memfd_create(name, flags),
        other => other,
    };
    made.map(clear_of_stdio).map_err(io::Error::from)
}

/// Buffers a reader for [`Staged::write`].
pub(super) fn buffered<R: Read>(reader: R) -> BufReader<R> {
    BufReader::with_capacity(BUFFER, reader)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::directory::PrivateDir;
    use super::super::location::ExtractionLocation;
    use super::*;

    fn memory_home(base: &tempfile::TempDir) -> Home {
        let directory = PrivateDir::create(base.path(), "test").unwrap();
        let reason = "the test says so".to_owned();
        let path = directory.path().to_path_buf();
        Home { directory, location: ExtractionLocation::Memory { directory: path, reason } }
    }

    fn add(home: &Home, data: &[u8]) -> Result<Entry> {
        Staged::write(home, "tool", &mut &*data, None)?.commit(home)
    }

    #[test]
    fn a_binary_in_memory_is_started_by_its_sealed_descriptor() {
        let base = tempfile::tempdir().unwrap();
        let home = memory_home(&base);
        let entry = add(&home, &std::fs::read("/bin/true").unwrap()).unwrap();
        let descriptor = entry.exec_fd.as_ref().unwrap();
        let seals = rustix::fs::fcntl_get_seals(descriptor).unwrap();
        assert!(seals.contains(SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK));
        assert!(std::process::Command::new(entry.path).status().unwrap().success());
        assert_eq!(std::fs::read_dir(home.directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_staged_and_not_committed_leaves_nothing() {
        let base = tempfile::tempdir().unwrap();
        let directory = PrivateDir::create(base.path(), "test").unwrap();
        let location = ExtractionLocation::Base { directory: directory.path().to_path_buf() };
        let home = Home { directory, location };
        let staged = Staged::write(&home, "tool", &mut &b"data"[..], None).unwrap();
        assert_eq!(std::fs::read_dir(home.directory.path()).unwrap().count(), 1);
        drop(staged);
        assert_eq!(std::fs::read_dir(home.directory.path()).unwrap().count(), 0);
    }
}
