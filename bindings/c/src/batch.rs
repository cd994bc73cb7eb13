//! Starting many processes in one call.

use core_api::{support, Command};

use crate::command::pm_command;
use crate::convert;
use crate::error::{pm_error, Failure};
use crate::guard;
use crate::handle;
use crate::manager::pm_manager;
use crate::process::pm_process;
use crate::status::pm_status::{self, PM_OK};

/// Copies the commands of an array.
///
/// # Safety
/// `commands` is NULL, or valid for reads of `count` pointers, each NULL or a handle.
pub(crate) unsafe fn copies(
    commands: *const *const pm_command,
    count: usize,
) -> Result<Vec<Command>, Failure> {
    // SAFETY: as promised by the caller.
    let commands = unsafe { convert::items(commands, count, "commands")? };
    let copy = |(at, command): (usize, &*const pm_command)| {
        // SAFETY: as promised by the caller.
        let command = unsafe { handle::borrow(*command, &format!("commands[{at}]"))? };
        Ok(command.inner.clone())
    };
    commands.iter().enumerate().map(copy).collect()
}

/// Starts all of the commands or none: the first failure ends those that were started.
///
/// manager: borrows. commands: copies; `count` of them. processes: an array for `count` handles,
/// returns owned, each to be freed with pm_process_free().
/// Errors: as pm_manager_start(), for the first that fails. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_start_all(
    manager: *mut pm_manager,
    commands: *const *const pm_command,
    count: usize,
    processes: *mut *mut pm_process,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (manager, commands, out) = unsafe {
            let manager = handle::borrow(manager, "manager")?;
            (manager, copies(commands, count)?, handle::slots(processes, count, "processes")?)
        };
        let runners = manager.hub().start_all(|core| support::start_together(core, commands))?;
        out.share(runners.into_iter().map(|one| pm_process::new(one, Some(manager.hub()))));
        Ok(PM_OK)
    })
}

/// Starts each of the commands, whatever happens to the others.
///
/// manager: borrows. commands: copies; `count` of them. processes: an array for `count` handles,
/// returns owned; NULL where a start failed. errors: an array for `count` errors, returns owned;
/// NULL where a start succeeded; may be NULL itself.
/// Errors: for the call as a whole none but NULL arguments and `PM_ERROR_CLOSED`. Threads: any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_start_each(
    manager: *mut pm_manager,
    commands: *const *const pm_command,
    count: usize,
    processes: *mut *mut pm_process,
    errors: *mut *mut pm_error,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (manager, commands, out) = unsafe {
            let manager = handle::borrow(manager, "manager")?;
            (manager, copies(commands, count)?, handle::slots(processes, count, "processes")?)
        };
        manager.core()?;
        let started = commands.into_iter().map(|one| manager.hub().start(|core| core.start(one)));
        let (runners, failures): (Vec<_>, Vec<_>) = started.map(split).unzip();
        out.share_some(
            runners.into_iter().map(|it| it.map(|it| pm_process::new(it, Some(manager.hub())))),
        );
        // SAFETY: NULL or valid for `count` writes.
        unsafe { put_errors(errors, failures) };
        Ok(PM_OK)
    })
}

/// Hands the errors of several to C, where it wants them.
///
/// # Safety
/// `errors` is NULL, or valid for as many writes as there are failures.
pub(crate) unsafe fn put_errors(errors: *mut *mut pm_error, failures: Vec<Option<pm_error>>) {
    // SAFETY: as promised by the caller.
    if let Ok(out) = unsafe { handle::slots(errors, failures.len(), "errors") } {
        out.give_some(failures.into_iter());
    }
}

pub(crate) fn split<T>(result: Result<T, Failure>) -> (Option<T>, Option<pm_error>) {
    match result {
        Ok(value) => (Some(value), None),
        Err(failure) => (None, Some(failure.into_error())),
    }
}

/// Starts a pipeline, all of it or nothing: the standard output of each command but the last goes
/// to the standard input of the next. The first one's input, the last one's output and every
/// standard error are as the commands say.
///
/// manager: borrows. commands: copies; `count` of them, at least one. processes: an array for
/// `count` handles, returns owned, each to be freed with pm_process_free().
/// Errors: as pm_manager_start(), for the first that fails. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_start_pipeline(
    manager: *mut pm_manager,
    commands: *const *const pm_command,
    count: usize,
    processes: *mut *mut pm_process,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (manager, commands, out) = unsafe {
            let manager = handle::borrow(manager, "manager")?;
            (manager, copies(commands, count)?, handle::slots(processes, count, "processes")?)
        };
        let start = |core: &core_api::ProcessManager| core.start_pipeline(commands);
        let runners = manager.hub().start_all(|core| Ok(start(core)?.runners().to_vec()))?;
        out.share(runners.into_iter().map(|one| pm_process::new(one, Some(manager.hub()))));
        Ok(PM_OK)
    })
}
