//! `pm_run_result`: running a command to its end in one call.

use core_api::{ProcessError, RunEnd, RunOptions, RunOutput};

use crate::batch::{copies, put_errors, split};
use crate::command::pm_command;
use crate::convert;
use crate::error::{pm_error, Failure};
use crate::guard;
use crate::handle::{self, Out};
use crate::info::pm_info;
use crate::manager::pm_manager;
use crate::sized::{self, Plain};
use crate::status::pm_status::{self, PM_OK};
use crate::types::pm_bytes;

/// How a run is bounded. Begin with `PM_RUN_OPTIONS_INIT`; 0 means the default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct pm_run_options {
    /// The size of this struct: fields may be added at its end.
    pub struct_size: usize,
    /// The whole run's deadline in milliseconds. Default none.
    pub timeout_ms: u64,
    /// The most bytes collected of each stream; with one more the run is ended. Default 64 MiB.
    pub max_output: usize,
}

// SAFETY: integers, the first of them the size.
unsafe impl Plain for pm_run_options {}

/// Why a run ended.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum pm_run_end {
    /// The process has ended; its info says how. Also the answer for NULL.
    PM_RUN_COMPLETE = 0,
    /// The deadline passed, and the tree was killed.
    PM_RUN_TIMED_OUT = 1,
    /// It wrote more than was allowed, and the tree was killed.
    PM_RUN_OUTPUT_LIMIT = 2,
    /// Something that this version of the C interface has no name for.
    PM_RUN_OTHER = 3,
}

/// What a run left: how the process ended, and what it wrote. Immutable.
pub struct pm_run_result {
    end: pm_run_end,
    info: pm_info,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    lost: u64,
}

impl pm_run_result {
    fn new(end: pm_run_end, output: RunOutput) -> Self {
        let RunOutput { info, stdout, stderr, lost, .. } = output;
        Self { end, info: info.into(), stdout, stderr, lost }
    }
}

/// A run that was ended by its bounds is a result as well.
fn result(run: Result<RunOutput, ProcessError>) -> Result<pm_run_result, Failure> {
    match run {
        Ok(output) => Ok(pm_run_result::new(pm_run_end::PM_RUN_COMPLETE, output)),
        Err(ProcessError::RunFailed(error)) => {
            let end = match error.reason {
                RunEnd::TimedOut => pm_run_end::PM_RUN_TIMED_OUT,
                RunEnd::OutputLimit => pm_run_end::PM_RUN_OUTPUT_LIMIT,
                _ => pm_run_end::PM_RUN_OTHER,
            };
            Ok(pm_run_result::new(end, error.output))
        }
        Err(error) => Err(error.into()),
    }
}

/// # Safety
/// As for [`sized::copy_in`].
unsafe fn options(options: *const pm_run_options) -> Result<RunOptions, Failure> {
    // SAFETY: as promised by the caller.
    let options = unsafe { sized::copy_in(options, "options")? };
    let pm_run_options { struct_size: _, timeout_ms, max_output } = options;
    let mut bounds = RunOptions::default();
    if timeout_ms != 0 {
        bounds.timeout = convert::timeout(i64::try_from(timeout_ms).unwrap_or(-1));
    }
    if max_output != 0 {
        bounds.max_output = max_output;
    }
    Ok(bounds)
}

/// Starts a command without a manager, collects its output and waits for its end. A run that was
/// ended by its bounds gives `PM_OK` too: see pm_run_result_end().
///
/// command: copies. options: copies; NULL: all defaults. result: returns owned; free with
/// pm_run_result_free().
/// Errors: as pm_process_start(). Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_run(
    command: *const pm_command,
    options: *const pm_run_options,
    result: *mut *mut pm_run_result,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (command, bounds, out) = unsafe {
            let command = handle::borrow(command, "command")?;
            (command, self::options(options)?, Out::new(result, "result")?)
        };
        out.give(self::result(command.inner.clone().run(bounds))?);
        Ok(PM_OK)
    })
}

