//! What one turn of the driver shares among the sources that it serves.

use std::any::Any;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::task::Waker;

/// Room for one read. Larger ones bring nothing, even from the largest pipes.
const READ_BUFFER: usize = 256 * 1024;

/// One round of readiness. Sources get it in their callbacks, on the driving thread.
#[derive(Default)]
pub(crate) struct Turn {
    wakers: Vec<Waker>,
    buffer: Vec<u8>,
}

impl Turn {
    /// Wakes after the source has returned: no lock is held then.
    pub(crate) fn wake(&mut self, waker: Waker) {
        self.wakers.push(waker);
    }

    /// The read buffer, with room for 256 KiB. What an earlier source left in it is meaningless.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        if self.buffer.capacity() < READ_BUFFER {
            self.buffer = Vec::with_capacity(READ_BUFFER);
        }
        &mut self.buffer
    }

    /// The read buffer, and who is woken because of what is in it, as by [`wake`](Self::wake).
    pub(crate) fn buffer_and_wakers(&mut self) -> (&mut Vec<u8>, &mut Vec<Waker>) {
        (&mut self.buffer, &mut self.wakers)
    }

    /// Wakes everybody who was to be woken.
    pub(super) fn finish(&mut self) {
        if let Some(payload) = self.wake_all() {
            resume_unwind(payload);
        }
    }

    /// A waker that panics keeps none of the others asleep; gives back the first panic.
    fn wake_all(&mut self) -> Option<Box<dyn Any + Send>> {
        let wake = |waker: Waker| catch_unwind(AssertUnwindSafe(|| waker.wake())).err();
        self.wakers.drain(..).filter_map(wake).reduce(|first, _| first)
    }
}
