//! What is in a `pm_extractor`: adding, removing and finding binaries.

use std::ffi::c_char;
use std::fs::File;
use std::path::Path;

use core_api::ProcessError;

use crate::convert;
use crate::error::{pm_error, Failure};
use crate::extractor::pm_extractor;
use crate::guard;
use crate::handle::{self, Out};
use crate::names::pm_names;
use crate::status::pm_status::{self, PM_OK};
use crate::types::{pm_bytes, PM_NUL_TERMINATED};

/// Extracts `data` as the executable `name`. One that has the name already is replaced; processes
/// that run it keep the old one.
///
/// extractor: borrows. name: copies; UTF-8, one path component; name_len: its length or
/// `PM_NUL_TERMINATED`. data: copies.
/// Errors: `PM_ERROR_INVALID_ARGUMENT`, `PM_ERROR_EXTRACTION_FAILED` (also for empty data),
/// `PM_ERROR_FORKED`; nothing is left then. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_extractor_add_binary(
    extractor: *mut pm_extractor,
    name: *const c_char,
    name_len: usize,
    data: *const u8,
    data_len: usize,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (extractor, name, data) = unsafe {
            (
                handle::borrow(extractor, "extractor")?,
                convert::name(name, name_len, "name")?,
                convert::items(data, data_len, "data")?,
            )
        };
        extractor.inner()?.add_binary(name, data)?;
        Ok(PM_OK)
    })
}

/// Extracts a copy of the regular file `path` as the executable `name`.
///
/// extractor: borrows. name, path: copies; each with its length or `PM_NUL_TERMINATED`.
/// Errors: as pm_extractor_add_binary(); `PM_ERROR_INVALID_ARGUMENT` where `path` is not a file
/// that can be read. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_extractor_add_file(
    extractor: *mut pm_extractor,
    name: *const c_char,
    name_len: usize,
    path: *const c_char,
    path_len: usize,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (extractor, name, path) = unsafe {
            (
                handle::borrow(extractor, "extractor")?,
                convert::name(name, name_len, "name")?,
                convert::text(path, path_len, "path")?,
            )
        };
        extractor.inner()?.add_file(name, Path::new(path))?;
        Ok(PM_OK)
    })
}

/// As pm_extractor_add_binary(), and refuses data whose SHA-256 is not `sha256`.
///
/// sha256: borrows; 64 hexadecimal digits, NUL-terminated.
/// Errors: as there; `PM_ERROR_EXTRACTION_FAILED` where the sums differ. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_extractor_add_verified(
    extractor: *mut pm_extractor,
    name: *const c_char,
    name_len: usize,
    data: *const u8,
    data_len: usize,
    sha256: *const c_char,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (extractor, name, data, sha256) = unsafe {
            (
                handle::borrow(extractor, "extractor")?,
                convert::name(name, name_len, "name")?,
                convert::items(data, data_len, "data")?,
                convert::name(sha256, PM_NUL_TERMINATED, "sha256")?,
            )
        };
        extractor.inner()?.add_verified(name, data, sha256)?;
        Ok(PM_OK)
    })
}

/// As pm_extractor_add_file(), and refuses a file whose SHA-256 is not `sha256`.
///
/// sha256: borrows; 64 hexadecimal digits, NUL-terminated.
/// Errors: as there; `PM_ERROR_EXTRACTION_FAILED` where the sums differ. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_extractor_add_file_verified(
    extractor: *mut pm_extractor,
    name: *const c_char,
    name_len: usize,
    path: *const c_char,
    path_len: usize,
    sha256: *const c_char,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (extractor, name, path, sha256) = unsafe {
            (
                handle::borrow(extractor, "extractor")?,
                convert::name(name, name_len, "name")?,
                convert::text(path, path_len, "path")?,
                convert::name(sha256, PM_NUL_TERMINATED, "sha256")?,
            )
        };
        extractor.inner()?.add_file_verified(name, Path::new(path), sha256)?;
        Ok(PM_OK)
    })
}

