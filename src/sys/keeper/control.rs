//! The control socket: whole records in and out, descriptors beside them, never waiting.

use crate::protocol::{Record, LEN};
use crate::raw::{self, Message};

const HEADER: usize = 16;
const MOST_FDS: usize = 2;
const SOL_SOCKET: i32 = 1;
const SCM_RIGHTS: i32 = 1;

/// The socket to the host.
pub struct Control {
    pub fd: i32,
}

/// What reading the socket brought.
pub enum Received {
    /// A record, and the descriptors that came with it (-1: none).
    Record(Record, [i32; MOST_FDS]),
    /// Nothing is there now.
    Nothing,
    /// The other end is gone.
    Closed,
}

#[repr(C, align(8))]
struct Rights {
    length: usize,
    level: i32,
    kind: i32,
    fds: [i32; MOST_FDS],
}

impl Rights {
    fn new(fds: [i32; MOST_FDS], count: usize) -> Self {
        Self { length: HEADER + count * 4, level: SOL_SOCKET, kind: SCM_RIGHTS, fds }
    }

    /// The descriptors that a received header announces.
    fn received(&self, control_len: usize) -> [i32; MOST_FDS] {
        let ours = control_len > HEADER && self.level == SOL_SOCKET && self.kind == SCM_RIGHTS;
        let count = if ours { self.length.saturating_sub(HEADER) / 4 } else { 0 };
        let mut fds = [-1; MOST_FDS];
        for (slot, fd) in fds.iter_mut().zip(self.fds).take(count) {
            *slot = fd;
        }
        fds
    }
}

impl Control {
    /// Takes one record. A packet that is no record of ours counts as a closed socket: host and
    /// keeper do not understand each other, so the safe end is the right one.
    pub fn receive(&self) -> Received {
        let mut packet = [0u8; LEN];
        let vector = [packet.as_mut_ptr() as usize, LEN];
        let mut rights = Rights::new([-1; MOST_FDS], 0);
        let mut message = describe(&vector, Some((&mut rights, size_of::<Rights>())));
        // SAFETY: packet and rights outlive the call and are as long as stated.
        let mut received = unsafe { raw::receive(self.fd, &mut message) };
        if received == Err(raw::ECONNRESET) {
            // Said once, before what is still there: the host has gone with something unread.
            // SAFETY: as above.
            received = unsafe { raw::receive(self.fd, &mut message) };
        }
        let length = match received {
            Err(raw::EAGAIN | raw::EINTR) => return Received::Nothing,
            Err(_) | Ok(0) => return Received::Closed,
            Ok(length) => length,
        };
        let fds = rights.received(message.control_len);
        match packet.get(..length).and_then(Record::decode) {
            Some(record) => Received::Record(record, fds),
            None => Received::Closed,
        }
    }

    /// Sends one record, with a descriptor where `fd` is not -1. A host that is gone is noticed
    /// by reading, so a failure is not reported.
    pub fn send(&self, record: &Record, fd: i32) {
        let packet = record.encode();
        let vector = [packet.as_ptr() as usize, LEN];
        let mut rights = Rights::new([fd, -1], 1);
        let control = (fd >= 0).then_some((&mut rights, HEADER + 8));
        let message = describe(&vector, control);
        // SAFETY: packet and rights outlive the call.
        let _ = unsafe { raw::send(self.fd, &message) };
    }
}

fn describe(vector: &[usize; 2], control: Option<(&mut Rights, usize)>) -> Message {
    let (control, control_len) = match control {
        Some((rights, length)) => ((rights as *mut Rights).cast(), length),
        None => (core::ptr::null_mut(), 0),
    };
    let name = 0;
    Message { name, name_len: 0, vector, vector_len: 1, control, control_len, flags: 0 }
}
