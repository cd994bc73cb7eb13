//! The system calls about descriptors, waiting and messages, and the instruction behind all.
//!
//! Results are the kernel's: a negative one is an errno. Only calls that exist on both
//! architectures are used (no open, poll, fork, stat).

use core::arch::asm;

#[cfg(target_arch = "x86_64")]
#[path = "numbers_x86_64.rs"]
pub mod numbers;
#[cfg(target_arch = "aarch64")]
#[path = "numbers_aarch64.rs"]
pub mod numbers;

use numbers as nr;

pub const ENOENT: i32 = 2;
pub const ESRCH: i32 = 3;
pub const EINTR: i32 = 4;
pub const EAGAIN: i32 = 11;
pub const ECONNRESET: i32 = 104;
pub const EACCES: i32 = 13;
pub const ENOTDIR: i32 = 20;
pub const EINVAL: i32 = 22;
pub const EMFILE: i32 = 24;
pub const ENAMETOOLONG: i32 = 36;

pub const SIGKILL: i32 = 9;
pub const SIGCHLD: i32 = 17;
pub const SIGCONT: i32 = 18;

pub const O_WRONLY: i32 = 1;
pub const O_CLOEXEC: i32 = 0o2_000_000;
#[cfg(target_arch = "x86_64")]
pub const O_DIRECTORY: i32 = 0o200_000;
#[cfg(target_arch = "x86_64")]
pub const O_NOFOLLOW: i32 = 0o400_000;
#[cfg(target_arch = "aarch64")]
pub const O_DIRECTORY: i32 = 0o40_000;
#[cfg(target_arch = "aarch64")]
pub const O_NOFOLLOW: i32 = 0o100_000;

pub const AT_FDCWD: i32 = -100;
pub const AT_REMOVEDIR: i32 = 0x200;
pub const AT_EMPTY_PATH: i32 = 0x1000;
const AT_SYMLINK_NOFOLLOW: i32 = 0x100;

/// What a system call answers.
pub type Answer = Result<usize, i32>;

