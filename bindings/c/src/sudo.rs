//! Starting as another user through sudo.

use std::ffi::{c_char, c_void};
use std::mem;
use std::time::Duration;

use core_api::support::Zeroizing;
use core_api::{ProcessRunner, SudoMode, SudoOptions};

use crate::command::pm_command;
use crate::convert::{self, inbound};
use crate::error::{pm_error, Failure};
use crate::guard;
use crate::handle::{self, Out};
use crate::manager::pm_manager;
use crate::process::pm_process;
use crate::sized::{self, Plain};
use crate::status::pm_status::{self, PM_OK};
use crate::types::PM_NUL_TERMINATED;

/// The longest password that sudo reads as one, and one byte more.
const ROOM: usize = 512;

/// How sudo is used.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum pm_sudo_mode {
    /// Sudo starts a helper of this library, which starts the command: everything works as without
    /// sudo. The sudoers file must allow any command. The default.
    PM_SUDO_RELAY = 0,
    /// Sudo starts the command itself, for sudoers files that allow only named commands. The
    /// guarantees are weaker: the process that is watched is sudo; sudo hands on signals that can
    /// be caught, to the command alone; what runs as the other user cannot be killed, and is named
    /// in the error of the stop; it can outlive the host.
    PM_SUDO_DIRECT = 1,
}

inbound!(pm_sudo_mode: PM_SUDO_RELAY, PM_SUDO_DIRECT);

impl From<pm_sudo_mode> for SudoMode {
    fn from(mode: pm_sudo_mode) -> Self {
        match mode {
            pm_sudo_mode::PM_SUDO_RELAY => Self::Relay,
            pm_sudo_mode::PM_SUDO_DIRECT => Self::Direct,
        }
    }
}

/// Called for the password, at most once, inside the call that starts, on its thread, and only when
/// sudo really asks. It must not call functions on the same manager.
///
/// buffer: borrows; where the password goes, at most `capacity` bytes; the library wipes it. len:
/// the number of bytes written there. user_data: as in the options. Returns false to cancel: the
/// start then fails with `PM_SUDO_ERROR_NO_PASSWORD`.
pub type pm_password_callback = Option<
    unsafe extern "C" fn(
        buffer: *mut u8,
        capacity: usize,
        len: *mut usize,
        user_data: *mut c_void,
    ) -> bool,
>;

/// How to start as another user. Begin with `PM_SUDO_OPTIONS_INIT`; 0 and NULL mean the default.
/// What the pointers lead to is used during the call only.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct pm_sudo_options {
    /// The size of this struct: fields may be added at its end.
    pub struct_size: usize,
    /// The user: a name, or `#` and a number, in UTF-8. Default root.
    pub user: *const c_char,
    /// The group: a name, or `#` and a number, in UTF-8. Default the user's own.
    pub group: *const c_char,
    /// The password: `password_len` bytes, at most 511, without line ends and NUL. It is copied
    /// into memory that is neither dumped nor inherited, and wiped after use; the caller wipes its
    /// own. Default none.
    pub password: *const u8,
    /// The number of bytes of `password`; an empty password is a pointer with length 0.
    pub password_len: usize,
    /// The function that is asked for the password instead. Default none.
    pub ask: pm_password_callback,
    /// Given to `ask`.
    pub ask_data: *mut c_void,
    /// One of pm_sudo_mode.
    pub mode: u32,
    /// How long sudo may take until the command starts, in milliseconds. The time that `ask` takes
    /// does not count. Default 30000.
    pub timeout_ms: u32,
    /// The names of the host's variables that the command gets, beside those that it sets itself;
    /// an array that ends with NULL. In direct mode sudo keeps them beside what it keeps by itself,
    /// which the sudoers file must allow (`SETENV`). Default all that it would get without sudo.
    pub preserve_env: *const *const c_char,
}

// SAFETY: the size first; pointers and numbers, for which all bytes are values.
unsafe impl Plain for pm_sudo_options {}

/// The host's function and its data, used inside the call that was given them.
struct Ask(unsafe extern "C" fn(*mut u8, usize, *mut usize, *mut c_void) -> bool, *mut c_void);

// SAFETY: called on the thread of the start only, which is the thread of the host's call.
unsafe impl Send for Ask {}

