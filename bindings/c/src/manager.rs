//! `pm_manager`: many processes over one extractor.

use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use core_api::ProcessManager;

use crate::command::pm_command;
use crate::convert;
use crate::error::{pm_error, Failure};
use crate::extractor::pm_extractor;
use crate::guard;
use crate::handle::{self, Out};
use crate::hub::Hub;
use crate::info::{pm_info, pm_info_list};
use crate::process::pm_process;
use crate::status::pm_status::{self, PM_OK};
use crate::types::{pm_id, pm_stop_step};

/// A registry of processes over one extractor: it starts, lists, polls and stops them. A shared
/// handle. When the last owner frees it, every process that the program holds no pm_process of is
/// ended as its command says (by default its tree is killed).
pub struct pm_manager {
    hub: Arc<Hub>,
}

impl pm_manager {
    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(crate) fn core(&self) -> Result<ProcessManager, Failure> {
        self.hub.manager()
    }
}

impl Drop for pm_manager {
    fn drop(&mut self) {
        self.hub.close();
    }
}

/// Makes a manager. It costs nothing until the first process: no thread, no descriptor.
///
/// extractor: borrows; the manager becomes an owner of it. NULL: the manager gets one of its own,
/// which makes its directory when a binary is added.
/// manager: returns owned; free with pm_manager_free().
/// Errors: none but NULL arguments. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_new(
    extractor: *mut pm_extractor,
    manager: *mut *mut pm_manager,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (extractor, out) = unsafe { (extractor.as_ref(), Out::new(manager, "manager")?) };
        let extractor = extractor.map(pm_extractor::inner).transpose()?.unwrap_or_default();
        out.share(pm_manager { hub: Arc::new(Hub::new(ProcessManager::new(extractor))) });
        Ok(PM_OK)
    })
}

/// Adds an owner. NULL gives NULL. The result is `manager`, to be freed once more.
///
/// manager: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_ref(manager: *mut pm_manager) -> *mut pm_manager {
    // SAFETY: a shared handle or NULL.
    guard::value(ptr::null_mut(), || Some(unsafe { handle::add_owner(manager) }))
}

/// Gives up one owner's handle; the last one ends the processes, as said at pm_manager, and waits
/// for that for a bounded time. A poll on another thread returns and is waited for; in a callback
/// of the poll, the end comes when the poll returns. NULL is fine.
///
/// manager: takes. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_free(manager: *mut pm_manager) {
    // SAFETY: a shared handle or NULL.
    guard::quiet(|| unsafe { handle::drop_owner(manager) });
}

/// The manager's extractor: binaries can be added and replaced while processes run.
///
/// manager: borrows. extractor: returns owned; free with pm_extractor_free().
/// Errors: `PM_ERROR_CLOSED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_extractor(
    manager: *const pm_manager,
    extractor: *mut *mut pm_extractor,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (manager, out) =
            unsafe { (handle::borrow(manager, "manager")?, Out::new(extractor, "extractor")?) };
        out.share(pm_extractor::new(manager.core()?.extractor()));
        Ok(PM_OK)
    })
}

/// Starts a process, on this thread, and gives its handle.
///
/// manager: borrows. command: copies. process: returns owned; free with pm_process_free(), which
/// leaves the process to the manager.
/// Errors: `PM_ERROR_INVALID_ARGUMENT`, `PM_ERROR_BINARY_NOT_FOUND`, those of the start (-40 to
/// -47), `PM_ERROR_FORKED`; nothing is left of the attempt. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_start(
    manager: *mut pm_manager,
    command: *const pm_command,
    process: *mut *mut pm_process,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (manager, command, out) = unsafe {
            (
                handle::borrow(manager, "manager")?,
                handle::borrow(command, "command")?,
                Out::new(process, "process")?,
            )
        };
        let runner = manager.hub.start(|core| core.start(command.inner.clone()))?;
        out.share(pm_process::new(runner, Some(&manager.hub)));
        Ok(PM_OK)
    })
}

/// The handle of a process of the manager.
///
/// manager: borrows. process: returns owned; free with pm_process_free().
/// Errors: `PM_ERROR_PROCESS_NOT_FOUND`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_process(
    manager: *const pm_manager,
    id: pm_id,
    process: *mut *mut pm_process,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (manager, out) =
            unsafe { (handle::borrow(manager, "manager")?, Out::new(process, "process")?) };
        let runner = manager.core()?.runner(id.into());
        let runner = runner.ok_or(core_api::ProcessError::ProcessNotFound(id.into()))?;
        out.share(pm_process::new(runner, Some(&manager.hub)));
        Ok(PM_OK)
    })
}

/// The facts about a process of the manager.
///
/// manager: borrows. info: returns owned; free with pm_info_free().
/// Errors: `PM_ERROR_PROCESS_NOT_FOUND`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_info(
    manager: *const pm_manager,
    id: pm_id,
    info: *mut *mut pm_info,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (manager, out) =
            unsafe { (handle::borrow(manager, "manager")?, Out::new(info, "info")?) };
        let found = manager.core()?.get_process_info(id.into());
        let found = found.ok_or(core_api::ProcessError::ProcessNotFound(id.into()))?;
        out.give(pm_info::from(found));
        Ok(PM_OK)
    })
}

