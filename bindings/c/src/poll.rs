//! Callbacks of a manager, and the poll that runs them.

use std::ffi::c_void;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use crate::callback::{pm_destroy_callback, Callback};
use crate::convert;
use crate::error::pm_error;
use crate::guard;
use crate::handle::{self, Out};
use crate::manager::pm_manager;
use crate::source::{pm_event_callback, pm_exit_callback, pm_output_callback};
use crate::status::pm_status::{self, PM_OK};

/// Sets the function that gets the output of all processes of the manager: those that it knows
/// (from the oldest output that is kept) and those to come. It replaces the one set before, whose
/// user data is destroyed; NULL only does that.
///
/// manager: borrows. callback, user_data, destroy: takes, also on failure; see the callback
/// contract at the top.
/// Errors: `PM_ERROR_CLOSED`, `PM_ERROR_IO`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_set_output_callback(
    manager: *mut pm_manager,
    callback: pm_output_callback,
    user_data: *mut c_void,
    destroy: pm_destroy_callback,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        let new = Callback::new(callback, user_data, destroy);
        // SAFETY: as the crate's documentation says of arguments.
        let hub = unsafe { handle::borrow(manager, "manager")? }.hub();
        hub.watch_output(callback.map(|_| Arc::new(new)))?;
        Ok(PM_OK)
    })
}

/// Sets the function that is told the end of each process of the manager: those that it knows and
/// those to come. It replaces the one set before, whose user data is destroyed; NULL only does
/// that.
///
/// manager: borrows. callback, user_data, destroy: takes, also on failure; see the callback
/// contract at the top.
/// Errors: `PM_ERROR_CLOSED`, `PM_ERROR_IO`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_set_exit_callback(
    manager: *mut pm_manager,
    callback: pm_exit_callback,
    user_data: *mut c_void,
    destroy: pm_destroy_callback,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        let new = Callback::new(callback, user_data, destroy);
        // SAFETY: as the crate's documentation says of arguments.
        let hub = unsafe { handle::borrow(manager, "manager")? }.hub();
        hub.watch_exit(callback.map(|_| Arc::new(new)))?;
        Ok(PM_OK)
    })
}

/// Sets the function that gets the events of the manager from now on. It replaces the one set
/// before, whose user data is destroyed; NULL only does that.
///
/// manager: borrows. callback, user_data, destroy: takes, also on failure; see the callback
/// contract at the top.
/// Errors: `PM_ERROR_CLOSED`, `PM_ERROR_IO`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_set_event_callback(
    manager: *mut pm_manager,
    callback: pm_event_callback,
    user_data: *mut c_void,
    destroy: pm_destroy_callback,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        let new = Callback::new(callback, user_data, destroy);
        // SAFETY: as the crate's documentation says of arguments.
        let hub = unsafe { handle::borrow(manager, "manager")? }.hub();
        hub.watch_events(callback.map(|_| Arc::new(new)))?;
        Ok(PM_OK)
    })
}

/// Waits until there is something to tell, runs the callbacks for all that is ready, on this
/// thread, and returns. It drives the engine meanwhile. It returns with 0 calls when the time is
/// over or pm_manager_wake() was called.
///
/// manager: borrows; it may be freed in a callback. timeout_ms: 0 does not wait, negative waits
/// without a deadline. dispatched: the number of calls made; may be NULL.
/// Errors: `PM_ERROR_REENTRANT` from a callback of the same poll; `PM_ERROR_BUSY` while another
/// thread is inside; `PM_ERROR_CLOSED` when another thread frees the manager; `PM_ERROR_FORKED`;
/// `PM_ERROR_IO`. Threads: one at a time per object; not from a callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_poll(
    manager: *mut pm_manager,
    timeout_ms: i64,
    dispatched: *mut usize,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let hub = unsafe { handle::borrow(manager, "manager")? }.hub().clone();
        let calls = hub.poll(convert::timeout(timeout_ms))?;
        // SAFETY: NULL or valid for a write.
        unsafe { handle::put_optional(dispatched, calls) };
        Ok(PM_OK)
    })
}

/// Makes a poll that waits on another thread return at once, or else the next poll.
///
/// manager: borrows. Errors: `PM_ERROR_CLOSED`, `PM_ERROR_IO`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_wake(
    manager: *mut pm_manager,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        unsafe { handle::borrow(manager, "manager")? }.hub().wake()?;
        Ok(PM_OK)
    })
}

/// A descriptor for the program's own event loop: readable (level-triggered) when a poll with
/// timeout 0 would find something to do. Use it with poll, epoll or select only: never read, write
/// or close it. Valid until the manager is freed.
///
/// manager: borrows. fd: the descriptor.
/// Errors: `PM_ERROR_CLOSED`, `PM_ERROR_FORKED`, `PM_ERROR_IO`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_fd(
    manager: *mut pm_manager,
    fd: *mut i32,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (manager, out) = unsafe { (handle::borrow(manager, "manager")?, Out::new(fd, "fd")?) };
        let ready = manager.core()?.ready()?;
        out.put(ready.fd()?.as_raw_fd());
        Ok(PM_OK)
    })
}
