//! The way back to the host: its abstract socket, by name.

use crate::raw::numbers as nr;
use crate::raw::{self, ask, plain};

const AF_UNIX: u16 = 1;
const SEQPACKET: i32 = 5;
const NAME: usize = 107;

#[repr(C)]
struct Address {
    family: u16,
    zero: u8,
    name: [u8; NAME],
}

/// Connects to the socket of this name; waits while too many do.
pub fn to_host(name: &[u8]) -> Result<i32, i32> {
    let mut address = Address { family: AF_UNIX, zero: 0, name: [0; NAME] };
    address.name.get_mut(..name.len()).ok_or(raw::EINVAL)?.copy_from_slice(name);
    let kind = SEQPACKET | raw::O_CLOEXEC;
    let fd = plain(nr::SOCKET, &[AF_UNIX.into(), kind.into(), 0])?;
    let start = &raw const address as usize;
    // SAFETY: the address is readable over the length stated.
    unsafe { ask(nr::CONNECT, &[fd, start, size_of::<u16>() + 1 + name.len()])? };
    Ok(fd as i32)
}

/// Whether this is a socket of packets, as the host gives: not one that somebody has put between.
pub fn is_control(fd: i32) -> bool {
    const SOL_SOCKET: usize = 1;
    const SO_TYPE: usize = 3;
    let (mut kind, mut length) = (0i32, size_of::<i32>() as u32);
    let (out, size) = (&raw mut kind as usize, &raw mut length as usize);
    // SAFETY: an int and its length.
    let asked = unsafe { ask(nr::GETSOCKOPT, &[fd as usize, SOL_SOCKET, SO_TYPE, out, size]) };
    asked.is_ok() && kind == SEQPACKET
}
