//! A page for a secret: locked where that is allowed, left out of core dumps, zero in forked
//! copies, wiped before it is given back. Any thread; owned by one holder.

#![allow(unsafe_code)]

use std::io;
use std::ptr::NonNull;

use zeroize::Zeroize;

/// Bytes of a page everywhere this crate runs; larger pages are used in part.
pub(crate) const ROOM: usize = 4096;

/// The page.
pub(crate) struct SecretPage {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the page belongs to its one holder; nothing in it is bound to a thread.
unsafe impl Send for SecretPage {}

impl SecretPage {
    /// A page that holds a copy of `bytes`, of which there are at most [`ROOM`].
    pub(crate) fn new(bytes: &[u8]) -> io::Result<Self> {
        if bytes.len() > ROOM {
            return Err(io::Error::from_raw_os_error(libc::E2BIG));
        }
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping at an address of the kernel's choice.
        let page = unsafe { libc::mmap(std::ptr::null_mut(), ROOM, access, kind, -1, 0) };
        if page == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the mapping just made; locking may be refused, the rest only strengthens.
        unsafe {
            libc::mlock(page, ROOM);
            libc::madvise(page, ROOM, libc::MADV_DONTDUMP);
            libc::madvise(page, ROOM, libc::MADV_WIPEONFORK);
        }
        let start = NonNull::new(page.cast::<u8>());
        let start = start.ok_or_else(|| io::Error::from_raw_os_error(libc::ENOMEM))?;
        let mut page = Self { start, length: bytes.len() };
        page.all().get_mut(..bytes.len()).unwrap_or_default().copy_from_slice(bytes);
        Ok(page)
    }

    /// The secret.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping has ROOM bytes, `length` is not more.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }

    fn all(&mut self) -> &mut [u8] {
        // SAFETY: the whole mapping, borrowed through its one holder.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), ROOM) }
    }
}

impl Drop for SecretPage {
    fn drop(&mut self) {
        self.all().zeroize();
        // SAFETY: the mapping of `new`, which nothing refers to any more; this unlocks it too.
        unsafe { libc::munmap(self.start.as_ptr().cast(), ROOM) };
    }
}
