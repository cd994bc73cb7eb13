//! `BinaryExtractor`: owns a private temporary directory and the executables extracted into it.
//!
//! Called by the host, and by the manager when it starts an extracted binary, on the caller's
//! thread; there is no thread behind it. `location` chooses the place, `directory` and `sweep` own
//! the directory, `stage` and `settle` write one binary, `store` knows which there are.

mod builder;
mod digest;
mod directory;
mod location;
mod name;
mod settle;
mod stage;
mod store;
mod sweep;

use std::fs::File;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};

pub use builder::BinaryExtractorBuilder;
pub use location::ExtractionLocation;

use builder::Options;
use digest::Expected;
pub(crate) use store::Extracted;
use store::Store;

use crate::error::{ProcessError, Result};
use crate::keeper::Place;

/// Owns a private temporary directory and the executables extracted into it.
///
/// A clone is another handle of the same extractor: what one adds, all see, also the manager
/// that was given one. The directory has mode 0700 and is removed, with everything in it, when
/// the last handle is gone; if the host is killed, by the watcher or by the next extractor with
/// the same prefix. Every method may be called from any thread. A forked copy of the host owns
/// nothing of it: its calls answer [`ProcessError::Forked`], its drops remove nothing.
///
/// [`Default`] makes no directory until it is needed; [`new`](Self::new) makes it at once.
#[derive(Debug, Clone)]
pub struct BinaryExtractor {
    store: Arc<Store>,
}

impl Default for BinaryExtractor {
    fn default() -> Self {
        Self::with_options(Options::default())
    }
}

impl BinaryExtractor {
    /// Makes an extractor and its directory in the system's temporary directory.
    ///
    /// Errors: [`ProcessError::ExtractionFailed`] where no directory can be made.
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// Chooses the directories.
    pub fn builder() -> BinaryExtractorBuilder {
        BinaryExtractorBuilder::default()
    }

    fn with_options(options: Options) -> Self {
        Self { store: Arc::new(Store::new(options)) }
    }

    fn prepare(&self) -> Result<()> {
        self.store.home().map(drop)
    }

    /// Extracts `data` as the executable `name` and returns its path.
    ///
    /// A binary that has this name already is replaced; processes that run it keep the old one.
    /// When this returns, the file is complete and can be executed at once.
    ///
    /// Errors: [`ProcessError::InvalidArgument`] for a name that is not one path component of at
    /// most 255 bytes, [`ProcessError::ExtractionFailed`] for empty data or where it cannot be
    /// written; nothing is left then, and a binary that had the name stays.
    /// [`ProcessError::Forked`] in a forked copy of the host.
    pub fn add_binary(&mut self, name: &str, data: &[u8]) -> Result<PathBuf> {
        self.add(name, &mut &*data, None)
    }

    /// Like [`add_binary`](Self::add_binary), and refuses data whose SHA-256 is not `sha256`
    /// (64 hexadecimal digits of either case).
    pub fn add_verified(&mut self, name: &str, data: &[u8], sha256: &str) -> Result<PathBuf> {
        self.add(name, &mut &*data, Some(Expected::parse(sha256)?))
    }

    /// Extracts several binaries, all or none: they get their names when the last one is
    /// written. Returns the paths in the order of the items.
    ///
    /// Errors: those of [`add_binary`](Self::add_binary), for the first item that fails.
    pub fn add_multiple_binaries<N, D>(
        &mut self,
        binaries: impl IntoIterator<Item = (N, D)>,
    ) -> Result<Vec<PathBuf>>
    where
        N: AsRef<str>,
        D: AsRef<[u8]>,
    {
        let stage =
            |(name, data): (N, D)| self.store.stage(name.as_ref(), &mut data.as_ref(), None);
        let staged = binaries.into_iter().map(stage).collect::<Result<Vec<_>>>()?;
        staged.into_iter().map(|one| self.store.commit(one)).collect()
    }

    /// Extracts a copy of the regular file `path`.
    ///
    /// Errors: those of [`add_binary`](Self::add_binary); [`ProcessError::InvalidArgument`] for
    /// "path" where it is not a regular file that can be read.
    pub fn add_file(&mut self, name: &str, path: impl AsRef<Path>) -> Result<PathBuf> {
        self.add_reader(name, open_regular(path.as_ref())?)
    }

