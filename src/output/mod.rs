//! Captured output: a bounded log per process, and the readers that cut it into lines.
//!
//! The process module appends what it read (on whichever thread drives the reactor); readers
//! hold cursors and do the work per line on their own thread. Data flow:
//! `log (retained, readers, policy) -> reader (cutter) -> batch or chunks -> stream, read`.

mod batch;
mod chunks;
mod cutter;
mod gap;
mod log;
mod pace;
mod pin;
mod read;
mod reader;
mod readers;
mod record;
mod retained;
mod segment;
mod shared;
mod state;
mod stream;
#[cfg(all(test, not(loom)))]
mod tests;
mod walk;

pub use batch::{Batch, BatchCursor, Lines, Records};
pub use chunks::{Chunks, OutputChunk, SharedBytes};
pub(crate) use log::{Appended, OutputLog, Stall};
pub use read::OutputRead;
pub use reader::OutputReader;
pub use record::{OutputData, OutputRecord, Record, RecordData};
pub use shared::SharedBatch;
pub use stream::{BlockingLines, ChunkStream, LineStream, OutputStream, RecordStream};

/// Which of the two output streams of a process something came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutputSource {
    /// Standard output; also standard error where it was merged into it.
    Stdout,
    /// Standard error.
    Stderr,
}

impl OutputSource {
    /// Both, in the order of their numbers as descriptors.
    pub(crate) const BOTH: [Self; 2] = [Self::Stdout, Self::Stderr];

    /// The place of this source in arrays that hold one item a source.
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}
