//! System calls without libc, for the child of a vfork-style clone.
//!
//! Such a child runs in the host's memory on behalf of a suspended thread. libc's wrappers write
//! errno into that thread's storage, may be cancellation points and may be resolved lazily by the
//! dynamic linker; none of that may happen there. Everything here is inlined machine code that
//! touches nothing but its arguments. Called by the child, and by the parent for what must be
//! exact to the bit (the signal mask).

#![allow(unsafe_code)]

use core::arch::asm;

/// The kernel's error number.
pub(crate) type Errno = i32;

/// Arguments of one system call; unused ones are zero.
pub(super) type Args = [usize; 6];

/// One system call.
///
/// # Safety
/// The arguments must be valid for the call: pointers that the kernel reads or writes must be
/// good for it.
#[inline(always)]
pub(super) unsafe fn call(number: libc::c_long, args: Args) -> Result<usize, Errno> {
    // SAFETY: the caller vouches for the arguments.
    let result = unsafe { enter_kernel(number as isize, args) };
    decode(result)
}

/// Splits the kernel's answer: -4095 to -1 are error numbers.
#[inline(always)]
pub(super) fn decode(result: isize) -> Result<usize, Errno> {
    if (-4095..0).contains(&result) {
        return Err(result.wrapping_neg() as Errno);
    }
    Ok(result as usize)
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn enter_kernel(number: isize, [a, b, c, d, e, f]: Args) -> isize {
    let result;
    // SAFETY: the registers are those of the x86_64 convention; the call pushes nothing.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    result
}

#[cfg(target_arch = "aarch64")]
#[inline(always)]
unsafe fn enter_kernel(number: isize, [a, b, c, d, e, f]: Args) -> isize {
    let result;
    // SAFETY: the registers are those of the aarch64 convention; the call pushes nothing.
    unsafe {
        asm!(
            "svc #0",
            in("x8") number,
            inlateout("x0") a as isize => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e, in("x5") f,
            options(nostack),
        );
    }
    result
}

/// `syscall!(SYS_dup3, from, to, 0)`: one call with its arguments widened and padded.
macro_rules! syscall {
    ($name:ident) => { syscall!(@ $name, 0, 0, 0, 0, 0) };
    ($name:ident, $a:expr) => { syscall!(@ $name, $a, 0, 0, 0, 0) };
    ($name:ident, $a:expr, $b:expr) => { syscall!(@ $name, $a, $b, 0, 0, 0) };
    ($name:ident, $a:expr, $b:expr, $c:expr) => { syscall!(@ $name, $a, $b, $c, 0, 0) };
    ($name:ident, $a:expr, $b:expr, $c:expr, $d:expr) => { syscall!(@ $name, $a, $b, $c, $d, 0) };
    ($name:ident, $a:expr, $b:expr, $c:expr, $d:expr, $e:expr) => {
        syscall!(@ $name, $a, $b, $c, $d, $e)
    };
    (@ $name:ident, $a:expr, $b:expr, $c:expr, $d:expr, $e:expr) => {
        $crate::sys::spawn::raw::call(
            libc::$name,
            [$a as usize, $b as usize, $c as usize, $d as usize, $e as usize, 0],
        )
    };
}
pub(super) use syscall;
