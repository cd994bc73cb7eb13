//! Removes the cgroups of a host that had very many, a few at a time.
//!
//! To remove one takes longer than to end its process, so that nobody who ends many should wait for
//! it: they are kept as empty ones, and those that are not worth keeping go afterwards. Served by
//! whoever drives the reactor; asked from any thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use crate::cgroup::Subtree;
use crate::error::Result;
use crate::reactor::{Key, Reactor, Ready, Slot, Source, Turn};

/// Removed in one go: half a millisecond's work, for which somebody may wait.
const AT_ONCE: usize = 8;
/// Between two goes.
const PAUSE: Duration = Duration::from_millis(2);
/// Nothing has been given back for so long: a wave is over, and no other has taken them.
const DELAY: Duration = Duration::from_millis(200);

/// What there is to remove, and whether it has been asked for.
pub(super) struct Tidier {
    subtree: Arc<Subtree>,
    reactor: Weak<Reactor>,
    key: OnceLock<Key>,
    is_due: AtomicBool,
    /// One was given back since somebody looked.
    is_busy: AtomicBool,
}

impl Tidier {
    pub(super) fn start(subtree: &Arc<Subtree>, reactor: &Arc<Reactor>) -> Result<Arc<Self>> {
        let (subtree, reactor_of) = (subtree.clone(), Arc::downgrade(reactor));
        let (is_due, is_busy) = (AtomicBool::new(false), AtomicBool::new(false));
        let key = OnceLock::new();
        let tidier = Arc::new(Self { subtree, reactor: reactor_of, key, is_due, is_busy });
        // There is nothing to remove before many processes have been started.
        let key = reactor.insert_unattended(tidier.clone())?;
        tidier.key.get_or_init(|| key);
        Ok(tidier)
    }

    /// A cgroup was given back.
    pub(super) fn given_back(&self) {
        if self.subtree.has_surplus() {
            self.is_busy.store(true, Ordering::SeqCst);
            self.come_back(DELAY);
        }
    }

    fn come_back(&self, after: Duration) {
        if self.is_due.swap(true, Ordering::SeqCst) {
            return;
        }
        if let (Some(reactor), Some(key)) = (self.reactor.upgrade(), self.key.get()) {
            reactor.set_deadline(*key, Instant::now().checked_add(after));
        }
    }
}

impl Source for Tidier {
    fn on_ready(&self, _: Slot, _: Ready, _: &mut Turn) {}

    fn on_deadline(&self, _: Instant, _: &mut Turn) {
        // First: what is given back from now on asks for itself.
        self.is_due.store(false, Ordering::SeqCst);
        if self.is_busy.swap(false, Ordering::SeqCst) {
            self.come_back(DELAY);
        } else if self.subtree.trim(AT_ONCE) {
            self.come_back(PAUSE);
        }
    }
}

#[cfg(all(test, not(loom)))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::process::Engine;

    /// More than are kept, without processes in them; the engine's thread removes the rest.
    #[test]
    fn what_is_too_much_goes_although_nobody_calls() {
        let engine = Engine::new().unwrap();
        let subtree = match engine.subtree() {
            Ok(subtree) => subtree,
            Err(reason) => return println!("skipped: {reason}"),
        };
        let taken: Vec<_> = (0..1100).map(|_| subtree.take().unwrap()).collect();
        drop(taken);
        assert!(subtree.has_surplus());
        engine.given_back();
        let until = Instant::now() + Duration::from_secs(60);
        while subtree.has_surplus() && Instant::now() < until {
            std::thread::yield_now();
        }
        assert!(!subtree.has_surplus());
    }
}