impl Ask {
    fn password(self) -> Option<Vec<u8>> {
        let (mut buffer, mut len) = (Zeroizing::new(vec![0; ROOM]), 0);
        // SAFETY: the host's function, with the arguments that its type documents.
        let is_given = unsafe { (self.0)(buffer.as_mut_ptr(), ROOM - 1, &mut len, self.1) };
        // A length that is too long stays so: the password is then refused as it is.
        buffer.truncate(len);
        is_given.then(|| mem::take(&mut *buffer))
    }
}

/// # Safety
/// As for [`sized::copy_in`], and what the fields point to is as they say.
unsafe fn options(options: *const pm_sudo_options) -> Result<SudoOptions, Failure> {
    // SAFETY: as promised by the caller.
    let options = unsafe { sized::copy_in(options, "options")? };
    let pm_sudo_options { user, group, mode, timeout_ms, preserve_env, .. } = options;
    let mode = pm_sudo_mode::check(mode, "options.mode")?;
    let mut sudo = SudoOptions::new().mode(mode.into());
    // SAFETY: as promised by the caller, for all of this block.
    unsafe {
        if !user.is_null() {
            sudo = sudo.user(convert::name(user, PM_NUL_TERMINATED, "options.user")?);
        }
        if !group.is_null() {
            sudo = sudo.group(convert::name(group, PM_NUL_TERMINATED, "options.group")?);
        }
        if !preserve_env.is_null() {
            sudo = sudo.preserve_env(convert::argv(preserve_env, "options.preserve_env")?);
        }
        sudo = secret(sudo, &options)?;
    }
    Ok(match timeout_ms {
        0 => sudo,
        ms => sudo.timeout(Duration::from_millis(ms.into())),
    })
}

/// # Safety
/// As for [`options`].
unsafe fn secret(sudo: SudoOptions, options: &pm_sudo_options) -> Result<SudoOptions, Failure> {
    let pm_sudo_options { password, password_len, ask, ask_data, .. } = *options;
    if let Some(ask) = ask {
        if !password.is_null() {
            return Err(Failure::invalid("options.ask", "a password is given as well"));
        }
        let ask = Ask(ask, ask_data);
        return Ok(sudo.ask(move || ask.password()));
    }
    if password.is_null() && password_len == 0 {
        return Ok(sudo);
    }
    // SAFETY: as promised by the caller.
    let bytes = unsafe { convert::items(password, password_len, "options.password")? };
    Ok(sudo.password(bytes)?)
}

/// Starts a process as the user that the options name: through sudo, unless the host is that user
/// already. Talks to sudo on this thread, until sudo has started the command or refused.
///
/// manager: borrows. command: copies. options: copies; NULL: all defaults. process: returns owned;
/// free with pm_process_free().
/// Errors: as pm_manager_start(); `PM_ERROR_AUTHENTICATION_FAILED`, where pm_error_sudo() says why;
/// `PM_ERROR_INVALID_ARGUMENT` for a user that does not exist or a password that sudo would
/// misread; `PM_ERROR_UNSUPPORTED` for what sudo does not leave to the host. Threads: any thread;
/// not from the password callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_start_with_sudo(
    manager: *mut pm_manager,
    command: *const pm_command,
    options: *const pm_sudo_options,
    process: *mut *mut pm_process,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (manager, command, sudo, out) = unsafe {
            let manager = handle::borrow(manager, "manager")?;
            let command = handle::borrow(command, "command")?.inner.clone();
            (manager, command, self::options(options)?, Out::new(process, "process")?)
        };
        let runner = manager.hub().start(|core| core.start_with_sudo_options(command, sudo))?;
        out.share(pm_process::new(runner, Some(manager.hub())));
        Ok(PM_OK)
    })
}

/// As pm_manager_start_with_sudo(), without a manager.
///
/// command: copies; must name a program of this machine. options: copies; NULL: all defaults.
/// process: returns owned; free with pm_process_free().
/// Errors: as there. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_start_with_sudo(
    command: *const pm_command,
    options: *const pm_sudo_options,
    process: *mut *mut pm_process,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (command, sudo, out) = unsafe {
            let command = handle::borrow(command, "command")?.inner.clone();
            (command, self::options(options)?, Out::new(process, "process")?)
        };
        out.share(pm_process::new(ProcessRunner::start_with_sudo_options(command, sudo)?, None));
        Ok(PM_OK)
    })
}