    /// Like [`add_file`](Self::add_file), and refuses a file whose SHA-256 is not `sha256`.
    pub fn add_file_verified(
        &mut self,
        name: &str,
        path: impl AsRef<Path>,
        sha256: &str,
    ) -> Result<PathBuf> {
        self.add_reader_verified(name, open_regular(path.as_ref())?, sha256)
    }

    /// Extracts what `reader` yields up to its end. It blocks for as long as the reader does.
    ///
    /// Errors: those of [`add_binary`](Self::add_binary), and the reader's.
    pub fn add_reader(&mut self, name: &str, reader: impl Read) -> Result<PathBuf> {
        self.add(name, &mut stage::buffered(reader), None)
    }

    /// Like [`add_reader`](Self::add_reader), and refuses data whose SHA-256 is not `sha256`.
    pub fn add_reader_verified(
        &mut self,
        name: &str,
        reader: impl Read,
        sha256: &str,
    ) -> Result<PathBuf> {
        self.add(name, &mut stage::buffered(reader), Some(Expected::parse(sha256)?))
    }

    /// Removes a binary. Processes that run it keep it.
    ///
    /// Errors: [`ProcessError::BinaryNotFound`], [`ProcessError::Forked`], and
    /// [`ProcessError::ExtractionFailed`] where its file cannot be removed.
    pub fn remove_binary(&mut self, name: &str) -> Result<()> {
        self.store.remove(name)
    }

    /// The path of a binary, or `None` if there is none with this name. Where
    /// [`location`](Self::location) is memory, it is a path below `/proc` that works as long as
    /// the binary is neither removed nor replaced.
    pub fn get_binary_path(&self, name: &str) -> Option<PathBuf> {
        self.store.get(name).ok().map(|entry| entry.path)
    }

    /// The names of all binaries, sorted. A forked copy of the host has none.
    pub fn list_binaries(&self) -> Vec<String> {
        self.store.names().unwrap_or_default()
    }

    /// The private directory. An extractor that has none yet makes it now; if that fails, this is
    /// the base directory.
    pub fn temp_dir(&self) -> &Path {
        self.store.directory()
    }

    /// Where the executables are and why there; `None` while there is no directory yet.
    pub fn location(&self) -> Option<ExtractionLocation> {
        self.store.existing_home().map(|home| home.location.clone())
    }

    /// The directory as the watcher registers it, once there is one.
    pub(crate) fn place(&self) -> Option<Place> {
        let home = self.store.existing_home()?;
        home.directory.place().ok().flatten()
    }

    /// How to start a binary, as this user or as another one.
    ///
    /// Errors: [`ProcessError::BinaryNotFound`], [`ProcessError::Forked`], and
    /// [`ProcessError::Io`] where the file cannot be opened for another user.
    pub(crate) fn open(&self, name: &str, as_other_user: bool) -> Result<Extracted> {
        let found = self.store.get(name)?;
        if !as_other_user {
            return Ok(found);
        }
        found.by_descriptor().map_err(|error| ProcessError::io(format!("open {name:?}"), error))
    }

    fn add(
        &self,
        name: &str,
        data: &mut dyn BufRead,
        expected: Option<Expected>,
    ) -> Result<PathBuf> {
        let staged = self.store.stage(name, data, expected)?;
        self.store.commit(staged)
    }
}

/// Opens a regular file without ever waiting for the writer of a FIFO.
fn open_regular(path: &Path) -> Result<File> {
    let refuse = |reason: String| ProcessError::invalid("path", format!("{path:?} {reason}"));
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let descriptor = rustix::fs::open(path, flags, Mode::empty())
        .map_err(|error| refuse(format!("cannot be opened: {error}")))?;
    let file = File::from(descriptor);
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(file),
        Ok(_) => Err(refuse("is not a regular file".into())),
        Err(error) => Err(refuse(format!("cannot be examined: {error}"))),
    }
}

/// Compiles and runs the examples of the page.
#[cfg(doctest)]
#[doc = include_str!("../../docs/extraction.md")]
struct Page;
