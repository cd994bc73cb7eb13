//! The first word on a control socket, with the kernel's word for who sent it.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::sockopt::set_socket_passcred;
use rustix::net::{recvmsg, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};

use super::channel::Channel;
use super::protocol::{Record, LEN};

/// What came.
#[allow(clippy::large_enum_variant, reason = "lives for one match")]
pub(crate) enum Greeting {
    /// A record, what came beside it, and the user who sent it.
    From { uid: Option<u32>, record: Record, fds: Vec<OwnedFd> },
    /// Nothing is there, or nobody.
    Nothing,
    /// Something that is no record of ours.
    Foreign,
}

impl Channel {
    /// Has the kernel name the sender of everything that comes from now on, or not any more.
    pub(crate) fn ask_credentials(&self, wanted: bool) -> io::Result<()> {
        Ok(set_socket_passcred(self.as_fd(), wanted)?)
    }

    /// Takes one record and its sender, without waiting.
    pub(crate) fn greeting(&self) -> Greeting {
        const SPACE: usize = rustix::cmsg_space!(ScmRights(2), ScmCredentials(1));
        let mut packet = [0; LEN];
        let mut space = [MaybeUninit::uninit(); SPACE];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let vector = &mut [IoSliceMut::new(&mut packet)];
        let length = match recvmsg(self.as_fd(), vector, &mut control, flags) {
            Ok(message) if message.bytes > 0 => message.bytes,
            Ok(_) | Err(Errno::AGAIN | Errno::INTR | Errno::CONNRESET) => return Greeting::Nothing,
            Err(_) => return Greeting::Foreign,
        };
        let (mut uid, mut fds) = (None, Vec::new());
        for message in control.drain() {
            match message {
                RecvAncillaryMessage::ScmRights(received) => fds.extend(received),
                RecvAncillaryMessage::ScmCredentials(sender) => uid = Some(sender.uid.as_raw()),
                _ => {}
            }
        }
        match packet.get(..length).and_then(Record::decode) {
            Some(record) => Greeting::From { uid, record, fds },
            None => Greeting::Foreign,
        }
    }
}
