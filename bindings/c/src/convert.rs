//! What comes in from C as pointer and length or as a number, checked and as a Rust value.

use std::ffi::{c_char, CStr, OsStr};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::slice;
use std::time::Duration;

use chrono::{DateTime, Utc};
use core_api::{StopLadder, StopStep};

use crate::error::Failure;
use crate::types::{pm_stop_step, PM_NUL_TERMINATED};

/// Checks a number from C against the values of an enum: only what it has becomes one.
macro_rules! inbound {
    ($type:ident: $($value:ident),+ $(,)?) => {
        impl $type {
            pub(crate) fn check(value: u32, argument: &str) -> Result<Self, $crate::error::Failure> {
                let known = [$(Self::$value),+].into_iter().find(|known| *known as u32 == value);
                let reason = || format!("{value} is none of {}", stringify!($type));
                known.ok_or_else(|| $crate::error::Failure::invalid(argument, reason()))
            }
        }
    };
}
pub(crate) use inbound;

/// Borrows `len` items; with 0 the pointer is not looked at.
///
/// # Safety
/// `data` is NULL, or valid for reads of `len` items for as long as the result is used.
pub(crate) unsafe fn items<'a, T>(
    data: *const T,
    len: usize,
    name: &str,
) -> Result<&'a [T], Failure> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(Failure::null(name));
    }
    if len > isize::MAX as usize / size_of::<T>() {
        return Err(Failure::invalid(name, format!("{len} items cannot be in memory")));
    }
    // SAFETY: not NULL, of a size that can exist; the rest is promised by the caller.
    Ok(unsafe { slice::from_raw_parts(data, len) })
}

/// Borrows a text of bytes: `len` of them, or up to the NUL with `PM_NUL_TERMINATED`.
///
/// # Safety
/// `text` is NULL, or valid for reads of its length for as long as the result is used.
pub(crate) unsafe fn text<'a>(
    text: *const c_char,
    len: usize,
    name: &str,
) -> Result<&'a OsStr, Failure> {
    if len != PM_NUL_TERMINATED {
        // SAFETY: as promised by the caller.
        return Ok(OsStr::from_bytes(unsafe { items(text.cast::<u8>(), len, name)? }));
    }
    if text.is_null() {
        return Err(Failure::null(name));
    }
    // SAFETY: not NULL, and NUL-terminated as the caller says with this length.
    Ok(OsStr::from_bytes(unsafe { CStr::from_ptr(text) }.to_bytes()))
}

/// As [`text`], for what is a name and not bytes: must be UTF-8.
///
/// # Safety
/// As for [`text`].
pub(crate) unsafe fn name<'a>(
    bytes: *const c_char,
    len: usize,
    name: &str,
) -> Result<&'a str, Failure> {
    // SAFETY: as promised by the caller.
    let bytes = unsafe { text(bytes, len, name)? };
    bytes.to_str().ok_or_else(|| Failure::invalid(name, "is not UTF-8"))
}

/// A time-out in milliseconds; negative means none.
pub(crate) fn timeout(ms: i64) -> Option<Duration> {
    u64::try_from(ms).ok().map(Duration::from_millis)
}

/// A ladder of steps; none means the process's own.
///
/// # Safety
/// As for [`items`].
pub(crate) unsafe fn ladder(
    steps: *const pm_stop_step,
    count: usize,
) -> Result<Option<StopLadder>, Failure> {
    // SAFETY: as promised by the caller.
    let steps = unsafe { items(steps, count, "steps")? };
    let convert = |(at, step): (usize, &pm_stop_step)| {
        if !(1..=64).contains(&step.signal) {
            let name = format!("steps[{at}]");
            return Err(Failure::invalid(&name, format!("signal {} is not 1 to 64", step.signal)));
        }
        let grace = Duration::from_millis(step.grace_ms.into());
        Ok(StopStep { signal: step.signal, grace })
    };
    let steps = steps.iter().enumerate().map(convert).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(steps).filter(|steps| !steps.is_empty()).map(|steps| StopLadder { steps }))
}

/// Nanoseconds since 1970 (UTC); 0 for none.
pub(crate) fn nanoseconds(time: Option<DateTime<Utc>>) -> i64 {
    time.and_then(|time| time.timestamp_nanos_opt()).unwrap_or(0)
}

/// The texts of an array that ends with NULL.
///
/// # Safety
/// `array` is NULL, or such an array of NUL-terminated texts, valid while the result is used.
pub(crate) unsafe fn argv<'a>(
    array: *const *const c_char,
    name: &str,
) -> Result<Vec<&'a OsStr>, Failure> {
    if array.is_null() {
        return Err(Failure::null(name));
    }
    let mut texts = Vec::new();
    loop {
        // SAFETY: the items before this one are not NULL, so that the array has this one.
        let item = unsafe { array.add(texts.len()).read() };
        if item.is_null() {
            return Ok(texts);
        }
        // SAFETY: as promised by the caller.
        texts.push(unsafe { text(item, PM_NUL_TERMINATED, name)? });
    }
}

/// A duplicate of a descriptor of the host, so that the host may close its own.
///
/// # Safety
/// The host does not close the descriptor during the call.
pub(crate) unsafe fn duplicate(fd: i32) -> Result<OwnedFd, Failure> {
    if fd < 0 {
        return Err(Failure::invalid("fd", format!("{fd} is not a descriptor")));
    }
    // SAFETY: not negative; a closed one only makes the duplication fail.
    let host = unsafe { BorrowedFd::borrow_raw(fd) };
    host.try_clone_to_owned().map_err(|error| Failure::invalid("fd", error))
}
