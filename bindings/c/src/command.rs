//! `pm_command`: what to start and how.

use std::ffi::c_char;
use std::mem;

use core_api::{Command, UserSpec};

use crate::convert;
use crate::error::{pm_error, Failure};
use crate::guard;
use crate::handle::{self, Out};
use crate::status::pm_status::{self, PM_OK};

/// What to start and how: a program and options. Starting copies it, so that one command can be
/// started many times. Unless an option says otherwise: standard input is empty, standard output
/// and standard error are captured apart, the process gets a process group of its own, and the
/// environment and working directory of the host.
pub struct pm_command {
    pub(crate) inner: Command,
    pub(crate) user: UserSpec,
}

impl pm_command {
    fn new(inner: Command) -> Self {
        Self { inner, user: UserSpec::default() }
    }

    /// Applies one step of the core's builder, which consumes its command.
    pub(crate) fn change(&mut self, step: impl FnOnce(Command) -> Command) {
        let command = mem::replace(&mut self.inner, Command::new(""));
        self.inner = step(command);
    }

    pub(crate) fn apply_user(&mut self) {
        let user = self.user.clone();
        self.change(|inner| inner.user(user));
    }
}

/// Runs the body of a setter: borrows the command, changes it.
///
/// # Safety
/// As for [`handle::borrow_mut`].
pub(crate) unsafe fn set(
    command: *mut pm_command,
    error: *mut *mut pm_error,
    body: impl FnOnce(&mut pm_command) -> Result<(), Failure>,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as promised by the caller.
        body(unsafe { handle::borrow_mut(command, "command")? })?;
        Ok(PM_OK)
    })
}

/// A command for a program on this machine.
///
/// program: copies; a path, or a name that is looked up in `PATH`; len: its length or
/// `PM_NUL_TERMINATED`. command: returns owned; free with pm_command_free().
/// Errors: none but NULL arguments; what cannot be started is refused by the start. Threads: any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_new(
    program: *const c_char,
    len: usize,
    command: *mut *mut pm_command,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (program, out) =
            unsafe { (convert::text(program, len, "program")?, Out::new(command, "command")?) };
        out.give(pm_command::new(Command::new(program)));
        Ok(PM_OK)
    })
}

/// A command for a binary of the manager's extractor.
///
/// name: copies; UTF-8, as given to the extractor; len: its length or `PM_NUL_TERMINATED`.
/// command: returns owned; free with pm_command_free().
/// Errors: `PM_ERROR_INVALID_ARGUMENT` where the name is not UTF-8. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_new_binary(
    name: *const c_char,
    len: usize,
    command: *mut *mut pm_command,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (name, out) =
            unsafe { (convert::name(name, len, "name")?, Out::new(command, "command")?) };
        out.give(pm_command::new(Command::binary(name)));
        Ok(PM_OK)
    })
}

/// Frees a command; processes started from it are not touched. NULL is fine.
///
/// command: takes. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_free(command: *mut pm_command) {
    // SAFETY: a handle or NULL.
    guard::quiet(|| unsafe { handle::free(command) });
}

/// Sets the name for people, which appears in the process's info and in messages; the program's
/// file name if never set.
///
/// command: borrows. name: copies; UTF-8; len: its length or `PM_NUL_TERMINATED`.
/// Errors: `PM_ERROR_INVALID_ARGUMENT`. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_name(
    command: *mut pm_command,
    name: *const c_char,
    len: usize,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        // SAFETY: as the crate's documentation says of arguments.
        let name = unsafe { convert::name(name, len, "name")? };
        command.change(|inner| inner.name(name));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Sets the name that the program sees as its own (`argv[0]`); the program as it was named if never
/// set.
///
/// command: borrows. arg0: copies; len: its length or `PM_NUL_TERMINATED`.
/// Errors: none but NULL arguments. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_arg0(
    command: *mut pm_command,
    arg0: *const c_char,
    len: usize,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        // SAFETY: as the crate's documentation says of arguments.
        let arg0 = unsafe { convert::text(arg0, len, "arg0")? };
        command.change(|inner| inner.arg0(arg0));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Adds one argument; the program's own name is not one of them.
///
/// command: borrows. arg: copies; bytes as they are, a NUL among them is refused by the start;
/// len: its length or `PM_NUL_TERMINATED`.
/// Errors: none but NULL arguments. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_add_arg(
    command: *mut pm_command,
    arg: *const c_char,
    len: usize,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        // SAFETY: as the crate's documentation says of arguments.
        let arg = unsafe { convert::text(arg, len, "arg")? };
        command.change(|inner| inner.arg(arg));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Adds several arguments.
///
/// command: borrows. args: copies; an array of NUL-terminated texts that ends with NULL, as
/// `argv` does.
/// Errors: none but NULL arguments. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_add_args(
    command: *mut pm_command,
    args: *const *const c_char,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        // SAFETY: as the crate's documentation says of arguments; the array ends with NULL.
        let args = unsafe { convert::argv(args, "args")? };
        command.change(|inner| inner.args(args));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Sets a variable in the child's environment.
///
/// command: borrows. name, value: copies; each with its length or `PM_NUL_TERMINATED`. An empty
/// name, a `=` in it or a NUL is refused by the start.
/// Errors: none but NULL arguments. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_env(
    command: *mut pm_command,
    name: *const c_char,
    name_len: usize,
    value: *const c_char,
    value_len: usize,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        // SAFETY: as the crate's documentation says of arguments.
        let (name, value) = unsafe {
            (convert::text(name, name_len, "name")?, convert::text(value, value_len, "value")?)
        };
        command.change(|inner| inner.env(name, value));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Removes a variable of the host from the child's environment.
///
/// command: borrows. name: copies; len: its length or `PM_NUL_TERMINATED`.
/// Errors: none but NULL arguments. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_remove_env(
    command: *mut pm_command,
    name: *const c_char,
    len: usize,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        // SAFETY: as the crate's documentation says of arguments.
        let name = unsafe { convert::text(name, len, "name")? };
        command.change(|inner| inner.env_remove(name));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Gives the child none of the host's variables, and forgets those that were set before.
///
/// command: borrows. Errors: none but NULL arguments. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_clear_env(
    command: *mut pm_command,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        command.change(Command::env_clear);
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Sets the child's working directory; the host's if never set.
///
/// command: borrows. directory: copies; len: its length or `PM_NUL_TERMINATED`.
/// Errors: none but NULL arguments; the start says whether it can be entered. Threads: one at a
/// time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_directory(
    command: *mut pm_command,
    directory: *const c_char,
    len: usize,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        // SAFETY: as the crate's documentation says of arguments.
        let directory = unsafe { convert::text(directory, len, "directory")? };
        command.change(|inner| inner.current_dir(directory));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}
