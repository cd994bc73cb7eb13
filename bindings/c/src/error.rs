//! `pm_error`: what went wrong, as an immutable object that the caller frees.

use std::borrow::Cow;
use std::ffi::{c_char, CString};

use core_api::{ProcessError, StartStep, SudoErrorKind};

use crate::guard;
use crate::handle;
use crate::status::pm_status;

/// Why a start through sudo failed before the command was tried.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum pm_sudo_error {
    /// The error is not about sudo.
    PM_SUDO_ERROR_NONE = 0,
    /// There is no sudo at the trusted places that is root's, setuid, and closed to others.
    PM_SUDO_ERROR_NOT_FOUND = 1,
    /// The host runs with no-new-privileges: no program can become another user.
    PM_SUDO_ERROR_NO_NEW_PRIVILEGES = 2,
    /// The host is in a user namespace that does not know sudo's owner.
    PM_SUDO_ERROR_USER_NAMESPACE = 3,
    /// Sudo ended without asking for a password.
    PM_SUDO_ERROR_NOT_PERMITTED = 4,
    /// The password was wrong. One attempt was used.
    PM_SUDO_ERROR_PASSWORD_REJECTED = 5,
    /// Sudo was given the password, took it, and did not start the command: the user may not do
    /// this. Where only one attempt is allowed (`passwd_tries=1`), a wrong password is told from
    /// this by the delay of PAM that follows it; with that turned off, it is reported as this.
    PM_SUDO_ERROR_REFUSED = 6,
    /// Sudo did neither ask for the password nor start the command in time, or asked for something
    /// else (an expired password, a second factor).
    PM_SUDO_ERROR_TIMED_OUT = 7,
    /// Sudo asked, and there was no password to give.
    PM_SUDO_ERROR_NO_PASSWORD = 8,
    /// What sudo started is not what it was asked to start, or runs as another user.
    PM_SUDO_ERROR_NO_RELAY = 9,
    /// Something that this version of the C interface has no name for.
    PM_SUDO_ERROR_OTHER = 10,
}

impl From<SudoErrorKind> for pm_sudo_error {
    fn from(kind: SudoErrorKind) -> Self {
        match kind {
            SudoErrorKind::NotFound => Self::PM_SUDO_ERROR_NOT_FOUND,
            SudoErrorKind::NoNewPrivileges => Self::PM_SUDO_ERROR_NO_NEW_PRIVILEGES,
            SudoErrorKind::UserNamespace => Self::PM_SUDO_ERROR_USER_NAMESPACE,
            SudoErrorKind::NotPermitted => Self::PM_SUDO_ERROR_NOT_PERMITTED,
            SudoErrorKind::PasswordRejected => Self::PM_SUDO_ERROR_PASSWORD_REJECTED,
            SudoErrorKind::Refused => Self::PM_SUDO_ERROR_REFUSED,
            SudoErrorKind::TimedOut => Self::PM_SUDO_ERROR_TIMED_OUT,
            SudoErrorKind::NoPassword => Self::PM_SUDO_ERROR_NO_PASSWORD,
            SudoErrorKind::NoRelay => Self::PM_SUDO_ERROR_NO_RELAY,
            _ => Self::PM_SUDO_ERROR_OTHER,
        }
    }
}

/// What went wrong in one call. Written through the last argument of the functions that can fail,
/// if that is not NULL and the status is negative; freed by the caller with pm_error_free().
/// Immutable: any number of threads may read one.
pub struct pm_error {
    status: pm_status,
    errno: i32,
    step: Option<CString>,
    sudo: pm_sudo_error,
    message: CString,
}

/// A failure on its way to the caller.
pub(crate) struct Failure {
    status: pm_status,
    errno: i32,
    step: Option<StartStep>,
    sudo: pm_sudo_error,
    message: Cow<'static, str>,
}

impl Failure {
    pub(crate) fn new(status: pm_status, message: impl Into<Cow<'static, str>>) -> Self {
        let sudo = pm_sudo_error::PM_SUDO_ERROR_NONE;
        Self { status, errno: 0, step: None, sudo, message: message.into() }
    }

