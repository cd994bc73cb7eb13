//! Where a child's descriptors come from and go to. Pure data: descriptors are shared, not opened.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

/// Where the child reads its standard input from.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Stdin {
    /// `/dev/null`.
    #[default]
    Null,
    /// A pipe, written with `write_stdin` and ended with `close_stdin`.
    Pipe,
    /// The host's own standard input.
    Inherit,
    /// A file, opened for reading when the process starts.
    File(PathBuf),
    /// These bytes, then end-of-file.
    Bytes(Arc<[u8]>),
    /// A descriptor; the child gets a duplicate.
    Fd(Arc<OwnedFd>),
}

/// Where the child's standard output or standard error goes.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Stdout {
    /// Captured: read by this library into the process's output log.
    #[default]
    Capture,
    /// `/dev/null`.
    Null,
    /// The host's own descriptor of the same number.
    Inherit,
    /// A file, created if missing; truncated unless `append`.
    File {
        /// The file.
        path: PathBuf,
        /// Whether to append instead of truncating.
        append: bool,
    },
    /// A descriptor; the child gets a duplicate.
    Fd(Arc<OwnedFd>),
    /// For standard error only: wherever standard output goes, in true order of writing.
    Merge,
}

/// One more descriptor for the child.
#[derive(Debug, Clone)]
pub struct ExtraFd {
    /// The descriptor in the host; the child gets a duplicate.
    pub source: Arc<OwnedFd>,
    /// Its number in the child, 3 or more.
    pub target: i32,
}
