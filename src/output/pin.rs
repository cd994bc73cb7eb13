//! What a reader shares with the batches it has handed out, and the hold of a batch on the log.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use super::log::OutputLog;
use super::readers::Progress;
use crate::reactor::Hold;

/// The identity of one reader.
pub(super) struct Core {
    pub log: Arc<OutputLog>,
    pub reactor: Hold,
    pub id: u64,
    progress: Progress,
}

impl Core {
    pub fn new(log: Arc<OutputLog>, reactor: Hold, id: u64, progress: Progress) -> Arc<Self> {
        Arc::new(Self { log, reactor, id, progress })
    }

    /// The identity of another reader, which stands where this one stands.
    pub fn another(&self) -> Arc<Self> {
        let (id, progress) = self.log.clone_reader(self.id);
        Self::new(self.log.clone(), self.reactor.clone(), id, progress)
    }

    /// Says that the reader is reading. A plain store: a lost count between two threads does no
    /// harm, any change will do.
    pub fn progress(&self) {
        let next = self.progress.load(Ordering::Relaxed).wrapping_add(1);
        self.progress.store(next, Ordering::Relaxed);
    }

    /// Whether this is a forked copy: the lock may be held by a thread that does not exist here.
    pub fn is_forked(&self) -> bool {
        self.reactor.check_fork().is_err()
    }
}

/// Makes the log count what a batch holds as not yet consumed.
pub(super) struct Pin {
    pub core: Arc<Core>,
    start: Option<u64>,
    released: AtomicBool,
}

impl Pin {
    /// `start` is the position of the first byte held, if any.
    pub fn new(core: Arc<Core>, start: Option<u64>) -> Self {
        Self { core, start, released: AtomicBool::new(false) }
    }

    /// Ends the hold before the batch itself goes.
    pub fn release(&self) {
        let is_first = !self.released.swap(true, Ordering::Relaxed);
        if let Some(start) = self.start.filter(|_| is_first && !self.core.is_forked()) {
            self.core.progress();
            self.core.log.unpin(self.core.id, start);
        }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.release();
    }
}
