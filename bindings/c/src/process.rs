//! `pm_process`: the handle of one process.

use std::ffi::c_void;
use std::ptr;
use std::sync::{Arc, Weak};

use core_api::ProcessRunner;

use crate::callback::{pm_destroy_callback, Callback};
use crate::command::pm_command;
use crate::convert;
use crate::error::{pm_error, Failure};
use crate::guard;
use crate::handle::{self, Out};
use crate::hub::Hub;
use crate::info::pm_info;
use crate::maker::Maker;
use crate::source::{pm_exit_callback, pm_output_callback};
use crate::status::pm_status::{self, PM_OK};
use crate::types::{pm_exit, pm_id, pm_state, pm_stop_step};
use crate::watch::HandleWatches;

/// The handle of one process. A shared handle; there can be several of one process. With the last
/// owner its callbacks go. A process that no handle and no manager holds any more is ended as its
/// command says, by default by killing its tree.
pub struct pm_process {
    runner: ProcessRunner,
    maker: Maker,
    hub: Weak<Hub>,
    watches: HandleWatches,
}

impl pm_process {
    pub(crate) fn new(runner: ProcessRunner, hub: Option<&Arc<Hub>>) -> Self {
        let hub = hub.map(Arc::downgrade).unwrap_or_default();
        Self { runner, maker: Maker::this(), hub, watches: HandleWatches::default() }
    }

    pub(crate) fn runner(&self) -> Result<&ProcessRunner, Failure> {
        self.maker.check()?;
        Ok(&self.runner)
    }

    fn hub(&self) -> Result<Arc<Hub>, Failure> {
        let gone = "closed: the process has no manager whose poll could call";
        self.hub.upgrade().ok_or_else(|| Failure::new(pm_status::PM_ERROR_CLOSED, gone))
    }
}

impl Drop for pm_process {
    fn drop(&mut self) {
        self.watches.end(self.hub.upgrade().as_deref());
    }
}

/// Starts a process without a manager, on this thread. Its output is read with pm_output; it has no
/// callbacks.
///
/// command: copies; must name a program of this machine. process: returns owned; free with
/// pm_process_free().
/// Errors: as pm_manager_start(). Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_start(
    command: *const pm_command,
    process: *mut *mut pm_process,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (command, out) =
            unsafe { (handle::borrow(command, "command")?, Out::new(process, "process")?) };
        let runner = ProcessRunner::start_command(command.inner.clone())?;
        out.share(pm_process::new(runner, None));
        Ok(PM_OK)
    })
}

/// Adds an owner. NULL gives NULL. The result is `process`, to be freed once more.
///
/// process: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_ref(process: *mut pm_process) -> *mut pm_process {
    // SAFETY: a shared handle or NULL.
    guard::value(ptr::null_mut(), || Some(unsafe { handle::add_owner(process) }))
}

/// Gives up one owner's handle. The last one ends the callbacks that were set on the handle: a
/// call that runs on another thread is waited for; in that call itself the end comes when it
/// returns. NULL is fine.
///
/// process: takes. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_free(process: *mut pm_process) {
    // SAFETY: a shared handle or NULL.
    guard::quiet(|| unsafe { handle::drop_owner(process) });
}

/// The process's id; all zero for NULL.
///
/// process: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_id(process: *const pm_process) -> pm_id {
    // SAFETY: a shared handle or NULL.
    let process = || unsafe { process.as_ref() };
    guard::value(pm_id::default(), || process().map(|process| process.runner.id().into()))
}

/// The process id of the system; 0 for NULL. After the end the number may belong to somebody else:
/// signal with pm_process_signal(), never with kill().
///
/// process: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_pid(process: *const pm_process) -> u32 {
    // SAFETY: a shared handle or NULL.
    guard::value(0, || unsafe { process.as_ref() }.map(|process| process.runner.pid()))
}

/// Where the process stands; `PM_STATE_UNKNOWN` for NULL.
///
/// process: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_state(process: *const pm_process) -> pm_state {
    // SAFETY: a shared handle or NULL.
    let process = || unsafe { process.as_ref() };
    let unknown = pm_state::PM_STATE_UNKNOWN;
    guard::value(unknown, || process().map(|process| process.runner.status().into()))
}

/// True until the end of the process has been seen; false for NULL.
///
/// process: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_is_running(process: *const pm_process) -> bool {
    // SAFETY: a shared handle or NULL.
    guard::value(false, || unsafe { process.as_ref() }.map(|process| process.runner.is_running()))
}

/// The facts about the process now.
///
/// process: borrows. info: returns owned; free with pm_info_free().
/// Errors: `PM_ERROR_FORKED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_info(
    process: *const pm_process,
    info: *mut *mut pm_info,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (process, out) =
            unsafe { (handle::borrow(process, "process")?, Out::new(info, "info")?) };
        out.give(pm_info::from(process.runner()?.info().clone()));
        Ok(PM_OK)
    })
}