#[cfg(target_arch = "x86_64")]
unsafe fn call(number: usize, a: [usize; 6]) -> isize {
    let answer;
    // SAFETY: the caller vouches for the arguments; the clobbers are those of the instruction.
    unsafe {
        asm!("syscall", inlateout("rax") number => answer, in("rdi") a[0], in("rsi") a[1],
            in("rdx") a[2], in("r10") a[3], in("r8") a[4], in("r9") a[5],
            lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    answer
}

#[cfg(target_arch = "aarch64")]
unsafe fn call(number: usize, a: [usize; 6]) -> isize {
    let answer;
    // SAFETY: the caller vouches for the arguments; the kernel preserves all but x0.
    unsafe {
        asm!("svc #0", in("x8") number, inlateout("x0") a[0] => answer, in("x1") a[1],
            in("x2") a[2], in("x3") a[3], in("x4") a[4], in("x5") a[5], options(nostack));
    }
    answer
}

/// Makes a system call whose pointers, if any, are valid for it.
pub unsafe fn ask(number: usize, arguments: &[usize]) -> Answer {
    let mut all = [0; 6];
    for (slot, argument) in all.iter_mut().zip(arguments) {
        *slot = *argument;
    }
    // SAFETY: handed on to the caller.
    let answer = unsafe { call(number, all) };
    if answer < 0 {
        Err(-answer as i32)
    } else {
        Ok(answer as usize)
    }
}

/// A system call without pointers.
pub fn plain(number: usize, arguments: &[i64]) -> Answer {
    let mut all = [0; 6];
    for (slot, argument) in all.iter_mut().zip(arguments) {
        *slot = *argument as usize;
    }
    // SAFETY: numbers only; the worst the kernel can do is to refuse.
    unsafe { ask(number, &all) }
}

pub fn exit(code: i32) -> ! {
    loop {
        let _ = plain(nr::EXIT_GROUP, &[code.into()]);
    }
}

// --- descriptors ---

pub fn close(fd: i32) {
    let _ = plain(nr::CLOSE, &[fd.into()]);
}

/// Closes every descriptor from `first` to `last`.
pub fn close_range(first: u32, last: u32) -> Answer {
    plain(nr::CLOSE_RANGE, &[first.into(), last.into(), 0])
}

pub fn set_cloexec(fd: i32) {
    const F_SETFD: i64 = 2;
    let _ = plain(nr::FCNTL, &[fd.into(), F_SETFD, 1]);
}

pub fn read(fd: i32, buffer: &mut [u8]) -> Answer {
    // SAFETY: the buffer is writable over its length.
    unsafe { ask(nr::READ, &[fd as usize, buffer.as_mut_ptr() as usize, buffer.len()]) }
}

pub fn write(fd: i32, bytes: &[u8]) -> Answer {
    // SAFETY: the bytes are readable over their length.
    unsafe { ask(nr::WRITE, &[fd as usize, bytes.as_ptr() as usize, bytes.len()]) }
}

/// Opens a NUL-terminated path relative to `dir`; close-on-exec.
pub fn open(dir: i32, path: &[u8], flags: i32) -> Result<i32, i32> {
    debug_assert!(path.last() == Some(&0));
    let flags = (flags | O_CLOEXEC) as usize;
    // SAFETY: the path is NUL-terminated.
    unsafe { ask(nr::OPENAT, &[dir as usize, path.as_ptr() as usize, flags, 0]) }
        .map(|fd| fd as i32)
}

/// Removes a NUL-terminated name below `dir`.
pub fn unlink(dir: i32, name: &[u8], flags: i32) -> Answer {
    // SAFETY: the name is NUL-terminated.
    unsafe { ask(nr::UNLINKAT, &[dir as usize, name.as_ptr() as usize, flags as usize]) }
}

pub fn list(dir: i32, buffer: &mut [u8]) -> Answer {
    // SAFETY: the buffer is writable over its length.
    unsafe { ask(nr::GETDENTS64, &[dir as usize, buffer.as_mut_ptr() as usize, buffer.len()]) }
}

/// Takes the exclusive flock(2) without waiting.
pub fn lock(fd: i32) -> Answer {
    const LOCK_EX_NB: i64 = 2 | 4;
    plain(nr::FLOCK, &[fd.into(), LOCK_EX_NB])
}

/// Device, inode and mode of a NUL-terminated name below `dir` (`b"\0"`: of `dir` itself).
pub fn identity(dir: i32, name: &[u8]) -> Result<(u64, u64, u16), i32> {
    const BASIC: usize = 0x7ff;
    let mut buffer = [0u8; 256];
    let flags = (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) as usize;
    let address = buffer.as_mut_ptr() as usize;
    // SAFETY: the name is NUL-terminated; struct statx has 256 bytes.
    unsafe { ask(nr::STATX, &[dir as usize, name.as_ptr() as usize, flags, BASIC, address])? };
    let device = number(&buffer, 136);
    Ok((device, number(&buffer, 32), number(&buffer, 28) as u16))
}

fn number(bytes: &[u8], at: usize) -> u64 {
    let field = bytes.get(at..at + 8).and_then(|field| field.try_into().ok());
    u64::from_ne_bytes(field.unwrap_or_default())
}

// --- waiting ---

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Poll {
    pub fd: i32,
    pub events: i16,
    pub revents: i16,
}

/// The other end of a socket is gone (poll(2)).
pub const POLLRDHUP: i16 = 0x2000;

impl Poll {
    pub fn readable(fd: i32) -> Self {
        Self { fd, events: 1, revents: 0 }
    }
}

/// Waits for any of `polls`; a negative timeout waits for ever. Errors count as "nothing".
pub fn poll(polls: &mut [Poll], timeout_ms: i64) {
    let time = [timeout_ms / 1000, timeout_ms % 1000 * 1_000_000];
    let time = if timeout_ms < 0 { 0 } else { time.as_ptr() as usize };
    // SAFETY: the array and the time are valid; no mask is given.
    let _ = unsafe { ask(nr::PPOLL, &[polls.as_mut_ptr() as usize, polls.len(), time, 0, 8]) };
}

/// Milliseconds of the monotonic clock.
pub fn now() -> i64 {
    let mut time = [0i64; 2];
    // SAFETY: struct timespec has two words.
    let _ = unsafe { ask(nr::CLOCK_GETTIME, &[1, time.as_mut_ptr() as usize]) };
    time[0] * 1000 + time[1] / 1_000_000
}

// --- messages ---

#[repr(C)]
pub struct Message {
    pub name: usize,
    pub name_len: u32,
    pub vector: *const [usize; 2],
    pub vector_len: usize,
    pub control: *mut u8,
    pub control_len: usize,
    pub flags: i32,
}

/// sendmsg(2) without SIGPIPE and without waiting.
///
/// # Safety
/// The message's pointers are valid for reads of their lengths.
pub unsafe fn send(fd: i32, message: &Message) -> Answer {
    const FLAGS: usize = 0x4000 | 0x40;
    // SAFETY: the caller's promise.
    unsafe { ask(nr::SENDMSG, &[fd as usize, message as *const Message as usize, FLAGS]) }
}

/// recvmsg(2) without waiting; descriptors arrive close-on-exec.
///
/// # Safety
/// The message's pointers are valid for writes of their lengths.
pub unsafe fn receive(fd: i32, message: &mut Message) -> Answer {
    const FLAGS: usize = 0x4000_0000 | 0x40;
    // SAFETY: the caller's promise.
    unsafe { ask(nr::RECVMSG, &[fd as usize, message as *mut Message as usize, FLAGS]) }
}
