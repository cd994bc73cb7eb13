//! The child's life between clone and exec: one body for all clone modes.
//!
//! It runs on the starting thread's behalf, in a vfork-style child inside the host's memory while
//! other threads of the host run on. Hence: system calls through `raw` only; no allocation, lock,
//! log, panic, libc call or thread-local; it writes to nothing but its plan, its own stack and
//! the report. All signals stay blocked until the last step, so that no handler of the host runs
//! here.
//!
//! The order matters: a table of its own first, for until then the host's is what would change;
//! then the control group, while the child still has the host's rights;
//! limits after the descriptors, which a small RLIMIT_NOFILE would forbid; raising them before
//! the user changes; the working directory after that, so that the child's own rights decide.

#![allow(unsafe_code)]

use core::ffi::c_void;
use std::os::fd::RawFd;

use super::descriptors;
use super::identity;
use super::mask::exchange_mask;
use super::plan::{encode, Failure, Plan, Report};
use super::raw::{syscall, Errno};
use crate::command::{GroupMode, Rlimit};
use crate::error::StartStep;

/// What the child gets besides its plan.
pub(super) struct Child<'a, 'p> {
    /// What to do.
    pub(super) plan: &'a Plan<'p>,
    /// Where to report, if memory is shared.
    pub(super) report: &'a Report,
    /// Where to report otherwise: a pipe that exec closes; -1 for none.
    pub(super) error_fd: RawFd,
    /// The control group that it has to enter itself.
    pub(super) cgroup: Option<RawFd>,
    /// It has the host's own table of descriptors and needs none from this number on.
    pub(super) shares_up_to: Option<RawFd>,
}

/// The child's entry.
///
/// # Safety
/// `child` points to a [`Child`] that nobody else uses until this process has become its program
/// or has ended. Called by `clone` only.
pub(super) unsafe extern "C" fn run(child: *mut c_void) -> ! {
    // SAFETY: the caller passes a live `Child`, and its thread is suspended (or has a copy).
    let child = unsafe { &mut *child.cast::<Child<'_, '_>>() };
    child.report.begin();
    // SAFETY: this is the child.
    let failure = unsafe { become_program(child) };
    child.report.set(failure);
    // SAFETY: this is the child.
    unsafe { send(child.error_fd, failure) };
    // SAFETY: ends this process only.
    unsafe { exit() }
}

/// Ends the child. The code is seen by nobody: the parent knows that the start failed.
///
/// # Safety
/// To be called in the child only.
pub(super) unsafe fn exit() -> ! {
    loop {
        // SAFETY: no memory is involved.
        let _ = unsafe { syscall!(SYS_exit_group, 127) };
    }
}

unsafe fn send(error_fd: RawFd, failure: Failure) {
    let wire = encode(failure);
    let size = core::mem::size_of_val(&wire);
    // One write below PIPE_BUF into an empty pipe: it is whole or not there.
    // SAFETY: the words live on this stack; descriptor -1 is refused by the kernel.
    let _ = unsafe { syscall!(SYS_write, error_fd, &raw const wire, size) };
}

/// Returns only if a step failed.
unsafe fn become_program(child: &mut Child<'_, '_>) -> Failure {
    // SAFETY: this is the child, so only its own attributes are changed.
    unsafe {
        match prepare(child) {
            Ok(exec_fd) => execute(child.plan, exec_fd),
            Err(failure) => failure,
        }
    }
}

/// Everything up to exec. Returns the number that the descriptor to execute now has.
unsafe fn prepare(child: &mut Child<'_, '_>) -> Result<RawFd, Failure> {
    // SAFETY: this is the child; what is changed is this process's own.
    unsafe {
        own_table(child.shares_up_to)?;
        enter_cgroup(child.cgroup)?;
        step(StartStep::Signals, reset_dispositions())?;
        enter_group(child.plan.command.group)?;
        let placed = descriptors::place(child.plan, child.error_fd)?;
        child.error_fd = placed.error_fd;
        set_numbers(child.plan)?;
        identity::assume(&child.plan.command.user)?;
        change_directory(child.plan)?;
        exchange_mask(0);
        Ok(placed.exec_fd)
    }
}

#[inline(always)]
pub(super) fn step<T>(step: StartStep, result: Result<T, Errno>) -> Result<T, Failure> {
    match result {
        Ok(value) => Ok(value),
        Err(errno) => Err(Failure::new(step, errno)),
    }
}

/// Copies the part of the host's table that it needs, and leaves the host's.
unsafe fn own_table(shares_up_to: Option<RawFd>) -> Result<(), Failure> {
    let Some(first) = shares_up_to else { return Ok(()) };
    let flags = libc::CLOSE_RANGE_UNSHARE;
    // SAFETY: no memory is involved.
    let copied = unsafe { syscall!(SYS_close_range, first, u32::MAX, flags) };
    copied.map(drop).map_err(super::low::table_refused)
}

