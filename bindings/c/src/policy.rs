//! What a `pm_command` says of a process's life: its end, its output, its descendants.

use std::time::Duration;

use core_api::{Containment, Descendants, DropPolicy, OutputOptions, OutputPolicy};

use crate::command::{pm_command, set};
use crate::convert::{self, inbound};
use crate::error::{pm_error, Failure};
use crate::sized::{self, Plain};
use crate::status::pm_status;
use crate::types::{pm_containment, pm_stop_step};

/// What happens when the output that is kept for readers reaches its limit.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum pm_output_policy {
    /// As `PM_OUTPUT_BLOCK` while somebody is reading, as `PM_OUTPUT_DROP_OLDEST` else. The default.
    PM_OUTPUT_AUTO = 0,
    /// The child waits until a reader has made room.
    PM_OUTPUT_BLOCK = 1,
    /// The oldest output goes, counted in a gap record.
    PM_OUTPUT_DROP_OLDEST = 2,
    /// The tree is killed.
    PM_OUTPUT_KILL = 3,
}

/// What letting go of the last handle of a running process does.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum pm_on_drop {
    /// The tree is killed. The default.
    PM_ON_DROP_KILL = 0,
    /// The process runs on, unwatched.
    PM_ON_DROP_DETACH = 1,
}

/// What happens to descendants that outlive the process itself.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum pm_descendants {
    /// They are ended. The default.
    PM_DESCENDANTS_END = 0,
    /// They are left alone.
    PM_DESCENDANTS_LEAVE = 1,
}

/// How captured output is kept. Begin with `PM_OUTPUT_OPTIONS_INIT`; 0 means the default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct pm_output_options {
    /// The size of this struct: fields may be added at its end.
    pub struct_size: usize,
    /// Bytes of output kept for readers, per process, at least 4096. Default 1 MiB.
    pub limit: usize,
    /// The longest line in bytes; a longer one comes in parts. Default 1 MiB.
    pub max_line: usize,
    /// One of pm_output_policy: what happens at the limit.
    pub policy: u32,
    /// After the end of the process, how long a silent pipe that a stranger still holds is waited
    /// for, in milliseconds. Default 1000.
    pub drain_ms: u32,
}

// SAFETY: integers, the first of them the size.
unsafe impl Plain for pm_output_options {}

inbound!(pm_output_policy:
    PM_OUTPUT_AUTO, PM_OUTPUT_BLOCK, PM_OUTPUT_DROP_OLDEST, PM_OUTPUT_KILL);

inbound!(pm_on_drop: PM_ON_DROP_KILL, PM_ON_DROP_DETACH);

inbound!(pm_descendants: PM_DESCENDANTS_END, PM_DESCENDANTS_LEAVE);

inbound!(pm_containment:
    PM_CONTAINMENT_UNKNOWN, PM_CONTAINMENT_PROCESS, PM_CONTAINMENT_GROUP, PM_CONTAINMENT_GUARD,
    PM_CONTAINMENT_CGROUP, PM_CONTAINMENT_PIDNS);

/// Stops the process by its steps when it has run this long; it then counts as failed.
///
/// command: borrows. Errors: none but NULL arguments. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_timeout(
    command: *mut pm_command,
    timeout_ms: u64,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        command.change(|inner| inner.timeout(Duration::from_millis(timeout_ms)));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Sets how the process is stopped: each step's signal, then its grace; SIGKILL follows by itself. With
/// no steps it is killed at once. If never set: SIGTERM, 5 s, SIGKILL.
///
/// command: borrows. steps: copies; `count` of them. Errors: `PM_ERROR_INVALID_ARGUMENT`. Threads:
/// one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_stop(
    command: *mut pm_command,
    steps: *const pm_stop_step,
    count: usize,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        // SAFETY: as the crate's documentation says of arguments.
        let ladder = unsafe { convert::ladder(steps, count)? };
        let ladder = ladder.unwrap_or_else(core_api::StopLadder::kill);
        command.change(|inner| inner.stop_ladder(ladder));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Sets how captured output is kept.
