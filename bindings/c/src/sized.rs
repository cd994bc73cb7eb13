//! Option structs whose first field is their size: what C gives may be older or newer than ours.

use std::ptr;

use crate::convert;
use crate::error::Failure;

/// A struct of plain numbers whose first field is a `usize` that holds its size.
///
/// # Safety
/// All-zero bytes and any other bytes are a valid value, and the first field is that `usize`.
pub(crate) unsafe trait Plain: Copy {}

/// Copies an option struct: fields that an older caller lacks are zero (the default); of a newer
/// caller's fields that we lack, none may be set. NULL gives all defaults.
///
/// # Safety
/// `options` is NULL, or valid for reads of as many bytes as its first field says.
pub(crate) unsafe fn copy_in<T: Plain>(options: *const T, name: &str) -> Result<T, Failure> {
    // SAFETY: the trait promises that zero is a valid value.
    let mut copy: T = unsafe { std::mem::zeroed() };
    if options.is_null() {
        return Ok(copy);
    }
    // SAFETY: every version of the struct begins with its size.
    let size = unsafe { options.cast::<usize>().read() };
    if size < size_of::<usize>() || size > 4096 {
        return Err(Failure::invalid(name, format!("struct_size is {size}: use the INIT macro")));
    }
    // SAFETY: as promised by the caller.
    let bytes = unsafe { convert::items(options.cast::<u8>(), size, name)? };
    let (known, unknown) = bytes.split_at(size.min(size_of::<T>()));
    if unknown.iter().any(|byte| *byte != 0) {
        return Err(Failure::invalid(name, "sets an option that this version does not know"));
    }
    // SAFETY: no more bytes than T has; any bytes are a valid T.
    unsafe { ptr::copy_nonoverlapping(known.as_ptr(), (&raw mut copy).cast(), known.len()) };
    Ok(copy)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Options {
        size: usize,
        first: u64,
        second: u64,
    }

    // SAFETY: three integers, the first of them the size.
    unsafe impl Plain for Options {}

    fn copy(bytes: &[u64]) -> Result<Options, Failure> {
        // SAFETY: the first word is at most the size of the slice.
        unsafe { copy_in(bytes.as_ptr().cast(), "options") }
    }

    #[test]
    fn a_smaller_struct_is_filled_with_zeros() {
        let options = copy(&[16, 7]).unwrap_or(Options { size: 0, first: 0, second: 1 });
        assert_eq!((options.first, options.second), (7, 0));
    }

    #[test]
    fn a_larger_struct_must_end_in_zeros() {
        assert!(copy(&[32, 7, 8, 0]).is_ok());
        assert!(copy(&[32, 7, 8, 1]).is_err());
    }

    #[test]
    fn a_size_that_was_never_set_is_refused_and_null_means_defaults() {
        assert!(copy(&[0, 7, 8]).is_err());
        // SAFETY: NULL is allowed.
        let options = unsafe { copy_in::<Options>(ptr::null(), "options") };
        assert_eq!(options.map(|options| options.second).unwrap_or(1), 0);
    }
}
