//! Handles and output pointers: the only place where raw pointers become references and back.
//!
//! An exclusive handle is a `Box`, a shared one (those with a `_ref` function) an `Arc`.

use std::ptr::NonNull;
use std::sync::Arc;

use crate::error::Failure;

/// Borrows what a pointer from C points to; NULL is refused under the argument's name.
///
/// # Safety
/// `pointer` is NULL, or valid for reads for as long as the caller uses the result.
pub(crate) unsafe fn borrow<'a, T>(pointer: *const T, name: &str) -> Result<&'a T, Failure> {
    // SAFETY: as promised by the caller.
    unsafe { pointer.as_ref() }.ok_or_else(|| Failure::null(name))
}

/// As [`borrow`], for changes.
///
/// # Safety
/// As for [`borrow`], and nobody else uses the object meanwhile.
pub(crate) unsafe fn borrow_mut<'a, T>(pointer: *mut T, name: &str) -> Result<&'a mut T, Failure> {
    // SAFETY: as promised by the caller.
    unsafe { pointer.as_mut() }.ok_or_else(|| Failure::null(name))
}

/// Frees an exclusive handle; NULL is fine.
///
/// # Safety
/// `pointer` is NULL or came from [`Out::give`], and is not used again.
pub(crate) unsafe fn free<T>(pointer: *mut T) {
    if !pointer.is_null() {
        // SAFETY: as promised by the caller.
        drop(unsafe { Box::from_raw(pointer) });
    }
}

/// Adds an owner to a shared handle.
///
/// # Safety
/// `pointer` is NULL or a shared handle that has an owner.
pub(crate) unsafe fn add_owner<T>(pointer: *mut T) -> *mut T {
    if !pointer.is_null() {
        // SAFETY: as promised by the caller; a shared handle came from Arc::into_raw.
        unsafe { Arc::increment_strong_count(pointer.cast_const()) };
    }
    pointer
}

/// Removes an owner of a shared handle; the object goes with the last. NULL is fine.
///
/// # Safety
/// `pointer` is NULL or a shared handle, and this owner does not use it again.
pub(crate) unsafe fn drop_owner<T>(pointer: *mut T) {
    if !pointer.is_null() {
        // SAFETY: as promised by the caller; a shared handle came from Arc::into_raw.
        drop(unsafe { Arc::from_raw(pointer.cast_const()) });
    }
}

/// Where a result goes. Checked before anything is done, written only on success.
pub(crate) struct Out<T>(NonNull<T>);

impl<T> Out<T> {
    /// # Safety
    /// `pointer` is NULL or valid for a write until [`put`](Self::put).
    pub(crate) unsafe fn new(pointer: *mut T, name: &str) -> Result<Self, Failure> {
        NonNull::new(pointer).map(Self).ok_or_else(|| Failure::null(name))
    }

    pub(crate) fn put(self, value: T) {
        // SAFETY: promised to `new`; a write does not read the old, maybe uninitialised value.
        unsafe { self.0.as_ptr().write(value) };
    }
}

impl<T> Out<*mut T> {
    /// Hands an exclusive handle to C.
    pub(crate) fn give(self, value: T) {
        self.put(Box::into_raw(Box::new(value)));
    }

    /// Hands a shared handle to C.
    pub(crate) fn share(self, value: T) {
        self.put(Arc::into_raw(Arc::new(value)).cast_mut());
    }
}

/// Writes a result that the caller may not want.
///
/// # Safety
/// `pointer` is NULL or valid for a write.
pub(crate) unsafe fn put_optional<T>(pointer: *mut T, value: T) {
    if !pointer.is_null() {
        // SAFETY: as promised by the caller.
        unsafe { pointer.write(value) };
    }
}

/// Where several handles go, as [`Out`].
pub(crate) struct Slots<T>(*mut *mut T);

/// # Safety
/// `pointer` is NULL or valid for `count` writes.
pub(crate) unsafe fn slots<T>(
    pointer: *mut *mut T,
    count: usize,
    name: &str,
) -> Result<Slots<T>, Failure> {
    if pointer.is_null() && count > 0 {
        return Err(Failure::null(name));
    }
    Ok(Slots(pointer))
}

impl<T> Slots<T> {
    /// Hands shared handles to C, as many as were announced.
    pub(crate) fn share(self, values: impl Iterator<Item = T>) {
        self.share_some(values.map(Some));
    }

    /// As [`share`](Self::share), with NULL for what is not there.
    pub(crate) fn share_some(self, values: impl Iterator<Item = Option<T>>) {
        self.put(values, |it| Arc::into_raw(Arc::new(it)).cast_mut());
    }

    /// Hands exclusive handles to C, with NULL for what is not there.
    pub(crate) fn give_some(self, values: impl Iterator<Item = Option<T>>) {
        self.put(values, |it| Box::into_raw(Box::new(it)));
    }

    fn put(self, values: impl Iterator<Item = Option<T>>, raw: impl Fn(T) -> *mut T) {
        for (at, value) in values.enumerate() {
            let value = value.map_or(std::ptr::null_mut(), &raw);
            // SAFETY: as promised to `slots`.
            unsafe { self.0.add(at).write(value) };
        }
    }
}