///
/// command: borrows. options: copies; NULL: all defaults. Errors: `PM_ERROR_INVALID_ARGUMENT`.
/// Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_output(
    command: *mut pm_command,
    options: *const pm_output_options,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        // SAFETY: as the crate's documentation says of arguments.
        let options = unsafe { sized::copy_in(options, "options")? };
        let options = output_options(options)?;
        command.change(|inner| inner.output(options));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Sets what letting go of the last handle of the running process does.
///
/// command: borrows. policy: one of pm_on_drop. Errors: `PM_ERROR_INVALID_ARGUMENT`. Threads: one
/// at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_on_drop(
    command: *mut pm_command,
    policy: u32,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        let policy = match pm_on_drop::check(policy, "policy")? {
            pm_on_drop::PM_ON_DROP_KILL => DropPolicy::Kill,
            pm_on_drop::PM_ON_DROP_DETACH => DropPolicy::Detach,
        };
        command.change(|inner| inner.on_drop(policy));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Sets what happens to descendants that outlive the process itself.
///
/// command: borrows. descendants: one of pm_descendants. Errors: `PM_ERROR_INVALID_ARGUMENT`.
/// Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_descendants(
    command: *mut pm_command,
    descendants: u32,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        let descendants = match pm_descendants::check(descendants, "descendants")? {
            pm_descendants::PM_DESCENDANTS_END => Descendants::End,
            pm_descendants::PM_DESCENDANTS_LEAVE => Descendants::Leave,
        };
        command.change(|inner| inner.descendants(descendants));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

/// Demands a level of containment: the start fails with `PM_ERROR_UNSUPPORTED` where it cannot be had.
///
/// command: borrows. level: one of pm_containment, from `PM_CONTAINMENT_PROCESS`. Errors:
/// `PM_ERROR_INVALID_ARGUMENT`. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_command_set_containment(
    command: *mut pm_command,
    level: u32,
    error: *mut *mut pm_error,
) -> pm_status {
    let body = |command: &mut pm_command| {
        let level = containment(pm_containment::check(level, "level")?)?;
        command.change(|inner| inner.containment(level));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

fn containment(level: pm_containment) -> Result<Containment, Failure> {
    match level {
        pm_containment::PM_CONTAINMENT_UNKNOWN => {
            Err(Failure::invalid("level", "unknown is not a level"))
        }
        pm_containment::PM_CONTAINMENT_PROCESS => Ok(Containment::Process),
        pm_containment::PM_CONTAINMENT_GROUP => Ok(Containment::Group),
        pm_containment::PM_CONTAINMENT_GUARD => Ok(Containment::Guard),
        pm_containment::PM_CONTAINMENT_CGROUP => Ok(Containment::Cgroup),
        pm_containment::PM_CONTAINMENT_PIDNS => Ok(Containment::PidNamespace),
    }
}

/// Takes every field apart, so that a new one cannot be forgotten here.
fn output_options(options: pm_output_options) -> Result<OutputOptions, Failure> {
    let pm_output_options { struct_size: _, limit, max_line, policy, drain_ms } = options;
    let default = OutputOptions::default();
    let or = |value: usize, default: usize| if value == 0 { default } else { value };
    let drain = match drain_ms {
        0 => default.drain,
        ms => Duration::from_millis(ms.into()),
    };
    let policy = match pm_output_policy::check(policy, "options.policy")? {
        pm_output_policy::PM_OUTPUT_AUTO => OutputPolicy::Auto,
        pm_output_policy::PM_OUTPUT_BLOCK => OutputPolicy::Block,
        pm_output_policy::PM_OUTPUT_DROP_OLDEST => OutputPolicy::DropOldest,
        pm_output_policy::PM_OUTPUT_KILL => OutputPolicy::Kill,
    };
    let (limit, max_line) = (or(limit, default.limit), or(max_line, default.max_line));
    Ok(OutputOptions { limit, policy, max_line, drain })
}
