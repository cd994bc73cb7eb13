//! The rest of what a `pm_command` can say: standard streams, limits, identity, stopping, output.

use std::ffi::c_char;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use core_api::{
    Affinity, Containment, Descendants, DropPolicy, GroupMode, OutputOptions, OutputPolicy, Stdin,
    Stdout,
};

use crate::command::{pm_command, set};
use crate::convert::{self, inbound};
use crate::error::{pm_error, Failure};
use crate::sized::{self, Plain};
use crate::status::pm_status;
use crate::types::{pm_containment, pm_stop_step};

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

inbound!(pm_stream: PM_STDIN, PM_STDOUT, PM_STDERR);
inbound!(pm_stdio: PM_STDIO_NULL, PM_STDIO_PIPE, PM_STDIO_INHERIT, PM_STDIO_MERGE);
inbound!(pm_group: PM_GROUP_OWN, PM_GROUP_SESSION, PM_GROUP_HOST);
inbound!(pm_output_policy:
    PM_OUTPUT_AUTO, PM_OUTPUT_BLOCK, PM_OUTPUT_DROP_OLDEST, PM_OUTPUT_KILL);
inbound!(pm_on_drop: PM_ON_DROP_KILL, PM_ON_DROP_DETACH);
inbound!(pm_descendants: PM_DESCENDANTS_END, PM_DESCENDANTS_LEAVE);
inbound!(pm_containment:
    PM_CONTAINMENT_UNKNOWN, PM_CONTAINMENT_PROCESS, PM_CONTAINMENT_GROUP, PM_CONTAINMENT_GUARD,
    PM_CONTAINMENT_CGROUP);

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

/// A duplicate of a descriptor of the host, so that the host may close its own.
///
/// # Safety
/// The host does not close the descriptor during the call.
unsafe fn duplicate(fd: i32) -> Result<OwnedFd, Failure> {
    if fd < 0 {
        return Err(Failure::invalid("fd", format!("{fd} is not a descriptor")));
    }
    // SAFETY: not negative; a closed one only makes the duplication fail.
    let host = unsafe { BorrowedFd::borrow_raw(fd) };
    host.try_clone_to_owned().map_err(|error| Failure::invalid("fd", error))
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
        let fd = Arc::new(unsafe { duplicate(fd)? });
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
        let fd = unsafe { duplicate(fd)? };
        command.change(|inner| inner.extra_fd(fd, target));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
}

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
        let level = match pm_containment::check(level, "level")? {
            pm_containment::PM_CONTAINMENT_UNKNOWN => {
                return Err(Failure::invalid("level", "unknown is not a level"));
            }
            pm_containment::PM_CONTAINMENT_PROCESS => Containment::Process,
            pm_containment::PM_CONTAINMENT_GROUP => Containment::Group,
            pm_containment::PM_CONTAINMENT_GUARD => Containment::Guard,
            pm_containment::PM_CONTAINMENT_CGROUP => Containment::Cgroup,
        };
        command.change(|inner| inner.containment(level));
        Ok(())
    };
    // SAFETY: a handle or NULL.
    unsafe { set(command, error, body) }
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
