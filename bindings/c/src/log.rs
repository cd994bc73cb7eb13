//! The library's own diagnostics, to a function of the host. Silent unless that is set.

use std::ffi::{c_char, c_void, CString};
use std::sync::{Arc, Mutex, Once};

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::callback::{pm_destroy_callback, Callback};
use crate::convert::inbound;
use crate::error::pm_error;
use crate::guard;
use crate::hub::lock;
use crate::status::pm_status::{self, PM_OK};

/// How much a message matters.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum pm_log_level {
    /// Nothing at all.
    PM_LOG_OFF = 0,
    /// Something failed that nobody else can be told of.
    PM_LOG_ERROR = 1,
    /// Something is not as it should be.
    PM_LOG_WARN = 2,
    /// What happens, in large.
    PM_LOG_INFO = 3,
    /// What happens, for those who search a mistake.
    PM_LOG_DEBUG = 4,
    /// Everything.
    PM_LOG_TRACE = 5,
}

/// Called for each message of the library about itself, on the thread where it arises, one at a
/// time; it must not call the library.
///
/// level: one of pm_log_level. message: borrows; UTF-8. user_data: as it was registered.
pub type pm_log_callback =
    Option<unsafe extern "C" fn(level: u32, message: *const c_char, user_data: *mut c_void)>;

static CURRENT: Mutex<Option<Arc<Callback<pm_log_callback>>>> = Mutex::new(None);

struct Logger;

impl Log for Logger {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let Some(callback) = lock(&CURRENT).clone() else { return };
        let message = CString::new(record.args().to_string()).unwrap_or_default();
        callback.enter(|function, user_data| {
            let Some(function) = function else { return };
            // SAFETY: the host's function, with the arguments that its type documents.
            unsafe {
                function(pm_log_level::from(record.level()) as u32, message.as_ptr(), user_data)
            };
        });
    }

    fn flush(&self) {}
}

impl From<Level> for pm_log_level {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::PM_LOG_ERROR,
            Level::Warn => Self::PM_LOG_WARN,
            Level::Info => Self::PM_LOG_INFO,
            Level::Debug => Self::PM_LOG_DEBUG,
            Level::Trace => Self::PM_LOG_TRACE,
        }
    }
}

inbound!(pm_log_level:
    PM_LOG_OFF, PM_LOG_ERROR, PM_LOG_WARN, PM_LOG_INFO, PM_LOG_DEBUG, PM_LOG_TRACE);

impl From<pm_log_level> for LevelFilter {
    fn from(level: pm_log_level) -> Self {
        match level {
            pm_log_level::PM_LOG_OFF => Self::Off,
            pm_log_level::PM_LOG_ERROR => Self::Error,
            pm_log_level::PM_LOG_WARN => Self::Warn,
            pm_log_level::PM_LOG_INFO => Self::Info,
            pm_log_level::PM_LOG_DEBUG => Self::Debug,
            pm_log_level::PM_LOG_TRACE => Self::Trace,
        }
    }
}

/// Sets the function that gets the library's messages about itself, for the whole program. It
/// replaces the one set before, whose user data is destroyed; NULL only does that. Free what it
/// needs by setting NULL before the program ends.
///
/// level: one of pm_log_level; messages that matter less are not made. callback, user_data,
/// destroy: takes, also on failure; see the callback contract at the top, and pm_log_callback.
/// Errors: `PM_ERROR_INVALID_ARGUMENT`. Threads: any thread, but not the logging function itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_set_log_callback(
    level: u32,
    callback: pm_log_callback,
    user_data: *mut c_void,
    destroy: pm_destroy_callback,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        static INSTALL: Once = Once::new();
        let new = Callback::new(callback, user_data, destroy);
        let filter = LevelFilter::from(pm_log_level::check(level, "level")?);
        // Fails only where this copy of `log` has a logger already, which then stays.
        INSTALL.call_once(|| drop(log::set_logger(&Logger)));
        let old = std::mem::replace(&mut *lock(&CURRENT), callback.map(|_| Arc::new(new)));
        log::set_max_level(if callback.is_some() { filter } else { LevelFilter::Off });
        old.iter().for_each(|old| old.end());
        Ok(PM_OK)
    })
}
