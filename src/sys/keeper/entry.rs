//! Where the kernel enters the program, and what it finds on the stack: arguments, environment.

use core::arch::global_asm;
use core::ffi::CStr;
use core::panic::PanicInfo;

use crate::raw;

#[cfg(target_arch = "x86_64")]
global_asm!(
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {entry}",
    "ud2",
    entry = sym enter,
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".globl _start",
    "_start:",
    "mov x29, #0",
    "mov x30, #0",
    "mov x0, sp",
    "bl {entry}",
    "brk #1",
    entry = sym enter,
);

/// The arguments and the environment as the kernel laid them out: pointers, then null.
pub struct Args {
    argv: *const *mut u8,
    argc: usize,
}

impl Args {
    /// Arguments that did not come from the kernel.
    ///
    /// # Safety
    /// `argv` has `argc` pointers and a null, then pointers to the environment and a null; all
    /// strings are writable, end with NUL and stay where they are.
    pub unsafe fn new(argv: *const *mut u8, argc: usize) -> Self {
        Self { argv, argc }
    }

    /// The argument at `index`, without its terminating NUL.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let start = self.pointer(index)?;
        // SAFETY: the kernel terminates every argument with NUL; nothing shortens them.
        Some(unsafe { CStr::from_ptr(start.cast()) }.to_bytes())
    }

    /// The argument at `index` as a decimal number.
    pub fn number(&self, index: usize) -> Option<i64> {
        parse(self.get(index)?)
    }

    /// The NUL-terminated argument at `index`, for the kernel.
    pub fn pointer(&self, index: usize) -> Option<*mut u8> {
        // SAFETY: argv has argc valid entries.
        (index < self.argc).then(|| unsafe { *self.argv.add(index) })
    }

    /// The null-terminated array of the arguments from `index` on.
    pub fn tail(&self, index: usize) -> *const *mut u8 {
        // SAFETY: the array has argc entries and a null; the minimum keeps the result inside.
        unsafe { self.argv.add(index.min(self.argc)) }
    }

    /// The null-terminated array of the environment.
    pub fn environment(&self) -> *const *mut u8 {
        // SAFETY: the kernel puts the environment right behind the null of argv.
        unsafe { self.argv.add(self.argc + 1) }
    }

    /// Overwrites the arguments from `index` on and the environment, so that no second copy of
    /// the command's secrets stays readable in /proc.
    pub fn wipe(&self, index: usize) {
        wipe_all(self.tail(index));
        wipe_all(self.environment());
    }
}

fn wipe_all(mut array: *const *mut u8) {
    // SAFETY: the kernel's arrays end with null, their strings with NUL, and both are writable.
    unsafe {
        while !(*array).is_null() {
            let length = CStr::from_ptr((*array).cast()).count_bytes();
            core::ptr::write_bytes(*array, 0, length);
            array = array.add(1);
        }
    }
}

/// A decimal number, with a leading minus where it is negative.
pub fn parse(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let mut value: i64 = 0;
    for digit in digits {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value = value.checked_mul(10)?.checked_add(digit.into())?;
    }
    (!digits.is_empty()).then_some(if digits.len() < text.len() { -value } else { value })
}

/// Called by `_start` with the address of the initial stack.
extern "C" fn enter(stack: *const usize) -> ! {
    // SAFETY: the initial stack holds argc, then argv.
    let args = unsafe { Args { argc: *stack, argv: stack.add(1).cast() } };
    raw::exit(crate::run(args))
}

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    raw::exit(70)
}

/// Named by the precompiled core library, never called: panics abort.
#[no_mangle]
extern "C" fn rust_eh_personality() {}