/// Where clone3 could not place the child: it moves itself.
unsafe fn enter_cgroup(cgroup: Option<RawFd>) -> Result<(), Failure> {
    let Some(directory) = cgroup else { return Ok(()) };
    let flags = libc::O_WRONLY | libc::O_CLOEXEC;
    // SAFETY: the name and the text are static.
    let written = unsafe {
        syscall!(SYS_openat, directory, c"cgroup.procs".as_ptr(), flags)
            .and_then(|file| syscall!(SYS_write, file, c"0".as_ptr(), 1))
    };
    step(StartStep::Contain, written).map(|_| ())
}

/// The kernel's struct sigaction: all zero is SIG_DFL without flags.
type KernelSigaction = [u64; 4];

/// exec resets handlers but keeps what is ignored (SIGPIPE in Rust and Python hosts), so all are
/// set: asking first would cost as much. Numbers 32 and 33 are libc's own and included.
unsafe fn reset_dispositions() -> Result<(), Errno> {
    let default: KernelSigaction = [0; 4];
    for signal in 1..=64 {
        if signal == libc::SIGKILL || signal == libc::SIGSTOP {
            continue;
        }
        let none = core::ptr::null::<u8>();
        let size = super::mask::SIGSET_SIZE;
        // SAFETY: the new action lives on this stack, the old one is not wanted.
        unsafe { syscall!(SYS_rt_sigaction, signal, &raw const default, none, size)? };
    }
    Ok(())
}

unsafe fn enter_group(group: GroupMode) -> Result<(), Failure> {
    // SAFETY: no memory is involved.
    let entered = unsafe {
        match group {
            GroupMode::Own => step(StartStep::Group, syscall!(SYS_setpgid, 0, 0)),
            GroupMode::Session => step(StartStep::Session, syscall!(SYS_setsid)),
            GroupMode::Host => Ok(0),
        }
    };
    entered.map(drop)
}

unsafe fn set_numbers(plan: &Plan<'_>) -> Result<(), Failure> {
    let command = plan.command;
    for limit in &command.rlimits {
        // SAFETY: this is the child.
        unsafe { set_limit(limit)? };
    }
    if let Some(nice) = command.nice {
        // SAFETY: no memory is involved.
        let result = unsafe { syscall!(SYS_setpriority, libc::PRIO_PROCESS, 0, nice) };
        step(StartStep::Nice, result)?;
    }
    if let Some(affinity) = &command.affinity {
        let (size, words) = (affinity.words.len().wrapping_mul(8), affinity.words.as_ptr());
        // SAFETY: the words are alive and of that size.
        step(StartStep::Affinity, unsafe { syscall!(SYS_sched_setaffinity, 0, size, words) })?;
    }
    if let Some(umask) = command.umask {
        // SAFETY: no memory is involved, and the call cannot fail.
        let _ = unsafe { syscall!(SYS_umask, umask) };
    }
    Ok(())
}

unsafe fn set_limit(limit: &Rlimit) -> Result<(), Failure> {
    let value = [limit.soft, limit.hard];
    let old = core::ptr::null::<u8>();
    // SAFETY: the new values live on this stack in the kernel's layout (struct rlimit64).
    let result = unsafe { syscall!(SYS_prlimit64, 0, limit.resource, &raw const value, old) };
    let detail = limit.resource;
    result.map(drop).map_err(|errno| Failure { step: StartStep::Rlimit, errno, detail })
}

unsafe fn change_directory(plan: &Plan<'_>) -> Result<(), Failure> {
    let Some(directory) = plan.cwd else { return Ok(()) };
    // SAFETY: a NUL-terminated string that outlives the call.
    step(StartStep::Chdir, unsafe { syscall!(SYS_chdir, directory.as_ptr()) }).map(drop)
}

/// Tries each candidate, as execvp(3) does: a file that may not be executed is remembered, and
/// reported unless a later candidate succeeds or fails in a way of its own.
unsafe fn execute(plan: &Plan<'_>, exec_fd: RawFd) -> Failure {
    let (argv, envp) = (plan.argv.as_ptr(), plan.envp.as_ptr());
    if plan.exec_fd.is_some() {
        let (path, flags) = (c"".as_ptr(), libc::AT_EMPTY_PATH);
        // SAFETY: all strings outlive the call, which does not return on success.
        let result = unsafe { syscall!(SYS_execveat, exec_fd, path, argv, envp, flags) };
        return Failure::new(StartStep::Exec, result.err().unwrap_or(0));
    }
    let mut failure = Failure::new(StartStep::Exec, libc::ENOENT);
    for (index, path) in plan.candidates.pointers().enumerate() {
        // SAFETY: as above.
        let errno = unsafe { syscall!(SYS_execve, path, argv, envp) }.err().unwrap_or(0);
        let this = Failure { step: StartStep::Exec, errno, detail: index as u32 };
        match errno {
            libc::ENOENT | libc::ENOTDIR | libc::ENAMETOOLONG | libc::EACCES => {}
            _ => return this,
        }
        if failure.errno != libc::EACCES {
            failure = this;
        }
    }
    failure
}
