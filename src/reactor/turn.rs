//! What one turn of the driver shares among the sources that it serves.

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

    /// Wakes everybody who was to be woken.
    pub(super) fn finish(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
    }
}
