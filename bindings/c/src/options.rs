//! What a `pm_command` says of the child itself: its group, limits and identity.

use core_api::{Affinity, GroupMode};

use crate::command::{pm_command, set};
use crate::convert::{self, inbound};
use crate::error::pm_error;
use crate::status::pm_status;

/// Which process group and session a child gets.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum pm_group {
    /// A process group of its own. The default.
    PM_GROUP_OWN = 0,
    /// A session of its own, and with it a group; no controlling terminal.
    PM_GROUP_SESSION = 1,
    /// The host's group: terminal signals reach it, and stopping reaches the process only.
    PM_GROUP_HOST = 2,
}

inbound!(pm_group: PM_GROUP_OWN, PM_GROUP_SESSION, PM_GROUP_HOST);

/// Sets which process group and session the child gets.
///
/// command: borrows. group: one of pm_group. Errors: `PM_ERROR_INVALID_ARGUMENT`. Threads: one at a
/// time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_group(
    command: *mut pm_command,
    group: u32,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        let group = match pm_group::check(group, "group")? {
            pm_group::PM_GROUP_OWN => GroupMode::Own,
            pm_group::PM_GROUP_SESSION => GroupMode::Session,
            pm_group::PM_GROUP_HOST => GroupMode::Host,
        };
        command.change(|inner| inner.group(group));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Sets a resource limit: an `RLIMIT_` number, the soft and the hard value; `UINT64_MAX` is unlimited.
///
/// command: borrows. Errors: none but NULL arguments. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_add_rlimit(
    command: *mut pm_command,
    resource: u32,
    soft: u64,
    hard: u64,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        command.change(|inner| inner.rlimit(resource, soft, hard));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Sets the child's nice value, -20 (favoured) to 19; the start refuses others.
///
/// command: borrows. Errors: none but NULL arguments. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_nice(
    command: *mut pm_command,
    nice: i32,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        command.change(|inner| inner.nice(nice));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Sets the child's file mode creation mask, 0 to 0777; the start refuses others.
///
/// command: borrows. Errors: none but NULL arguments. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_umask(
    command: *mut pm_command,
    umask: u32,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        command.change(|inner| inner.umask(umask));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Sets the CPUs that the child may use.
///
/// command: borrows. cpus: copies; `count` numbers, from 0. Errors: none but NULL arguments.
/// Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_cpus(
    command: *mut pm_command,
    cpus: *const u32,
    count: usize,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        // SAFETY: as the crate's documentation says of arguments.
        let cpus = unsafe { convert::items(cpus, count, "cpus")? };
        let affinity = Affinity::cpus(cpus.iter().map(|cpu| *cpu as usize));
        command.change(|inner| inner.affinity(affinity));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Sets the user that the child runs as. Needs privileges.
///
/// command: borrows. Errors: none but NULL arguments. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_uid(
    command: *mut pm_command,
    uid: u32,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        command.user.uid = Some(uid);
        command.apply_user();
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Sets the group that the child runs as. Needs privileges.
///
/// command: borrows. Errors: none but NULL arguments. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_gid(
    command: *mut pm_command,
    gid: u32,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        command.user.gid = Some(gid);
        command.apply_user();
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Sets the supplementary groups of the child; with a user and without this call it has none.
///
/// command: borrows. gids: copies; `count` of them. Errors: none but NULL arguments. Threads: one
/// at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_groups(
    command: *mut pm_command,
    gids: *const u32,
    count: usize,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        // SAFETY: as the crate's documentation says of arguments.
        let gids = unsafe { convert::items(gids, count, "gids")? };
        command.user.groups = Some(gids.to_vec());
        command.apply_user();
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}