/// Waits until the process itself has ended; output may still come.
///
/// process: borrows. timeout_ms: negative waits without a deadline. exit: how it ended; may be
/// NULL.
/// Returns `PM_TIMED_OUT` when the time is over. Errors: `PM_ERROR_FORKED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_wait(
    process: *const pm_process,
    timeout_ms: i64,
    exit: *mut pm_exit,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let process = unsafe { handle::borrow(process, "process")? };
        let status = process.runner()?.wait_blocking(convert::timeout(timeout_ms))?;
        // SAFETY: NULL or valid for a write.
        unsafe { handle::put_optional(exit, status.into()) };
        Ok(PM_OK)
    })
}

/// Waits until the process has ended and all its output was received.
///
/// process: borrows. timeout_ms: negative waits without a deadline.
/// Returns `PM_TIMED_OUT` when the time is over. Errors: `PM_ERROR_FORKED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_wait_closed(
    process: *const pm_process,
    timeout_ms: i64,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let process = unsafe { handle::borrow(process, "process")? };
        process.runner()?.closed_blocking(convert::timeout(timeout_ms))?;
        Ok(PM_OK)
    })
}

/// Stops the process and its descendants and waits until they are gone; as pm_manager_stop().
///
/// process: borrows. steps: borrows; `count` of them, none: the steps of its command.
/// Errors: `PM_ERROR_STOP_FAILED`, `PM_ERROR_FORKED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_stop(
    process: *mut pm_process,
    steps: *const pm_stop_step,
    count: usize,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (process, ladder) =
            unsafe { (handle::borrow(process, "process")?, convert::ladder(steps, count)?) };
        process.runner()?.stop_blocking(ladder)?;
        Ok(PM_OK)
    })
}

/// Asks for the stop and returns at once; the exit callback or a wait tells its end.
///
/// process: borrows. steps, count: as for pm_process_stop().
/// Errors: `PM_ERROR_FORKED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_begin_stop(
    process: *mut pm_process,
    steps: *const pm_stop_step,
    count: usize,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (process, ladder) =
            unsafe { (handle::borrow(process, "process")?, convert::ladder(steps, count)?) };
        process.runner()?.begin_stop(ladder)?;
        Ok(PM_OK)
    })
}

/// Kills the tree and returns when it is gone, at most after five seconds.
///
/// process: borrows. Errors: `PM_ERROR_STOP_FAILED`, `PM_ERROR_FORKED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_kill(
    process: *mut pm_process,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        unsafe { handle::borrow(process, "process")? }.runner()?.kill()?;
        Ok(PM_OK)
    })
}

/// Sends a signal to the process and its descendants. It is never sent to a stranger: a process
/// that has ended gets none.
///
/// process: borrows. signal: 1 to 64.
/// Errors: `PM_ERROR_INVALID_ARGUMENT`; `PM_ERROR_CLOSED` when it has ended; `PM_ERROR_IO`;
/// `PM_ERROR_FORKED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_signal(
    process: *mut pm_process,
    signal: i32,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        unsafe { handle::borrow(process, "process")? }.runner()?.signal(signal)?;
        Ok(PM_OK)
    })
}

/// Suspends the process and its descendants (SIGSTOP).
///
/// process: borrows. Errors: as pm_process_signal(). Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_suspend(
    process: *mut pm_process,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        unsafe { handle::borrow(process, "process")? }.runner()?.suspend()?;
        Ok(PM_OK)
    })
}

/// Resumes the process and its descendants (SIGCONT).
///
/// process: borrows. Errors: as pm_process_signal(). Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_resume(
    process: *mut pm_process,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        unsafe { handle::borrow(process, "process")? }.runner()?.resume()?;
        Ok(PM_OK)
    })
}

/// Sets the function that gets the output of the process, from the oldest that is kept. It
/// replaces the one set before on this handle, whose user data is destroyed; NULL only does that.
///
/// process: borrows. callback, user_data, destroy: takes, also on failure; see the callback
/// contract at the top.
/// Errors: `PM_ERROR_CLOSED` where the manager is gone, or there is none. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_set_output_callback(
    process: *mut pm_process,
    callback: pm_output_callback,
    user_data: *mut c_void,
    destroy: pm_destroy_callback,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        let new = Callback::new(callback, user_data, destroy);
        // SAFETY: as the crate's documentation says of arguments.
        let process = unsafe { handle::borrow(process, "process")? };
        let new = callback.map(|_| Arc::new(new));
        process.watches.set_output(&*process.hub()?, process.runner()?, new)?;
        Ok(PM_OK)
    })
}

/// Sets the function that is told the end of the process, after all its output. It replaces the
/// one set before on this handle, whose user data is destroyed; NULL only does that.
///
/// process: borrows. callback, user_data, destroy: takes, also on failure; see the callback
/// contract at the top.
/// Errors: `PM_ERROR_CLOSED` where the manager is gone, or there is none. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_set_exit_callback(
    process: *mut pm_process,
    callback: pm_exit_callback,
    user_data: *mut c_void,
    destroy: pm_destroy_callback,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        let new = Callback::new(callback, user_data, destroy);
        // SAFETY: as the crate's documentation says of arguments.
        let process = unsafe { handle::borrow(process, "process")? };
        let new = callback.map(|_| Arc::new(new));
        process.watches.set_exit(&*process.hub()?, process.runner()?, new)?;
        Ok(PM_OK)
    })
}
