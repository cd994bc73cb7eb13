//! System calls about processes, signals and memory; the rest is in `raw`.

use core::arch::asm;

use crate::raw::numbers as nr;
use crate::raw::{ask, plain, Answer, AT_EMPTY_PATH, SIGCHLD, SIGKILL};

const CLONE_VM: usize = 0x100;
const CLONE_VFORK: usize = 0x4000;

// --- processes ---

pub fn getpid() -> i32 {
    plain(nr::GETPID, &[]).map_or(0, |pid| pid as i32)
}

pub fn getppid() -> i32 {
    plain(nr::GETPPID, &[]).map_or(0, |pid| pid as i32)
}

pub fn setsid() -> Answer {
    plain(nr::SETSID, &[])
}

/// Moves the caller into process group `group`; 0 makes one of its own.
pub fn setpgid(group: i64) -> Answer {
    plain(nr::SETPGID, &[0, group])
}

pub fn chdir_root() {
    // SAFETY: the path is NUL-terminated.
    let _ = unsafe { ask(nr::CHDIR, &[c"/".as_ptr() as usize]) };
}

/// Sets the name that ps(1) shows; NUL-terminated, 16 bytes at most.
pub fn set_name(name: &[u8]) {
    const PR_SET_NAME: usize = 15;
    // SAFETY: the name is NUL-terminated.
    let _ = unsafe { ask(nr::PRCTL, &[PR_SET_NAME, name.as_ptr() as usize]) };
}

/// Orphaned descendants become children of the caller from now on.
pub fn become_subreaper() {
    const PR_SET_CHILD_SUBREAPER: i64 = 36;
    let _ = plain(nr::PRCTL, &[PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0]);
}

/// The caller is killed when its parent ends.
pub fn die_with_parent() {
    const PR_SET_PDEATHSIG: i64 = 1;
    let _ = plain(nr::PRCTL, &[PR_SET_PDEATHSIG, SIGKILL.into()]);
}

/// Raises the soft limit of open descriptors to the hard one.
pub fn raise_descriptor_limit() {
    const RLIMIT_NOFILE: usize = 7;
    let mut limit = [0u64; 2];
    // SAFETY: struct rlimit64 has two words.
    let got = unsafe { ask(nr::PRLIMIT64, &[0, RLIMIT_NOFILE, 0, limit.as_mut_ptr() as usize]) };
    limit[0] = limit[1];
    if got.is_ok() {
        // SAFETY: as above.
        let _ = unsafe { ask(nr::PRLIMIT64, &[0, RLIMIT_NOFILE, limit.as_ptr() as usize, 0]) };
    }
}

/// A copy of the caller: 0 in the child. Both go on from here, on stacks of their own.
pub fn fork() -> Result<i32, i32> {
    plain(nr::CLONE, &[SIGCHLD.into(), 0, 0, 0, 0]).map(|pid| pid as i32)
}

/// Runs `body(argument)` in a child that shares the memory, while the caller is suspended until
/// the child has called exec or exit. `stack` is the child's, `body` never returns.
#[cfg(target_arch = "x86_64")]
pub fn vfork<T>(stack: &mut [u8], body: extern "C" fn(&mut T) -> !, argument: &mut T) -> Answer {
    let top = stack.as_mut_ptr_range().end as usize & !15;
    let argument: *mut T = argument;
    let flags = CLONE_VM | CLONE_VFORK | SIGCHLD as usize;
    let answer: isize;
    // SAFETY: the child gets its own stack and never returns into this frame; the caller waits.
    unsafe {
        asm!("syscall", "test rax, rax", "jnz 2f", "xor ebp, ebp", "mov rdi, r12", "call r13",
            "ud2", "2:", inlateout("rax") nr::CLONE => answer, in("rdi") flags, in("rsi") top,
            in("rdx") 0, in("r10") 0, in("r8") 0, in("r12") argument, in("r13") body,
            lateout("rcx") _, lateout("r11") _);
    }
    if answer < 0 {
        Err(-answer as i32)
    } else {
        Ok(answer as usize)
    }
}

/// As above.
#[cfg(target_arch = "aarch64")]
pub fn vfork<T>(stack: &mut [u8], body: extern "C" fn(&mut T) -> !, argument: &mut T) -> Answer {
    let top = stack.as_mut_ptr_range().end as usize & !15;
    let argument: *mut T = argument;
    let flags = CLONE_VM | CLONE_VFORK | SIGCHLD as usize;
    let answer: isize;
    // SAFETY: the child gets its own stack and never returns into this frame; the caller waits.
    unsafe {
        asm!("svc #0", "cbnz x0, 2f", "mov x29, #0", "mov x0, x20", "blr x21", "brk #1", "2:",
            in("x8") nr::CLONE, inlateout("x0") flags => answer, in("x1") top, in("x2") 0,
            in("x3") 0, in("x4") 0, in("x20") argument, in("x21") body);
    }
    if answer < 0 {
        Err(-answer as i32)
    } else {
        Ok(answer as usize)
    }
}

