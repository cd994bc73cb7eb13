//! Arrays of C strings as execve(2) wants them, made in the parent with few allocations.

#![allow(unsafe_code)]

use std::ffi::{c_char, CStr};
use std::ptr;

/// Collects strings; [`StringTable`] is the result.
pub(crate) struct StringTableBuilder {
    bytes: Vec<u8>,
    /// Offsets into `bytes`, which may still move.
    starts: Vec<usize>,
}

impl StringTableBuilder {
    /// Room for so many strings of so many bytes altogether, ends not counted; more is no error.
    pub(crate) fn with_room(count: usize, bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes + count), starts: Vec::with_capacity(count) }
    }

    /// Adds the string that `parts` make up. What follows a NUL byte would be cut off by the
    /// kernel; commands are validated before they come here.
    pub(crate) fn push(&mut self, parts: &[&[u8]]) {
        self.starts.push(self.bytes.len());
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        self.bytes.push(0);
    }

    /// The finished table.
    pub(crate) fn build(self) -> StringTable {
        let base = self.bytes.as_ptr();
        let address = |start: &usize| base.wrapping_add(*start).cast::<c_char>();
        let mut pointers = Vec::with_capacity(self.starts.len() + 1);
        pointers.extend(self.starts.iter().map(address));
        pointers.push(ptr::null());
        StringTable { _bytes: self.bytes, pointers }
    }
}

/// An array of pointers to NUL-terminated strings, ended by a null pointer.
pub(crate) struct StringTable {
    /// What `pointers` point into; never changed, so its buffer never moves.
    _bytes: Vec<u8>,
    pointers: Vec<*const c_char>,
}

impl StringTable {
    /// The array's address, for execve(2).
    #[inline(always)]
    pub(super) fn as_ptr(&self) -> *const *const c_char {
        self.pointers.as_ptr()
    }

    /// The addresses of the strings.
    #[inline(always)]
    pub(super) fn pointers(&self) -> impl Iterator<Item = *const c_char> + '_ {
        self.pointers.iter().copied().take_while(|pointer| !pointer.is_null())
    }

    /// The strings themselves.
    pub(crate) fn strings(&self) -> impl Iterator<Item = &CStr> {
        // SAFETY: each pointer is the start of a NUL-terminated string in `_bytes`.
        self.pointers().map(|pointer| unsafe { CStr::from_ptr(pointer) })
    }
}
