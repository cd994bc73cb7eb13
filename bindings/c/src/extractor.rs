//! `pm_extractor`: binaries that the program carries with it, as executable files.

use std::ffi::{c_char, CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;

use core_api::{BinaryExtractor, BinaryExtractorBuilder, ExtractionLocation};

use crate::convert;
use crate::error::{pm_error, Failure};
use crate::guard;
use crate::handle::{self, Out};
use crate::maker::Maker;
use crate::sized::{self, Plain};
use crate::status::pm_status::{self, PM_OK};
use crate::types::PM_NUL_TERMINATED;

/// Owns a private directory (mode 0700) and the executables extracted into it. A shared handle:
/// managers over it keep it, and the directory goes, with all that is in it, with the last of them.
pub struct pm_extractor {
    inner: BinaryExtractor,
    maker: Maker,
    directory: OnceLock<CString>,
    reason: OnceLock<CString>,
}

/// Where the executables of an extractor are.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum pm_location {
    /// There is no directory yet, or it is not known: a NULL handle.
    PM_LOCATION_NONE = 0,
    /// In a private directory in the base directory.
    PM_LOCATION_BASE = 1,
    /// In a private directory elsewhere: the base directory cannot be used.
    PM_LOCATION_FALLBACK = 2,
    /// In sealed memory (memfd_create(2)): no directory allows execution.
    PM_LOCATION_MEMORY = 3,
}

impl From<&ExtractionLocation> for pm_location {
    fn from(location: &ExtractionLocation) -> Self {
        match location {
            ExtractionLocation::Base { .. } => Self::PM_LOCATION_BASE,
            ExtractionLocation::Fallback { .. } => Self::PM_LOCATION_FALLBACK,
            ExtractionLocation::Memory { .. } => Self::PM_LOCATION_MEMORY,
            _ => Self::PM_LOCATION_NONE,
        }
    }
}

/// How an extractor is made. Begin with `PM_EXTRACTOR_OPTIONS_INIT`; NULL means the default. What
/// the pointers lead to is used during the call only.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct pm_extractor_options {
    /// The size of this struct: fields may be added at its end.
    pub struct_size: usize,
    /// The directory, which must exist, in which the private directory is made. Default `TMPDIR`,
    /// or /tmp.
    pub base: *const c_char,
    /// How the private directory's name begins, in UTF-8. Extractors remove what killed programs
    /// left under their own prefix. Default process_manager.
    pub prefix: *const c_char,
    /// The directories tried in this order where the base directory is mounted noexec; memory is
    /// next. An array that ends with NULL. Default `XDG_RUNTIME_DIR`, /tmp, /dev/shm, /var/tmp,
    /// `$HOME/.cache`.
    pub fallbacks: *const *const c_char,
}

// SAFETY: the size first; pointers, for which all bytes are values.
unsafe impl Plain for pm_extractor_options {}

impl pm_extractor {
    pub(crate) fn new(inner: BinaryExtractor) -> Self {
        let (maker, directory, reason) = (Maker::this(), OnceLock::new(), OnceLock::new());
        Self { inner, maker, directory, reason }
    }

    fn directory(&self) -> &CStr {
        let path = || self.inner.temp_dir().as_os_str().as_bytes();
        self.directory.get_or_init(|| CString::new(path()).unwrap_or_default())
    }

    /// Kept once it is known; a location does not change.
    fn reason(&self) -> Option<&CStr> {
        if let Some(reason) = self.reason.get() {
            return Some(reason);
        }
        let reason = match self.inner.location()? {
            ExtractionLocation::Fallback { reason, .. }
            | ExtractionLocation::Memory { reason, .. } => reason,
            _ => String::new(),
        };
        Some(self.reason.get_or_init(|| CString::new(reason).unwrap_or_default()))
    }

    pub(crate) fn inner(&self) -> Result<BinaryExtractor, Failure> {
        self.maker.check()?;
        Ok(self.inner.clone())
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

/// # Safety
/// As for [`sized::copy_in`], and the fields are NULL or as they say.
unsafe fn builder(options: *const pm_extractor_options) -> Result<BinaryExtractorBuilder, Failure> {
    // SAFETY: as promised by the caller.
    let options = unsafe { sized::copy_in(options, "options")? };
    let pm_extractor_options { struct_size: _, base, prefix, fallbacks } = options;
    let mut builder = BinaryExtractor::builder();
    // SAFETY: as promised by the caller, for all of this block.
    unsafe {
        if !base.is_null() {
            builder =
                builder.base_directory(convert::text(base, PM_NUL_TERMINATED, "options.base")?);
        }
        if !prefix.is_null() {
            builder = builder.prefix(convert::name(prefix, PM_NUL_TERMINATED, "options.prefix")?);
        }
        if !fallbacks.is_null() {
            builder = builder.fallback_directories(convert::argv(fallbacks, "options.fallbacks")?);
        }
    }
    Ok(builder)
}

/// As pm_extractor_new(), with options.
///
/// options: copies; NULL: all defaults. extractor: returns owned; free with pm_extractor_free().
/// Errors: `PM_ERROR_INVALID_ARGUMENT`, `PM_ERROR_EXTRACTION_FAILED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_extractor_new_with(
    options: *const pm_extractor_options,
    extractor: *mut *mut pm_extractor,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (builder, out) =
            unsafe { (self::builder(options)?, Out::new(extractor, "extractor")?) };
        out.share(pm_extractor::new(builder.build()?));
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

/// The path of the private directory, valid until the extractor is freed. Never NULL; "" for NULL.
///
/// extractor: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_extractor_directory(extractor: *const pm_extractor) -> *const c_char {
    // SAFETY: a shared handle or NULL.
    let directory = || unsafe { extractor.as_ref() }.map(pm_extractor::directory);
    guard::value(c"", directory).as_ptr()
}

/// Where the executables are.
///
/// extractor: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_extractor_location(extractor: *const pm_extractor) -> pm_location {
    // SAFETY: a shared handle or NULL.
    let location = || unsafe { extractor.as_ref() }.and_then(|one| one.inner.location());
    let none = pm_location::PM_LOCATION_NONE;
    guard::value(none, || location().as_ref().map(pm_location::from))
}

/// Why every directory before the one in use was refused, for people; "" where the base directory
/// is used or nothing is known yet. Never NULL; valid until the extractor is freed.
///
/// extractor: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_extractor_location_reason(
    extractor: *const pm_extractor,
) -> *const c_char {
    // SAFETY: a shared handle or NULL.
    let reason = || unsafe { extractor.as_ref() }.and_then(pm_extractor::reason);
    guard::value(c"", reason).as_ptr()
}