/// As pm_extractor_add_binary(), with what a descriptor yields up to its end, read from where it
/// stands. It blocks for as long as that takes.
///
/// extractor: borrows. name: copies; name_len: its length or `PM_NUL_TERMINATED`. fd: borrows.
/// Errors: as pm_extractor_add_binary(); `PM_ERROR_INVALID_ARGUMENT` where it is no descriptor.
/// Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_extractor_add_fd(
    extractor: *mut pm_extractor,
    name: *const c_char,
    name_len: usize,
    fd: i32,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (extractor, name, fd) = unsafe {
            let extractor = handle::borrow(extractor, "extractor")?;
            (extractor, convert::name(name, name_len, "name")?, convert::duplicate(fd)?)
        };
        extractor.inner()?.add_reader(name, File::from(fd))?;
        Ok(PM_OK)
    })
}

/// Extracts several binaries, all or none: they get their names when the last one is written.
///
/// extractor: borrows. names: copies; `count` NUL-terminated texts in UTF-8. data: copies; `count`
/// views of what each is.
/// Errors: as pm_extractor_add_binary(), for the first that fails. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_extractor_add_multiple_binaries(
    extractor: *mut pm_extractor,
    names: *const *const c_char,
    data: *const pm_bytes,
    count: usize,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (extractor, binaries) = unsafe {
            let names = convert::items(names, count, "names")?;
            let data = convert::items(data, count, "data")?;
            let pairs = names.iter().zip(data).enumerate();
            let pairs = pairs.map(|(at, (name, data))| binary(at, *name, data));
            (handle::borrow(extractor, "extractor")?, pairs.collect::<Result<Vec<_>, _>>()?)
        };
        extractor.inner()?.add_multiple_binaries(binaries)?;
        Ok(PM_OK)
    })
}

/// One item of several binaries.
///
/// # Safety
/// As for [`convert::name`] and [`convert::items`].
unsafe fn binary<'a>(
    at: usize,
    name: *const c_char,
    data: &pm_bytes,
) -> Result<(&'a str, &'a [u8]), Failure> {
    // SAFETY: as promised by the caller.
    unsafe {
        let name = convert::name(name, PM_NUL_TERMINATED, &format!("names[{at}]"))?;
        Ok((name, convert::items(data.data, data.len, &format!("data[{at}]"))?))
    }
}

/// Removes a binary. Processes that run it keep it.
///
/// extractor: borrows. name: borrows; len: its length or `PM_NUL_TERMINATED`.
/// Errors: `PM_ERROR_BINARY_NOT_FOUND`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_extractor_remove(
    extractor: *mut pm_extractor,
    name: *const c_char,
    len: usize,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (extractor, name) =
            unsafe { (handle::borrow(extractor, "extractor")?, convert::name(name, len, "name")?) };
        extractor.inner()?.remove_binary(name)?;
        Ok(PM_OK)
    })
}

/// The names of all binaries, sorted.
///
/// extractor: borrows. names: returns owned; free with pm_names_free().
/// Errors: `PM_ERROR_FORKED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_extractor_list(
    extractor: *const pm_extractor,
    names: *mut *mut pm_names,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (extractor, out) =
            unsafe { (handle::borrow(extractor, "extractor")?, Out::new(names, "names")?) };
        out.give(pm_names::new(extractor.inner()?.list_binaries()));
        Ok(PM_OK)
    })
}

/// The path of a binary.
///
/// extractor: borrows. name: borrows; len: its length or `PM_NUL_TERMINATED`.
/// path: returns owned, as a list of one; free with pm_names_free().
/// Errors: `PM_ERROR_BINARY_NOT_FOUND`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_extractor_path(
    extractor: *const pm_extractor,
    name: *const c_char,
    len: usize,
    path: *mut *mut pm_names,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (extractor, name, out) = unsafe {
            (
                handle::borrow(extractor, "extractor")?,
                convert::name(name, len, "name")?,
                Out::new(path, "path")?,
            )
        };
        let found = extractor.inner()?.get_binary_path(name);
        let found = found.ok_or_else(|| ProcessError::BinaryNotFound(name.to_owned()))?;
        out.give(pm_names::new([found.into_os_string()]));
        Ok(PM_OK)
    })
}
