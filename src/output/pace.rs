//! Whether a reader that waits for itself is the slower half: then the child would wait for it
//! between two batches, unless somebody else reads on.

use std::time::{Duration, Instant};

/// A batch of this size means that the child has written ahead: the size of a usual pipe.
const FULL: usize = 64 * 1024;
/// Work on a batch that takes longer than this is worth a second thread: twice what reading as
/// much takes.
const WORK_PER_KIB: Duration = Duration::from_nanos(400);

/// How long the caller works on what it gets.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    bytes: usize,
    handed_at: Option<Instant>,
    is_slow: bool,
}

impl Pace {
    /// The caller is back for more.
    pub fn come_back(&mut self, now: Instant) {
        let worked = self.handed_at.take().map(|at| now.saturating_duration_since(at));
        let kib = u32::try_from(self.bytes / 1024).unwrap_or(u32::MAX);
        self.is_slow = worked.is_some_and(|worked| worked >= WORK_PER_KIB.saturating_mul(kib));
        self.bytes = 0;
    }

    /// So many bytes will be handed out.
    pub fn add(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// The caller leaves with them. True: somebody should read on meanwhile.
    pub fn hand_out(&mut self, now: Instant) -> bool {
        self.handed_at = Some(now);
        self.is_slow && self.bytes >= FULL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Works for so long on so many bytes, then takes as many again.
    fn reads_ahead(bytes: usize, work: Duration) -> bool {
        let start = Instant::now();
        let mut pace = Pace::default();
        pace.add(bytes);
        assert!(!pace.hand_out(start), "nothing is known yet");
        pace.come_back(start + work);
        pace.add(bytes);
        pace.hand_out(start + work)
    }

    #[test]
    fn only_long_work_on_full_batches_is_read_ahead_for() {
        assert!(reads_ahead(FULL, Duration::from_micros(26)));
        assert!(!reads_ahead(FULL, Duration::from_micros(25)));
        assert!(reads_ahead(4 * FULL, Duration::from_micros(103)));
        assert!(!reads_ahead(FULL - 1, Duration::from_secs(1)));
    }

    #[test]
    fn a_caller_that_becomes_fast_is_left_to_itself() {
        let start = Instant::now();
        let mut pace = Pace::default();
        pace.hand_out(start);
        pace.come_back(start + Duration::from_secs(1));
        pace.add(FULL);
        assert!(pace.hand_out(start));
        pace.come_back(start);
        pace.add(FULL);
        assert!(!pace.hand_out(start));
    }
}