    pub(crate) fn null(argument: &str) -> Self {
        Self::new(pm_status::PM_ERROR_NULL_ARGUMENT, format!("{argument} is NULL"))
    }

    pub(crate) fn invalid(argument: &str, reason: impl std::fmt::Display) -> Self {
        let message = format!("invalid {argument}: {reason}");
        Self::new(pm_status::PM_ERROR_INVALID_ARGUMENT, message)
    }

    pub(crate) fn status(&self) -> pm_status {
        self.status
    }

    /// For a thread of our own, which has nobody to tell.
    pub(crate) fn log_unless_closed(&self, what: &str) {
        if !matches!(self.status, pm_status::PM_ERROR_CLOSED | pm_status::PM_ERROR_FORKED) {
            log::error!("{what}: {}", self.message);
        }
    }

    /// Writes the error object where one is wanted, and gives the status.
    pub(crate) fn report(self, error: *mut *mut pm_error) -> pm_status {
        let status = self.status;
        if status.is_error() && !error.is_null() {
            // SAFETY: the error argument of every function is NULL or valid for a write.
            unsafe { error.write(Box::into_raw(Box::new(self.into_error()))) };
        }
        status
    }

    pub(crate) fn into_error(self) -> pm_error {
        let step = self.step.map(|step| text(step.as_str()));
        let Self { status, errno, step: _, sudo, message } = self;
        pm_error { status, errno, step, sudo, message: text(&message) }
    }
}

impl From<ProcessError> for Failure {
    fn from(error: ProcessError) -> Self {
        let step = match &error {
            ProcessError::StartFailed(start) => Some(start.step),
            _ => None,
        };
        let sudo = match &error {
            ProcessError::AuthenticationFailed(sudo) => sudo.kind.into(),
            _ => pm_sudo_error::PM_SUDO_ERROR_NONE,
        };
        let errno = error.errno().unwrap_or(0);
        Self { status: (&error).into(), errno, step, sudo, message: error.to_string().into() }
    }
}

fn text(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

/// The status that came with the error. `PM_OK` for NULL.
///
/// error: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_error_status(error: *const pm_error) -> pm_status {
    // SAFETY: a handle or NULL, as the crate's documentation says.
    guard::value(pm_status::PM_OK, || unsafe { error.as_ref() }.map(|error| error.status))
}

/// The system's error number behind the error; 0 where there is none, and for NULL.
///
/// error: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_error_errno(error: *const pm_error) -> i32 {
    // SAFETY: a handle or NULL, as the crate's documentation says.
    guard::value(0, || unsafe { error.as_ref() }.map(|error| error.errno))
}

/// The whole story in one line of UTF-8, for people: what was refused or failed, and why. Never
/// NULL; "" for NULL. Valid until the error is freed.
///
/// error: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_error_message(error: *const pm_error) -> *const c_char {
    // SAFETY: a handle or NULL, as the crate's documentation says.
    let message = || unsafe { error.as_ref() }.map(|error| error.message.as_c_str());
    guard::value(c"", message).as_ptr()
}

/// The step at which a start failed ("chdir", "setuid", "exec" ...); "" where the error is no
/// failed start, and for NULL. Valid until the error is freed.
///
/// error: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_error_step(error: *const pm_error) -> *const c_char {
    // SAFETY: a handle or NULL, as the crate's documentation says.
    let step = || unsafe { error.as_ref() }.and_then(|error| error.step.as_deref());
    guard::value(c"", step).as_ptr()
}

/// Why sudo did not start the command; `PM_SUDO_ERROR_NONE` unless the status is
/// `PM_ERROR_AUTHENTICATION_FAILED`, and for NULL. What sudo itself said is in the message.
///
/// error: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_error_sudo(error: *const pm_error) -> pm_sudo_error {
    let none = pm_sudo_error::PM_SUDO_ERROR_NONE;
    // SAFETY: a handle or NULL, as the crate's documentation says.
    guard::value(none, || unsafe { error.as_ref() }.map(|error| error.sudo))
}

/// Frees an error. NULL is fine.
///
/// error: takes. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_error_free(error: *mut pm_error) {
    // SAFETY: a handle or NULL, as the crate's documentation says.
    guard::quiet(|| unsafe { handle::free(error) });
}
