//! The three ways to make a child, all of which enter it through one function that never returns.
//!
//! The child is made with exit signal 0, which execve(2) turns into SIGCHLD. So a child that
//! fails before its program runs is invisible to the host: no SIGCHLD is sent for it, and the
//! host's `waitpid(-1)` does not find it. Called by `launch` and `probe` on the starting thread,
//! with all signals blocked.

#![allow(unsafe_code)]

use core::arch::asm;
use core::ffi::c_void;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use super::raw::{decode, Errno};
use super::stack::Stack;

/// What the child runs: on the given stack (or a copy of the parent's), never returning.
pub(super) type Entry = unsafe extern "C" fn(*mut c_void) -> !;

/// A new child as its parent knows it.
pub(crate) struct Launched {
    /// Its process id.
    pub(crate) pid: i32,
    /// Refers to exactly this process, also after its number was given to another.
    pub(crate) pidfd: OwnedFd,
    /// What the child wrote into the host's memory was there when the clone returned.
    pub(crate) is_shared: bool,
}

/// Memory and the wait shared, as with vfork(2): nothing of the host is copied.
const VFORK: u64 = (libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD) as u64;

/// CLONE_INTO_CGROUP, whose constant in libc overflows.
const INTO_CGROUP: u64 = 1 << 33;

/// clone3(2), with the child placed into `cgroup` where one is given, and with `flags` of its own
/// beside those of vfork.
///
/// # Safety
/// `entry` must be safe to run with `argument` while the calling thread is suspended, and must
/// touch nothing that another thread uses.
pub(super) unsafe fn clone3(
    stack: &Stack,
    cgroup: Option<RawFd>,
    flags: libc::c_int,
    entry: Entry,
    argument: *mut c_void,
) -> Result<Launched, Errno> {
    let mut pidfd: RawFd = -1;
    // SAFETY: all-zero is a valid clone_args: no address, no descriptor, no flag.
    let mut args: libc::clone_args = unsafe { core::mem::zeroed() };
    args.flags = VFORK | flags as u64;
    args.pidfd = (&raw mut pidfd) as u64;
    args.stack = stack.lowest() as u64;
    args.stack_size = stack.size() as u64;
    if let Some(cgroup) = cgroup {
        args.flags |= INTO_CGROUP;
        args.cgroup = cgroup as u64;
    }
    let size = core::mem::size_of_val(&args);
    let registers = [(&raw const args) as usize, size, 0, 0, 0];
    // SAFETY: the arguments are valid clone3 arguments and outlive the call; the stack is unused.
    let result = unsafe { enter(libc::SYS_clone3, registers, entry, argument) };
    adopt(result, pidfd)
}

/// clone(2), vfork style, with `flags` beside those.
///
/// # Safety
/// As for [`clone3`].
pub(super) unsafe fn clone(
    stack: &Stack,
    flags: libc::c_int,
    entry: Entry,
    argument: *mut c_void,
) -> Result<Launched, Errno> {
    // SAFETY: the caller vouches for `entry`; the stack is unused.
    unsafe { clone_with(VFORK as usize | flags as usize, stack.top() as usize, entry, argument) }
}

/// A copy of the host as with fork(2), on a copy of this very stack.
///
/// # Safety
/// As for [`clone3`], except that the child has memory of its own.
pub(super) unsafe fn fork(
    flags: libc::c_int,
    entry: Entry,
    argument: *mut c_void,
) -> Result<Launched, Errno> {
    // SAFETY: the caller vouches for `entry`; no stack means a copy of the parent's.
    match unsafe { clone_with((libc::CLONE_PIDFD | flags) as usize, 0, entry, argument) } {
        // Emulators know neither the flag nor another exit signal than SIGCHLD.
        // SAFETY: as above.
        Err(libc::EINVAL) if flags == 0 => unsafe { fork_plain(entry, argument) },
        result => result,
    }
}

unsafe fn fork_plain(entry: Entry, argument: *mut c_void) -> Result<Launched, Errno> {
    let flags = libc::SIGCHLD as usize;
    // SAFETY: the caller vouches for `entry`.
    let result = unsafe { enter(libc::SYS_clone, [flags, 0, 0, 0, 0], entry, argument) };
    let pid = decode(result)? as i32;
    // The host's own `waitpid(-1)` may win against this call; then there is nothing to hold.
    // SAFETY: the call touches no memory of ours.
    let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    if pidfd < 0 {
        let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::ENOSYS);
        end(pid);
        return Err(errno);
    }
    adopt(pid as isize, pidfd as RawFd)
}

/// Ends a child that cannot be held, so that a start that failed leaves nothing.
fn end(pid: i32) {
    // SAFETY: nobody has reaped our child but, where the host does so itself, the host.
    unsafe {
        libc::kill(pid, libc::SIGKILL);
        libc::waitpid(pid, std::ptr::null_mut(), libc::__WALL);
    }
}

unsafe fn clone_with(
    flags: usize,
    stack: usize,
    entry: Entry,
    argument: *mut c_void,
) -> Result<Launched, Errno> {
    let mut pidfd: RawFd = -1;
    let registers = [flags, stack, (&raw mut pidfd) as usize, 0, 0];
    // SAFETY: CLONE_PIDFD writes to the third argument, which outlives the call.
    let result = unsafe { enter(libc::SYS_clone, registers, entry, argument) };
    adopt(result, pidfd)
}

fn adopt(result: isize, pidfd: RawFd) -> Result<Launched, Errno> {
    let pid = decode(result)? as i32;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(Launched { pid, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) }, is_shared: false })
}

/// The system call, and in the child the entry function instead of a return: the child must not
/// go back through frames that belong to its parent.
#[cfg(target_arch = "x86_64")]
unsafe fn enter(
    number: libc::c_long,
    [a, b, c, d, e]: [usize; 5],
    entry: Entry,
    argument: *mut c_void,
) -> isize {
    let result;
    // SAFETY: the parent comes out at label 2 with all registers kept; the child calls `entry`
    // on a 16-byte aligned stack and never comes back.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") number as isize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e,
            in("r12") argument, in("r13") entry,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    result
}

#[cfg(target_arch = "aarch64")]
unsafe fn enter(
    number: libc::c_long,
    [a, b, c, d, e]: [usize; 5],
    entry: Entry,
    argument: *mut c_void,
) -> isize {
    let result;
    // SAFETY: as on x86_64; the stack is 16-byte aligned, x29 ends the chain of frames.
    unsafe {
        asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x30, xzr",
            "mov x0, x20",
            "blr x21",
            "brk #1",
            "2:",
            in("x8") number,
            inlateout("x0") a as isize => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e,
            in("x20") argument, in("x21") entry,
        );
    }
    result
}
