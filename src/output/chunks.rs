//! The raw view: output as it was read, without regard to lines.

use std::fmt;
use std::ops::Deref;

use chrono::{DateTime, Utc};

use super::gap::Gap;
use super::pin::Pin;
use super::retained::Slice;
use super::state::Taken;
use super::OutputSource;

/// Raw output that a reader took in one go, gaps first.
///
/// It keeps its bytes alive, and counts as unread until it is dropped.
pub struct Chunks {
    chunks: Vec<OutputChunk>,
    pin: Pin,
}

/// One piece of raw output. The bytes are shared with the log, not copied.
#[derive(Clone)]
pub enum OutputChunk {
    /// Bytes of one stream, as they were read; neighbouring small reads may be joined.
    Data(SharedBytes),
    /// Output that was dropped before this reader got to it.
    Gap {
        /// The stream that it is missing from.
        source: OutputSource,
        /// Number of bytes.
        bytes: u64,
        /// Number of newlines among them.
        lines: u64,
    },
}

/// Bytes of one stream that stay alive as long as this does; dereferences to them.
#[derive(Clone)]
pub struct SharedBytes(Slice);

impl SharedBytes {
    /// The stream they came from.
    pub fn source(&self) -> OutputSource {
        self.0.segment.source
    }

    /// When the last of them was read, exact to a millisecond.
    pub fn time(&self) -> DateTime<Utc> {
        self.0.segment.time_at(self.0.range.end.saturating_sub(1))
    }
}

impl Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.bytes()
    }
}

impl fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {} bytes", self.source(), self.len())
    }
}

impl fmt::Debug for OutputChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(bytes) => bytes.fmt(f),
            Self::Gap { source, bytes, .. } => write!(f, "{source:?}: gap of {bytes} bytes"),
        }
    }
}

impl Chunks {
    pub(super) fn new(taken: Taken, pin: Pin) -> Self {
        let gaps = OutputSource::BOTH.into_iter().zip(taken.gaps.0);
        let gaps = gaps.filter(|(_, gap)| gap.bytes > 0).map(|(source, gap)| {
            let Gap { bytes, lines } = gap;
            OutputChunk::Gap { source, bytes, lines }
        });
        let data = taken.slices.into_iter().map(|slice| OutputChunk::Data(SharedBytes(slice)));
        Self { chunks: gaps.chain(data).collect(), pin }
    }

    /// All pieces, in order.
    pub fn iter(&self) -> impl Iterator<Item = &OutputChunk> {
        self.chunks.iter().inspect(|_| self.pin.core.progress())
    }

    /// The piece with this number, from 0.
    pub fn get(&self, index: usize) -> Option<&OutputChunk> {
        self.chunks.get(index)
    }
}