/// The facts about all processes of the manager, or about those that run.
///
/// manager: borrows. list: returns owned; free with pm_info_list_free().
/// Errors: `PM_ERROR_FORKED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_list(
    manager: *const pm_manager,
    only_running: bool,
    list: *mut *mut pm_info_list,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (manager, out) =
            unsafe { (handle::borrow(manager, "manager")?, Out::new(list, "list")?) };
        let core = manager.core()?;
        let infos = if only_running { core.get_running_processes() } else { core.list_processes() };
        out.give(pm_info_list::from(infos));
        Ok(PM_OK)
    })
}

/// The number of processes that the manager knows, running or ended; 0 for NULL and in a
/// forked copy.
///
/// manager: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_count(manager: *const pm_manager) -> usize {
    // SAFETY: a shared handle or NULL.
    let core = || unsafe { manager.as_ref() }.and_then(|manager| manager.core().ok());
    guard::value(0, || core().map(|core| core.get_process_count()))
}

/// The number of processes of the manager that run; 0 for NULL and in a forked copy.
///
/// manager: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_running_count(manager: *const pm_manager) -> usize {
    // SAFETY: a shared handle or NULL.
    let core = || unsafe { manager.as_ref() }.and_then(|manager| manager.core().ok());
    guard::value(0, || core().map(|core| core.get_running_count()))
}

/// Stops a process and its descendants and waits until they are gone: each step's signal, then its
/// grace, then SIGKILL. One that has ended already is success.
///
/// manager: borrows. steps: borrows; `count` of them, none: the steps of its command, or
/// SIGTERM and 5 s.
/// Errors: `PM_ERROR_PROCESS_NOT_FOUND`; `PM_ERROR_STOP_FAILED` when something is left five seconds
/// after the last step; `PM_ERROR_FORKED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_stop(
    manager: *mut pm_manager,
    id: pm_id,
    steps: *const pm_stop_step,
    count: usize,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (manager, ladder) =
            unsafe { (handle::borrow(manager, "manager")?, convert::ladder(steps, count)?) };
        manager.core()?.stop_process_blocking(id.into(), ladder)?;
        Ok(PM_OK)
    })
}

/// Stops all processes of the manager: every tree is signalled first, then all share one deadline.
///
/// manager: borrows. steps, count: as for pm_manager_stop(); none: each process's own.
/// Errors: `PM_ERROR_STOP_FAILED` with those that are left; `PM_ERROR_FORKED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_stop_all(
    manager: *mut pm_manager,
    steps: *const pm_stop_step,
    count: usize,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (manager, ladder) =
            unsafe { (handle::borrow(manager, "manager")?, convert::ladder(steps, count)?) };
        manager.core()?.stop_all_blocking(ladder)?;
        Ok(PM_OK)
    })
}

/// Kills the tree of a process, waits until it is gone (at most five seconds) and removes it from
/// the manager.
///
/// manager: borrows.
/// Errors: `PM_ERROR_PROCESS_NOT_FOUND`; `PM_ERROR_STOP_FAILED`, and it is not removed then;
/// `PM_ERROR_FORKED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_kill(
    manager: *mut pm_manager,
    id: pm_id,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        unsafe { handle::borrow(manager, "manager")? }.core()?.kill_process(id.into())?;
        Ok(PM_OK)
    })
}

/// Takes a process, running or not, out of the manager without ending it: what becomes of it is
/// the affair of its handles from now on.
///
/// manager: borrows. process: returns owned; free with pm_process_free().
/// Errors: `PM_ERROR_PROCESS_NOT_FOUND`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_take(
    manager: *mut pm_manager,
    id: pm_id,
    process: *mut *mut pm_process,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (manager, out) =
            unsafe { (handle::borrow(manager, "manager")?, Out::new(process, "process")?) };
        let runner = manager.core()?.take_process(id.into())?;
        out.share(pm_process::new(runner, Some(&manager.hub)));
        Ok(PM_OK)
    })
}

/// Ends all processes as letting go of the last handle would, whoever still has handles of them,
/// and waits for those that are killed: for the end of a program.
///
/// manager: borrows. wait_ms: how long to wait at most.
/// Errors: `PM_ERROR_CLOSED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_end_all(
    manager: *mut pm_manager,
    wait_ms: u32,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let manager = unsafe { handle::borrow(manager, "manager")? };
        manager.core()?.end_all(Duration::from_millis(wait_ms.into()));
        Ok(PM_OK)
    })
}

/// Removes a process that has ended from the manager.
///
/// manager: borrows.
/// Errors: `PM_ERROR_PROCESS_NOT_FOUND`; `PM_ERROR_INVALID_ARGUMENT` while it runs. Threads: any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_remove(
    manager: *mut pm_manager,
    id: pm_id,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        unsafe { handle::borrow(manager, "manager")? }.core()?.remove_process(id.into())?;
        Ok(PM_OK)
    })
}

/// Sets how many ended processes the manager remembers; beyond that the oldest go. 1024 if never
/// set.
///
/// manager: borrows. Errors: none but NULL arguments. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_set_retention(
    manager: *mut pm_manager,
    count: usize,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        unsafe { handle::borrow(manager, "manager")? }.core()?.set_retention(count);
        Ok(PM_OK)
    })
}
