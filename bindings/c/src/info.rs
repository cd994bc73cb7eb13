//! `pm_info` and `pm_info_list`: the facts about processes at one moment, as owned snapshots.

use std::ffi::{c_char, CString};

use core_api::ProcessInfo;

use crate::convert;
use crate::guard;
use crate::handle;
use crate::types::{pm_containment, pm_exit, pm_id, pm_state};

/// The facts about one process at one moment. Immutable; it does not follow the process.
pub struct pm_info {
    inner: ProcessInfo,
    name: CString,
    program: CString,
}

/// The facts about several processes at one moment, in the order of their starts.
pub struct pm_info_list {
    items: Vec<pm_info>,
}

impl From<ProcessInfo> for pm_info {
    fn from(inner: ProcessInfo) -> Self {
        let name = CString::new(inner.name.as_str()).unwrap_or_default();
        let program = CString::new(inner.program.as_str()).unwrap_or_default();
        Self { inner, name, program }
    }
}

impl From<Vec<ProcessInfo>> for pm_info_list {
    fn from(items: Vec<ProcessInfo>) -> Self {
        Self { items: items.into_iter().map(pm_info::from).collect() }
    }
}

/// Reads one fact; `answer` for NULL.
///
/// # Safety
/// `info` is a handle or NULL.
unsafe fn fact<T>(info: *const pm_info, answer: T, read: impl FnOnce(&pm_info) -> T) -> T {
    // SAFETY: as promised by the caller.
    guard::value(answer, || unsafe { info.as_ref() }.map(read))
}

/// The process's id; all zero for NULL.
///
/// info: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_info_id(info: *const pm_info) -> pm_id {
    // SAFETY: a handle or NULL.
    unsafe { fact(info, pm_id::default(), |info| info.inner.id.into()) }
}

/// The name that the caller gave the process, as UTF-8. Never NULL; "" for NULL. Valid until the
/// info is freed.
///
/// info: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_info_name(info: *const pm_info) -> *const c_char {
    // SAFETY: a handle or NULL.
    unsafe { fact(info, c"".as_ptr(), |info| info.name.as_ptr()) }
}

/// The program, as the caller named it. Never NULL; "" for NULL. Valid until the info is freed.
///
/// info: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_info_program(info: *const pm_info) -> *const c_char {
    // SAFETY: a handle or NULL.
    unsafe { fact(info, c"".as_ptr(), |info| info.program.as_ptr()) }
}

/// The process id of the system, 0 if there was none yet. After the end the number may belong to
/// somebody else.
///
/// info: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_info_pid(info: *const pm_info) -> u32 {
    // SAFETY: a handle or NULL.
    unsafe { fact(info, 0, |info| info.inner.pid.unwrap_or(0)) }
}

/// Where the process stands; `PM_STATE_UNKNOWN` for NULL.
///
/// info: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_info_state(info: *const pm_info) -> pm_state {
    // SAFETY: a handle or NULL.
    unsafe { fact(info, pm_state::PM_STATE_UNKNOWN, |info| info.inner.status.into()) }
}

/// How the process ended; of kind `PM_EXIT_NONE` while it has not, and for NULL.
///
/// info: borrows. exit: written always, unless it is NULL. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_info_exit(info: *const pm_info, exit: *mut pm_exit) {
    // SAFETY: a handle or NULL.
    let value = unsafe { fact(info, pm_exit::NONE, |info| info.inner.exit.into()) };
    // SAFETY: NULL or valid for a write.
    unsafe { handle::put_optional(exit, value) };
}

/// When the process was started, in nanoseconds since 1970 (UTC); 0 if it was not.
///
/// info: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_info_started_at(info: *const pm_info) -> i64 {
    // SAFETY: a handle or NULL.
    unsafe { fact(info, 0, |info| convert::nanoseconds(info.inner.started_at)) }
}

/// When the end of the process was seen, in nanoseconds since 1970 (UTC); 0 if it was not.
///
/// info: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_info_stopped_at(info: *const pm_info) -> i64 {
    // SAFETY: a handle or NULL.
    unsafe { fact(info, 0, |info| convert::nanoseconds(info.inner.stopped_at)) }
}

/// True if this library was asked to end the process.
///
/// info: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_info_is_stop_requested(info: *const pm_info) -> bool {
    // SAFETY: a handle or NULL.
    unsafe { fact(info, false, |info| info.inner.stop_requested) }
}

/// True if the process's own timeout ended it.
///
/// info: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_info_is_timed_out(info: *const pm_info) -> bool {
    // SAFETY: a handle or NULL.
    unsafe { fact(info, false, |info| info.inner.timed_out) }
}

/// How surely the descendants of the process are held.
///
/// info: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_info_containment(info: *const pm_info) -> pm_containment {
    let unknown = pm_containment::PM_CONTAINMENT_UNKNOWN;
    // SAFETY: a handle or NULL.
    unsafe { fact(info, unknown, |info| info.inner.containment.into()) }
}

/// CPU time in user mode that the ended process used, in microseconds; -1 if not known.
///
/// info: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_info_user_time(info: *const pm_info) -> i64 {
    let time = |info: &pm_info| info.inner.usage.map(|usage| usage.user_time.as_micros());
    // SAFETY: a handle or NULL.
    unsafe { fact(info, -1, |info| time(info).map_or(-1, |time| time as i64)) }
}

/// CPU time in the kernel that the ended process used, in microseconds; -1 if not known.
///
/// info: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_info_system_time(info: *const pm_info) -> i64 {
    let time = |info: &pm_info| info.inner.usage.map(|usage| usage.system_time.as_micros());
    // SAFETY: a handle or NULL.
    unsafe { fact(info, -1, |info| time(info).map_or(-1, |time| time as i64)) }
}

/// The most memory that the ended process had resident, in bytes; -1 if not known.
///
/// info: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_info_max_rss(info: *const pm_info) -> i64 {
    let size = |info: &pm_info| info.inner.usage.map(|usage| usage.max_rss);
    // SAFETY: a handle or NULL.
    unsafe { fact(info, -1, |info| size(info).map_or(-1, |size| size as i64)) }
}

/// Frees an info that the caller owns (not one from a list). NULL is fine.
///
/// info: takes. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_info_free(info: *mut pm_info) {
    // SAFETY: a handle or NULL.
    guard::quiet(|| unsafe { handle::free(info) });
}

/// The number of infos; 0 for NULL.
///
/// list: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_info_list_count(list: *const pm_info_list) -> usize {
    // SAFETY: a handle or NULL.
    guard::value(0, || unsafe { list.as_ref() }.map(|list| list.items.len()))
}

/// The info at `index`, valid until the list is freed, and not to be freed itself; NULL beyond
/// the last one.
///
/// list: borrows. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_info_list_get(
    list: *const pm_info_list,
    index: usize,
) -> *const pm_info {
    // SAFETY: a handle or NULL.
    let item = || unsafe { list.as_ref() }.and_then(|list| list.items.get(index));
    guard::value(std::ptr::null(), || item().map(std::ptr::from_ref))
}

/// Frees a list and its infos. NULL is fine.
///
/// list: takes. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_info_list_free(list: *mut pm_info_list) {
    // SAFETY: a handle or NULL.
    guard::quiet(|| unsafe { handle::free(list) });
}
