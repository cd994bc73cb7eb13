//! One stretch of output of one source: the bytes, their place in the log and their read times.

use chrono::{DateTime, TimeDelta, Utc};

use super::OutputSource;

/// Bytes as they were read. Immutable once somebody else holds a reference.
pub(super) struct Segment {
    pub source: OutputSource,
    /// Position of the first byte in the log, both sources counted together.
    pub start: u64,
    time: DateTime<Utc>,
    later: Vec<Mark>,
    data: Vec<u8>,
}

/// From this byte of a segment on, the read time is another one. Small, since there may be one a
/// line: reads of the same millisecond share one.
#[derive(Clone, Copy)]
struct Mark {
    from: u32,
    /// After the segment's own time, or before it where the clock was set back.
    millis: i32,
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
        self.marked_time_at(offset)
    }

    /// Who keeps up asks for the newest, and the others are not in the cache.
    fn marked_time_at(&self, offset: usize) -> DateTime<Utc> {
        let is_at = |mark: &Mark| mark.from as usize <= offset;
        let newest = self.later.last().filter(|mark| is_at(mark));
        let mark = newest.or_else(|| {
            let marks = self.later.partition_point(is_at);
            marks.checked_sub(1).and_then(|last| self.later.get(last))
        });
        mark.map_or(self.time, |mark| self.after(mark.millis))
    }

    fn after(&self, millis: i32) -> DateTime<Utc> {
        let delta = TimeDelta::milliseconds(millis.into());
        self.time.checked_add_signed(delta).unwrap_or(self.time)
    }

    /// Appends another read. The buffer grows by a quarter at a time, so that a child which
    /// falls silent owns little more than what it wrote. False: it lies too far off in time.
    pub fn extend(&mut self, bytes: &[u8], time: DateTime<Utc>) -> bool {
        let millis = i32::try_from((time - self.time).num_milliseconds());
        let (Ok(millis), Ok(from)) = (millis, u32::try_from(self.data.len())) else { return false };
        if millis != self.later.last().map_or(0, |last| last.millis) {
            self.later.push(Mark { from, millis });
        }
        if self.data.capacity() - self.data.len() < bytes.len() {
            self.data.reserve_exact(bytes.len().max(self.data.len() / 4));
        }
        self.data.extend_from_slice(bytes);
        true
    }

    /// The emptied buffer, for the next read.
    pub fn into_buffer(self) -> Vec<u8> {
        let mut data = self.data;
        data.clear();
        data
    }
}
