//! `pm_names`: a list of texts that the caller owns.

use std::ffi::{c_char, CString, OsString};
use std::os::unix::ffi::OsStringExt;

use crate::guard;
use crate::handle;

/// An immutable list of texts, each NUL-terminated.
pub struct pm_names {
    items: Vec<CString>,
}

impl pm_names {
    pub(crate) fn new<T: Into<OsString>>(items: impl IntoIterator<Item = T>) -> Self {
        let convert = |item: T| CString::new(item.into().into_vec()).unwrap_or_default();
        Self { items: items.into_iter().map(convert).collect() }
    }
}

/// The number of texts; 0 for NULL.
///
/// names: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_names_count(names: *const pm_names) -> usize {
    // SAFETY: a handle or NULL.
    guard::value(0, || unsafe { names.as_ref() }.map(|names| names.items.len()))
}

/// The text at `index`; NULL beyond the last one. Valid until the list is freed.
///
/// names: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_names_get(names: *const pm_names, index: usize) -> *const c_char {
    // SAFETY: a handle or NULL.
    let item = || unsafe { names.as_ref() }.and_then(|names| names.items.get(index));
    guard::value(std::ptr::null(), || item().map(|item| item.as_ptr()))
}

/// Frees a list. NULL is fine.
///
/// names: takes. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_names_free(names: *mut pm_names) {
    // SAFETY: a handle or NULL.
    guard::quiet(|| unsafe { handle::free(names) });
}
