//! User names to numbers, as the system's own user database says. Any thread.

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::io;

const MOST: usize = 1 << 20;

/// The number of the user `name`; `None` if there is no such user.
pub(crate) fn uid_of(name: &CStr) -> io::Result<Option<u32>> {
    let mut room = vec![0; 1024];
    loop {
        // SAFETY: all zero is a valid passwd: null pointers and numbers.
        let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
        let mut found = std::ptr::null_mut();
        // SAFETY: the name ends with NUL, the buffer is as long as stated.
        let errno = unsafe {
            let text = room.as_mut_ptr();
            libc::getpwnam_r(name.as_ptr(), &mut entry, text, room.len(), &mut found)
        };
        match errno {
            0 => return Ok((!found.is_null()).then_some(entry.pw_uid)),
            libc::ERANGE if room.len() < MOST => room.resize(room.len() * 4, 0),
            libc::ENOENT | libc::ESRCH => return Ok(None),
            errno => return Err(io::Error::from_raw_os_error(errno)),
        }
    }
}
