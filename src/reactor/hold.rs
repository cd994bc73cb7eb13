//! A user's share in a reactor: whatever of it the host holds, a handle, a reader, a future.
//!
//! Sources hold the reactor too, and a callback in flight holds its source. Were the background
//! thread the last to let go, inside a callback, nobody could join it. So the last hold waits for
//! the turn in which the thread is, before it lets go: what is over by then is let go of by the
//! thread, and what is not goes on without users. Any thread; on the background thread itself, in
//! a waker that drops a handle, nobody waits.

use std::ops::Deref;
use std::sync::atomic::Ordering;
use std::sync::Arc;

use super::{wait, Reactor};

/// Dereferences to the reactor.
pub(crate) struct Hold(Arc<Reactor>);

impl Hold {
    pub(crate) fn new(reactor: &Arc<Reactor>) -> Self {
        reactor.holds.fetch_add(1, Ordering::Relaxed);
        Self(reactor.clone())
    }
}

impl Clone for Hold {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Deref for Hold {
    type Target = Arc<Reactor>;

    fn deref(&self) -> &Arc<Reactor> {
        &self.0
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let is_last = self.0.holds.fetch_sub(1, Ordering::AcqRel) == 1;
        if is_last && !self.0.is_forked() {
            wait::outlast_thread(&*self.0.core);
        }
    }
}
