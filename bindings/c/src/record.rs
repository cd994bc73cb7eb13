//! `pm_record`: one line, or one gap, of a process's output.

use chrono::{DateTime, Utc};
use core_api::{OutputChunk, OutputData, OutputRecord, Record, RecordData};

use crate::convert;
use crate::types::{pm_bytes, pm_source};

/// What a record is.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum pm_record_kind {
    /// A line; `line` holds its bytes without the newline.
    PM_RECORD_LINE = 1,
    /// A part of a line: it was longer than the limit, or was cut by a gap, or the output ended
    /// without a newline. `line` holds its bytes.
    PM_RECORD_PARTIAL_LINE = 2,
    /// Output that was dropped before it could be delivered, as the output policy says; the
    /// fields beginning with `lost` count it.
    PM_RECORD_GAP = 3,
    /// Raw output, as it was read, from pm_output_next_bytes(); `line` holds it, newlines and all.
    PM_RECORD_BYTES = 4,
}

/// One line, or one gap, of a process's output. The struct is part of the ABI and never changes.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct pm_record {
    /// What it is.
    pub kind: pm_record_kind,
    /// The stream that it came from.
    pub source: pm_source,
    /// The line, untouched but for the newline; not terminated. Empty for a gap.
    pub line: pm_bytes,
    /// Orders the records of both streams: the number of bytes that the process had written when
    /// this record was complete. 0 for raw output.
    pub sequence: u64,
    /// When it was read, in nanoseconds since 1970 (UTC); 0 for a gap in raw output.
    pub time: i64,
    /// Bytes dropped; 0 unless this is a gap.
    pub lost_bytes: u64,
    /// Newlines among them.
    pub lost_lines: u64,
}

/// Makes views of the records of a batch. Most were read at the same time as the one before, whose
/// nanoseconds are kept: to work them out costs as much as to find a line.
#[derive(Default)]
pub(crate) struct Views(Option<(DateTime<Utc>, i64)>);

impl Views {
    #[inline(always)]
    pub(crate) fn of(&mut self, record: Record<'_>) -> pm_record {
        let nanoseconds = match self.0 {
            Some((time, nanoseconds)) if time == record.time => nanoseconds,
            _ => convert::nanoseconds(Some(record.time)),
        };
        self.0 = Some((record.time, nanoseconds));
        pm_record::new(record, nanoseconds)
    }
}

impl pm_record {
    #[inline]
    fn new(record: Record<'_>, time: i64) -> Self {
        let (kind, line, lost) = match record.data {
            RecordData::Line { bytes, partial: false } => {
                (pm_record_kind::PM_RECORD_LINE, pm_bytes::view(bytes), (0, 0))
            }
            RecordData::Line { bytes, partial: true } => {
                (pm_record_kind::PM_RECORD_PARTIAL_LINE, pm_bytes::view(bytes), (0, 0))
            }
            RecordData::Gap { bytes, lines } => {
                (pm_record_kind::PM_RECORD_GAP, pm_bytes::EMPTY, (bytes, lines))
            }
        };
        Self {
            kind,
            source: record.source.into(),
            line,
            sequence: record.sequence,
            time,
            lost_bytes: lost.0,
            lost_lines: lost.1,
        }
    }
}

impl From<&OutputRecord> for pm_record {
    fn from(record: &OutputRecord) -> Self {
        let OutputRecord { source, sequence, time, data } = record;
        let data = match data {
            OutputData::Line { bytes, partial } => RecordData::Line { bytes, partial: *partial },
            OutputData::Gap { bytes, lines } => RecordData::Gap { bytes: *bytes, lines: *lines },
        };
        Views::default().of(Record { source: *source, sequence: *sequence, time: *time, data })
    }
}

impl From<&OutputChunk> for pm_record {
    fn from(chunk: &OutputChunk) -> Self {
        let gap = |source: pm_source, bytes, lines| Self {
            kind: pm_record_kind::PM_RECORD_GAP,
            source,
            line: pm_bytes::EMPTY,
            sequence: 0,
            time: 0,
            lost_bytes: bytes,
            lost_lines: lines,
        };
        match chunk {
            OutputChunk::Gap { source, bytes, lines } => gap((*source).into(), *bytes, *lines),
            OutputChunk::Data(bytes) => Self {
                kind: pm_record_kind::PM_RECORD_BYTES,
                line: pm_bytes::view(bytes),
                time: convert::nanoseconds(Some(bytes.time())),
                ..gap(bytes.source().into(), 0, 0)
            },
        }
    }
}
