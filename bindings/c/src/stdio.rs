//! What a `pm_command` says of the child's standard streams and further descriptors.

use std::ffi::c_char;
use std::path::PathBuf;
use std::sync::Arc;

use core_api::{Stdin, Stdout};

use crate::command::{pm_command, set};
use crate::convert::{self, inbound};
use crate::error::{pm_error, Failure};
use crate::status::pm_status;

/// A standard stream of a child, by its number.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum pm_stream {
    /// Standard input.
    PM_STDIN = 0,
    /// Standard output.
    PM_STDOUT = 1,
    /// Standard error.
    PM_STDERR = 2,
}

/// Where a standard stream of a child comes from or goes to.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum pm_stdio {
    /// /dev/null. The default of standard input.
    PM_STDIO_NULL = 0,
    /// A pipe of this library: input is written with pm_process_write(), output is captured. The
    /// default of standard output and standard error.
    PM_STDIO_PIPE = 1,
    /// The host's own stream of the same number.
    PM_STDIO_INHERIT = 2,
    /// For standard error only: wherever standard output goes, in true order of writing.
    PM_STDIO_MERGE = 3,
}

inbound!(pm_stream: PM_STDIN, PM_STDOUT, PM_STDERR);

inbound!(pm_stdio: PM_STDIO_NULL, PM_STDIO_PIPE, PM_STDIO_INHERIT, PM_STDIO_MERGE);

impl From<pm_stdio> for Stdin {
    fn from(stdio: pm_stdio) -> Self {
        match stdio {
            pm_stdio::PM_STDIO_NULL | pm_stdio::PM_STDIO_MERGE => Self::Null,
            pm_stdio::PM_STDIO_PIPE => Self::Pipe,
            pm_stdio::PM_STDIO_INHERIT => Self::Inherit,
        }
    }
}

impl From<pm_stdio> for Stdout {
    fn from(stdio: pm_stdio) -> Self {
        match stdio {
            pm_stdio::PM_STDIO_NULL => Self::Null,
            pm_stdio::PM_STDIO_PIPE => Self::Capture,
            pm_stdio::PM_STDIO_INHERIT => Self::Inherit,
            pm_stdio::PM_STDIO_MERGE => Self::Merge,
        }
    }
}

fn set_output(command: &mut pm_command, stream: pm_stream, to: Stdout) -> Result<(), Failure> {
    match stream {
        pm_stream::PM_STDIN => {
            return Err(Failure::invalid("stream", "standard input is no output"))
        }
        pm_stream::PM_STDOUT => command.change(|inner| inner.stdout(to)),
        pm_stream::PM_STDERR => command.change(|inner| inner.stderr(to)),
    }
    Ok(())
}

/// Says where a standard stream of the child comes from or goes to.
///
/// command: borrows. stream: one of pm_stream. stdio: one of pm_stdio. Errors:
/// `PM_ERROR_INVALID_ARGUMENT`. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_stdio(
    command: *mut pm_command,
    stream: u32,
    stdio: u32,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        let stream = pm_stream::check(stream, "stream")?;
        match (stream, pm_stdio::check(stdio, "stdio")?) {
            (pm_stream::PM_STDIN, pm_stdio::PM_STDIO_MERGE) => {
                return Err(Failure::invalid("stdio", "only standard error can be merged"));
            }
            (pm_stream::PM_STDIN, stdio) => command.change(|inner| inner.stdin(stdio.into())),
            (output, stdio) => set_output(command, output, stdio.into())?,
        }
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Connects a standard stream of the child to a file: standard input reads it; output creates it if
/// it is missing, and truncates it unless `append`. The start opens it.
///
/// command: borrows. stream: one of pm_stream. path: copies; len: its length or
/// `PM_NUL_TERMINATED`. Errors: `PM_ERROR_INVALID_ARGUMENT`. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_stdio_file(
    command: *mut pm_command,
    stream: u32,
    path: *const c_char,
    len: usize,
    append: bool,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        // SAFETY: as the crate's documentation says of arguments.
        let path = PathBuf::from(unsafe { convert::text(path, len, "path")? });
        match pm_stream::check(stream, "stream")? {
            pm_stream::PM_STDIN => command.change(|inner| inner.stdin(Stdin::File(path))),
            output => set_output(command, output, Stdout::File { path, append })?,
        }
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Connects a standard stream of the child to a duplicate of a descriptor of the host.
///
/// command: borrows. stream: one of pm_stream. fd: copies. Errors:
/// `PM_ERROR_INVALID_ARGUMENT`. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_stdio_fd(
    command: *mut pm_command,
    stream: u32,
    fd: i32,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        // SAFETY: as the crate's documentation says of arguments.
        let fd = Arc::new(unsafe { convert::duplicate(fd)? });
        match pm_stream::check(stream, "stream")? {
            pm_stream::PM_STDIN => command.change(|inner| inner.stdin(Stdin::Fd(fd))),
            output => set_output(command, output, Stdout::Fd(fd))?,
        }
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Feeds these bytes to the child's standard input, then ends it.
///
/// command: borrows. data: copies. Errors: none but NULL arguments. Threads: one at a time per
/// object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_input(
    command: *mut pm_command,
    data: *const u8,
    len: usize,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        // SAFETY: as the crate's documentation says of arguments.
        let data = unsafe { convert::items(data, len, "data")? };
        command.change(|inner| inner.input(data));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Gives the child a duplicate of the host's descriptor `fd` under the number `target`, which is 3 or
/// more and used once; the start refuses others.
///
/// command: borrows. fd: copies. Errors: `PM_ERROR_INVALID_ARGUMENT`. Threads: one at a time per
/// object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_add_fd(
    command: *mut pm_command,
    fd: i32,
    target: i32,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        // SAFETY: as the crate's documentation says of arguments.
        let fd = unsafe { convert::duplicate(fd)? };
        command.change(|inner| inner.extra_fd(fd, target));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}
