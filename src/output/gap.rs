//! Counts of output that was dropped, one a source.

use super::segment::Segment;

/// What is missing of one source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Gap {
    pub bytes: u64,
    /// Newlines among the bytes.
    pub lines: u64,
}

/// One gap a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Gaps(pub [Gap; 2]);

impl Gaps {
    /// Counts the part of `segment` from position `from` on.
    pub fn count(&mut self, segment: &Segment, from: u64) {
        let skipped = from.saturating_sub(segment.start) as usize;
        let lost = segment.bytes().get(skipped..).unwrap_or_default();
        let gap = &mut self.0[segment.source.index()];
        gap.bytes += lost.len() as u64;
        gap.lines += memchr::memchr_iter(b'\n', lost).count() as u64;
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|gap| gap.bytes == 0)
    }
}
