//! One stretch of output of one source: the bytes, their place in the log and their read times.

use chrono::{DateTime, Utc};

use super::OutputSource;

/// Reads closer together than this share one time when they are coalesced.
const TIME_RESOLUTION: chrono::TimeDelta = chrono::TimeDelta::milliseconds(1);

/// Bytes as they were read. Immutable once somebody else holds a reference.
pub(super) struct Segment {
    pub source: OutputSource,
    /// Position of the first byte in the log, both sources counted together.
    pub start: u64,
    time: DateTime<Utc>,
    later: Vec<Mark>,
    data: Vec<u8>,
}

/// From this byte of a segment on, the read time is another one.
struct Mark {
    from: usize,
    time: DateTime<Utc>,
}

impl Segment {
    pub fn new(source: OutputSource, start: u64, time: DateTime<Utc>, data: Vec<u8>) -> Self {
        Self { source, start, time, later: Vec::new(), data }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.data
    }

    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Position just behind the last byte.
    pub fn end(&self) -> u64 {
        self.start + self.data.len() as u64
    }

    /// When the byte at `offset` was read, exact to a millisecond.
    #[inline]
    pub fn time_at(&self, offset: usize) -> DateTime<Utc> {
        if self.later.is_empty() {
            return self.time;
        }
        let marks = self.later.partition_point(|mark| mark.from <= offset);
        marks.checked_sub(1).map_or(self.time, |last| self.later[last].time)
    }

    /// Appends another read. The buffer grows by a quarter at a time, so that a child which
    /// falls silent owns little more than what it wrote.
    pub fn extend(&mut self, bytes: &[u8], time: DateTime<Utc>) {
        let last = self.later.last().map_or(self.time, |mark| mark.time);
        if (time - last).abs() >= TIME_RESOLUTION {
            self.later.push(Mark { from: self.data.len(), time });
        }
        if self.data.capacity() - self.data.len() < bytes.len() {
            self.data.reserve_exact(bytes.len().max(self.data.len() / 4));
        }
        self.data.extend_from_slice(bytes);
    }

    /// The emptied buffer, for the next read.
    pub fn into_buffer(self) -> Vec<u8> {
        let mut data = self.data;
        data.clear();
        data
    }
}
