//! The version of the library that is loaded, to compare with that of the header.

use std::ffi::c_char;
use std::ffi::CStr;

const MAJOR: u32 = number(env!("CARGO_PKG_VERSION_MAJOR"));
const MINOR: u32 = number(env!("CARGO_PKG_VERSION_MINOR"));
const PATCH: u32 = number(env!("CARGO_PKG_VERSION_PATCH"));
const TEXT: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(text) => text,
        Err(_) => c"",
    };

const fn number(text: &str) -> u32 {
    let (digits, mut value, mut at) = (text.as_bytes(), 0, 0);
    while at < digits.len() {
        value = value * 10 + (digits[at] - b'0') as u32;
        at += 1;
    }
    value
}

/// The version of the library that is loaded, as `PM_VERSION_NUMBER` gives that of the header:
/// major * 1000000 + minor * 1000 + patch.
///
/// Until 1.0 a program needs the minor version it was compiled with; from then on any version
/// with the same major number that is not older.
///
/// Threads: any thread.
#[unsafe(no_mangle)]
pub extern "C" fn pm_version_number() -> u32 {
    MAJOR * 1_000_000 + MINOR * 1_000 + PATCH
}

/// The version of the library that is loaded, as text: "0.1.0". It is valid for ever.
///
/// Threads: any thread.
#[unsafe(no_mangle)]
pub extern "C" fn pm_version_string() -> *const c_char {
    TEXT.as_ptr()
}
