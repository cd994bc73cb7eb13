//! Writing to the standard input of a process.

use std::task::{Context, Poll, Waker};

use crate::convert;
use crate::error::pm_error;
use crate::guard;
use crate::handle::{self, Out};
use crate::process::pm_process;
use crate::status::pm_status::{self, PM_OK, PM_TIMED_OUT};

/// Writes all bytes to the child's standard input, as fast as the child reads.
///
/// process: borrows. data: borrows. timeout_ms: negative waits without a deadline.
/// Returns `PM_TIMED_OUT` when the time is over; a part may have been written then.
/// Errors: `PM_ERROR_CLOSED` when standard input is not piped or was closed; `PM_ERROR_IO` (EPIPE)
/// when the child has closed its end; `PM_ERROR_FORKED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_write(
    process: *mut pm_process,
    data: *const u8,
    len: usize,
    timeout_ms: i64,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (process, data) =
            unsafe { (handle::borrow(process, "process")?, convert::items(data, len, "data")?) };
        process.runner()?.write_stdin_blocking(data, convert::timeout(timeout_ms))?;
        Ok(PM_OK)
    })
}

/// Writes what the pipe to the child's standard input takes now, without waiting.
///
/// process: borrows. data: borrows. written: the number of bytes taken.
/// Returns `PM_TIMED_OUT` when the pipe is full. Errors: as pm_process_write(). Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_try_write(
    process: *mut pm_process,
    data: *const u8,
    len: usize,
    written: *mut usize,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (process, data, out) = unsafe {
            let data = convert::items(data, len, "data")?;
            (handle::borrow(process, "process")?, data, Out::new(written, "written")?)
        };
        match process.runner()?.poll_write_stdin(&mut Context::from_waker(Waker::noop()), data) {
            Poll::Pending => return Ok(PM_TIMED_OUT),
            Poll::Ready(count) => out.put(count?),
        }
        Ok(PM_OK)
    })
}

/// Ends the child's standard input.
///
/// process: borrows. Errors: `PM_ERROR_CLOSED` when it is not piped or was closed before;
/// `PM_ERROR_FORKED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_close_stdin(
    process: *mut pm_process,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        unsafe { handle::borrow(process, "process")? }.runner()?.close_stdin()?;
        Ok(PM_OK)
    })
}
