//! The memory functions that compiled Rust code calls and a C library would provide.
//!
//! The volatile stores keep the compiler from turning each loop into a call of itself.

#[no_mangle]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    for index in 0..length {
        // SAFETY: the caller vouches for `length` bytes at both places.
        unsafe { to.add(index).write_volatile(*from.add(index)) };
    }
    to
}

#[no_mangle]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    if (to as usize).wrapping_sub(from as usize) >= length {
        // SAFETY: as promised by the caller; a forward copy reads each byte before it is overwritten.
        return unsafe { memcpy(to, from, length) };
    }
    for index in (0..length).rev() {
        // SAFETY: as above, backwards because the target overlaps the end of the source.
        unsafe { to.add(index).write_volatile(*from.add(index)) };
    }
    to
}

#[no_mangle]
unsafe extern "C" fn memset(to: *mut u8, value: i32, length: usize) -> *mut u8 {
    for index in 0..length {
        // SAFETY: the caller vouches for `length` bytes.
        unsafe { to.add(index).write_volatile(value as u8) };
    }
    to
}

#[no_mangle]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, length: usize) -> i32 {
    for index in 0..length {
        // SAFETY: the caller vouches for `length` bytes at both places.
        let (a, b) = unsafe { (left.add(index).read_volatile(), *right.add(index)) };
        if a != b {
            return i32::from(a) - i32::from(b);
        }
    }
    0
}

#[no_mangle]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, length: usize) -> i32 {
    // SAFETY: same contract.
    unsafe { memcmp(left, right, length) }
}

#[no_mangle]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut length = 0;
    // SAFETY: the caller vouches for a terminating NUL.
    while unsafe { text.add(length).read_volatile() } != 0 {
        length += 1;
    }
    length
}