/// Replaces the program; returns only the errno of a failure. With a descriptor (not -1) the
/// path is not used.
pub fn exec(fd: i32, path: *const u8, argv: *const *mut u8, envp: *const *mut u8) -> i32 {
    let empty = c"".as_ptr() as usize;
    let (argv, envp) = (argv as usize, envp as usize);
    // SAFETY: the arrays and texts are the kernel's own, handed to us at our start.
    let answer = unsafe {
        match fd {
            -1 => ask(nr::EXECVE, &[path as usize, argv, envp]),
            fd => ask(nr::EXECVEAT, &[fd as usize, empty, argv, envp, AT_EMPTY_PATH as usize]),
        }
    };
    answer.err().unwrap_or(0)
}

/// What a child left: its pid, its wait status, its use of resources.
pub struct Ended {
    pub pid: i32,
    pub status: i32,
    pub user_us: i64,
    pub system_us: i64,
    pub peak_kib: i64,
}

/// Reaps one child without waiting. `Ok(None)`: none has ended; `Err(ECHILD)`: there is none.
pub fn reap() -> Result<Option<Ended>, i32> {
    const WNOHANG_ALL: usize = 1 | 0x4000_0000;
    let mut status = 0i32;
    let mut usage = [0i64; 18];
    let (out, used) = (&raw mut status as usize, usage.as_mut_ptr() as usize);
    // SAFETY: an int and a struct rusage of 18 words.
    let pid = unsafe { ask(nr::WAIT4, &[usize::MAX, out, WNOHANG_ALL, used])? };
    let [user_s, user_us, system_s, system_us, peak_kib, ..] = usage;
    let (user_us, system_us) = (user_s * 1_000_000 + user_us, system_s * 1_000_000 + system_us);
    Ok((pid != 0).then_some(Ended { pid: pid as i32, status, user_us, system_us, peak_kib }))
}

pub fn kill(pid: i32, signal: i32) -> Answer {
    plain(nr::KILL, &[pid.into(), signal.into()])
}

pub fn pidfd_open(pid: i32) -> Result<i32, i32> {
    plain(nr::PIDFD_OPEN, &[pid.into(), 0]).map(|fd| fd as i32)
}

/// Signals the process behind a pidfd; `group`: its process group, from kernel 6.9 on.
pub fn pidfd_signal(fd: i32, signal: i32, group: bool) -> Answer {
    const PIDFD_SIGNAL_PROCESS_GROUP: i64 = 4;
    let flags = if group { PIDFD_SIGNAL_PROCESS_GROUP } else { 0 };
    plain(nr::PIDFD_SEND_SIGNAL, &[fd.into(), signal.into(), 0, flags])
}

// --- signals ---

/// Sets the mask of blocked signals and returns the one before.
pub fn set_mask(mask: u64) -> u64 {
    const SIG_SETMASK: usize = 2;
    let mut old = 0u64;
    let (new, before) = (&raw const mask as usize, &raw mut old as usize);
    // SAFETY: two masks of eight bytes.
    let _ = unsafe { ask(nr::RT_SIGPROCMASK, &[SIG_SETMASK, new, before, 8]) };
    old
}

/// Puts a signal's disposition back to the default, whatever was inherited.
pub fn reset_disposition(signal: i32) {
    let action = [0usize; 4];
    // SAFETY: struct sigaction has four words; all zero is SIG_DFL.
    let _ = unsafe { ask(nr::RT_SIGACTION, &[signal as usize, action.as_ptr() as usize, 0, 8]) };
}

/// A descriptor that is readable while `signal` is pending.
pub fn signal_fd(signal: i32) -> Result<i32, i32> {
    const NONBLOCK_CLOEXEC: usize = 0o4000 | 0o2_000_000;
    let mask = 1u64 << (signal - 1);
    let address = &raw const mask as usize;
    // SAFETY: a mask of eight bytes.
    unsafe { ask(nr::SIGNALFD4, &[usize::MAX, address, 8, NONBLOCK_CLOEXEC]) }.map(|fd| fd as i32)
}

// --- memory ---

/// Fresh zeroed memory.
pub fn map(length: usize) -> Result<*mut u8, i32> {
    const READ_WRITE: usize = 3;
    const PRIVATE_ANONYMOUS: usize = 0x22;
    // SAFETY: a new mapping at an address of the kernel's choice.
    unsafe { ask(nr::MMAP, &[0, length, READ_WRITE, PRIVATE_ANONYMOUS, usize::MAX, 0]) }
        .map(|address| address as *mut u8)
}

/// Grows memory from [`map`], which may move.
///
/// # Safety
/// `old` came from here with `length` bytes, and nothing refers to it any more.
pub unsafe fn remap(old: *mut u8, length: usize, new_length: usize) -> Result<*mut u8, i32> {
    const MAYMOVE: usize = 1;
    // SAFETY: the caller's promise.
    unsafe { ask(nr::MREMAP, &[old as usize, length, new_length, MAYMOVE]) }
        .map(|address| address as *mut u8)
}
