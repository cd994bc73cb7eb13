//! `pm_extractor`: binaries that the program carries with it, as executable files.

use std::ffi::{c_char, CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;

use core_api::{BinaryExtractor, ProcessError};

use crate::convert;
use crate::error::pm_error;
use crate::guard;
use crate::handle::{self, Out};
use crate::names::pm_names;
use crate::status::pm_status::{self, PM_OK};
use crate::types::PM_NUL_TERMINATED;

/// Owns a private directory (mode 0700) and the executables extracted into it. A shared handle:
/// managers over it keep it, and the directory goes, with all that is in it, with the last of them.
pub struct pm_extractor {
    inner: BinaryExtractor,
    directory: OnceLock<CString>,
}

impl pm_extractor {
    pub(crate) fn new(inner: BinaryExtractor) -> Self {
        Self { inner, directory: OnceLock::new() }
    }

    fn directory(&self) -> &CStr {
        let path = || self.inner.temp_dir().as_os_str().as_bytes();
        self.directory.get_or_init(|| CString::new(path()).unwrap_or_default())
    }

    pub(crate) fn inner(&self) -> BinaryExtractor {
        self.inner.clone()
    }
}

/// Makes an extractor and its directory in `TMPDIR` or /tmp.
///
/// extractor: returns owned; free with pm_extractor_free().
/// Errors: `PM_ERROR_EXTRACTION_FAILED` where no directory can be made. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_extractor_new(
    extractor: *mut *mut pm_extractor,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of output arguments.
        let out = unsafe { Out::new(extractor, "extractor")? };
        out.share(pm_extractor::new(BinaryExtractor::new()?));
        Ok(PM_OK)
    })
}

/// As pm_extractor_new(), with the directory made in `base`, which must exist.
///
/// base: copies; len: its length in bytes or `PM_NUL_TERMINATED`.
/// extractor: returns owned.
/// Errors: `PM_ERROR_INVALID_ARGUMENT`, `PM_ERROR_EXTRACTION_FAILED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_extractor_new_in(
    base: *const c_char,
    len: usize,
    extractor: *mut *mut pm_extractor,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (base, out) =
            unsafe { (convert::text(base, len, "base")?, Out::new(extractor, "extractor")?) };
        let made = BinaryExtractor::builder().base_directory(Path::new(base)).build()?;
        out.share(pm_extractor::new(made));
        Ok(PM_OK)
    })
}

/// Adds an owner. NULL gives NULL. The result is `extractor`, to be freed once more.
///
/// extractor: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_extractor_ref(extractor: *mut pm_extractor) -> *mut pm_extractor {
    // SAFETY: a shared handle or NULL.
    guard::value(std::ptr::null_mut(), || Some(unsafe { handle::add_owner(extractor) }))
}

/// Gives up one owner's handle. NULL is fine.
///
/// extractor: takes. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_extractor_free(extractor: *mut pm_extractor) {
    // SAFETY: a shared handle or NULL.
    guard::quiet(|| unsafe { handle::drop_owner(extractor) });
}

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
        extractor.inner().add_binary(name, data)?;
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
        extractor.inner().add_file(name, Path::new(path))?;
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
        extractor.inner().add_verified(name, data, sha256)?;
        Ok(PM_OK)
    })
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
        extractor.inner().remove_binary(name)?;
        Ok(PM_OK)
    })
}

/// The names of all binaries, sorted.
///
/// extractor: borrows. names: returns owned; free with pm_names_free().
/// Errors: none but NULL arguments. Threads: any thread.
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
        out.give(pm_names::new(extractor.inner.list_binaries()));
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
        let found = extractor.inner.get_binary_path(name);
        let found = found.ok_or_else(|| ProcessError::BinaryNotFound(name.to_owned()))?;
        out.give(pm_names::new([found.into_os_string()]));
        Ok(PM_OK)
    })
}

/// The path of the private directory, valid until the extractor is freed. Never NULL; "" for NULL.
///
/// extractor: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_extractor_directory(extractor: *const pm_extractor) -> *const c_char {
    // SAFETY: a shared handle or NULL.
    let directory = || unsafe { extractor.as_ref() }.map(pm_extractor::directory);
    guard::value(c"", directory).as_ptr()
}
