//! The records that readers deliver: lines and gaps, borrowed from a batch or owned.

use chrono::{DateTime, Utc};

use super::OutputSource;

/// One line, or one gap, borrowed from a [`Batch`](super::Batch).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The stream it came from.
    pub source: OutputSource,
    /// Orders the records of both streams: the number of bytes of output, of both streams
    /// together, that the process had written when this record was complete (so far as this
    /// library had read them). The same for every reader; it never decreases.
    pub sequence: u64,
    /// When the read happened that completed it, exact to a millisecond.
    pub time: DateTime<Utc>,
    /// The line or the gap.
    pub data: RecordData<'a>,
}

/// What a [`Record`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordData<'a> {
    /// A line.
    Line {
        /// The bytes without the newline, otherwise untouched (a carriage return stays).
        bytes: &'a [u8],
        /// True if no newline followed: the line was longer than the limit and goes on in the
        /// next record of this stream, or it was cut by a gap, or the stream ended without one.
        partial: bool,
    },
    /// Output that was dropped before this reader got to it. The line that follows may lack its
    /// beginning.
    Gap {
        /// Number of bytes.
        bytes: u64,
        /// Number of newlines among them.
        lines: u64,
    },
}

/// One line, or one gap, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputRecord {
    /// The stream it came from.
    pub source: OutputSource,
    /// As in [`Record::sequence`].
    pub sequence: u64,
    /// As in [`Record::time`].
    pub time: DateTime<Utc>,
    /// The line or the gap.
    pub data: OutputData,
}

/// What an [`OutputRecord`] holds; the fields are those of [`RecordData`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputData {
    /// A line.
    Line {
        /// The bytes without the newline.
        bytes: Vec<u8>,
        /// True if no newline followed.
        partial: bool,
    },
    /// Output that was dropped.
    Gap {
        /// Number of bytes.
        bytes: u64,
        /// Number of newlines among them.
        lines: u64,
    },
}

impl OutputData {
    /// The same, borrowed.
    pub fn as_ref(&self) -> RecordData<'_> {
        match *self {
            Self::Line { ref bytes, partial } => RecordData::Line { bytes, partial },
            Self::Gap { bytes, lines } => RecordData::Gap { bytes, lines },
        }
    }
}

impl From<RecordData<'_>> for OutputData {
    fn from(data: RecordData<'_>) -> Self {
        match data {
            RecordData::Line { bytes, partial } => Self::Line { bytes: bytes.to_vec(), partial },
            RecordData::Gap { bytes, lines } => Self::Gap { bytes, lines },
        }
    }
}

impl From<Record<'_>> for OutputRecord {
    fn from(record: Record<'_>) -> Self {
        let Record { source, sequence, time, data } = record;
        Self { source, sequence, time, data: data.into() }
    }
}

impl OutputRecord {
    /// The line's bytes; `None` for a gap.
    pub fn line(&self) -> Option<&[u8]> {
        match &self.data {
            OutputData::Line { bytes, .. } => Some(bytes),
            OutputData::Gap { .. } => None,
        }
    }
}