/// As pm_command_run(), with the manager's binaries.
///
/// manager: borrows. command, options: copies. result: returns owned.
/// Errors: as pm_manager_start(). Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_run(
    manager: *mut pm_manager,
    command: *const pm_command,
    options: *const pm_run_options,
    result: *mut *mut pm_run_result,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (manager, command, bounds, out) = unsafe {
            let manager = handle::borrow(manager, "manager")?;
            let command = handle::borrow(command, "command")?;
            (manager, command, self::options(options)?, Out::new(result, "result")?)
        };
        out.give(self::result(manager.core()?.run(command.inner.clone(), bounds))?);
        Ok(PM_OK)
    })
}

/// Runs all of the commands to their end on this thread, at most `parallel` at a time.
///
/// manager: borrows. commands: copies; `count` of them. parallel: 1 or more. options: copies; they
/// bound each run; NULL: all defaults. results: an array for `count` results, returns owned, in
/// the order of the commands; NULL where a run could not be started. errors: an array for `count`
/// errors, returns owned; NULL where there is a result; may be NULL itself.
/// Errors: for the call as a whole `PM_ERROR_INVALID_ARGUMENT`, `PM_ERROR_FORKED`,
/// `PM_ERROR_CLOSED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_run_many(
    manager: *mut pm_manager,
    commands: *const *const pm_command,
    count: usize,
    parallel: usize,
    options: *const pm_run_options,
    results: *mut *mut pm_run_result,
    errors: *mut *mut pm_error,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (manager, commands, bounds, out) = unsafe {
            let manager = handle::borrow(manager, "manager")?;
            let commands = copies(commands, count)?;
            (manager, commands, self::options(options)?, handle::slots(results, count, "results")?)
        };
        let done = manager.core()?.run_many(commands, parallel, bounds)?;
        let (results, failures): (Vec<_>, Vec<_>) = done.into_iter().map(result).map(split).unzip();
        out.give_some(results.into_iter());
        // SAFETY: NULL or valid for `count` writes.
        unsafe { put_errors(errors, failures) };
        Ok(PM_OK)
    })
}

/// Why the run ended.
///
/// result: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_run_result_end(result: *const pm_run_result) -> pm_run_end {
    let complete = pm_run_end::PM_RUN_COMPLETE;
    // SAFETY: a handle or NULL.
    guard::value(complete, || unsafe { result.as_ref() }.map(|result| result.end))
}

/// The facts about the process; NULL for NULL. Valid until the result is freed, and not to be
/// freed itself.
///
/// result: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_run_result_info(result: *const pm_run_result) -> *const pm_info {
    // SAFETY: a handle or NULL.
    let info = || unsafe { result.as_ref() }.map(|result| std::ptr::from_ref(&result.info));
    guard::value(std::ptr::null(), info)
}

/// What the process wrote to standard output, where that was captured: a view, valid until the
/// result is freed.
///
/// result: borrows. bytes: written always, unless it is NULL. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_run_result_stdout(result: *const pm_run_result, bytes: *mut pm_bytes) {
    // SAFETY: a handle or NULL.
    let view = || unsafe { result.as_ref() }.map(|result| pm_bytes::view(&result.stdout));
    let view = guard::value(pm_bytes::EMPTY, view);
    // SAFETY: NULL or valid for a write.
    unsafe { handle::put_optional(bytes, view) };
}

/// What the process wrote to standard error, where that was captured apart: a view, valid until
/// the result is freed.
///
/// result: borrows. bytes: written always, unless it is NULL. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_run_result_stderr(result: *const pm_run_result, bytes: *mut pm_bytes) {
    // SAFETY: a handle or NULL.
    let view = || unsafe { result.as_ref() }.map(|result| pm_bytes::view(&result.stderr));
    let view = guard::value(pm_bytes::EMPTY, view);
    // SAFETY: NULL or valid for a write.
    unsafe { handle::put_optional(bytes, view) };
}

/// Bytes of output that came and are not in the result: beyond the limit of the run, or dropped
/// because this thread was held up (only if the command's output policy drops). 0 for NULL.
///
/// result: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_run_result_lost(result: *const pm_run_result) -> u64 {
    // SAFETY: a handle or NULL.
    guard::value(0, || unsafe { result.as_ref() }.map(|result| result.lost))
}

/// Frees a result. NULL is fine.
///
/// result: takes. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_run_result_free(result: *mut pm_run_result) {
    // SAFETY: a handle or NULL.
    guard::quiet(|| unsafe { handle::free(result) });
}
