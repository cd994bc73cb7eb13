//! Where the relay and the askpass connect back to: an abstract socket under a name that nobody can
//! foresee. Who connects is what the kernel says of the connected socket. Owned by who talks to
//! sudo, and gone with the talk.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    accept_with, bind, listen, socket_with, sockopt, AddressFamily, SocketAddrUnix, SocketFlags,
    SocketType, UCred,
};
use uuid::Uuid;

/// How many may wait to be taken.
const WAITING: i32 = 16;

/// The socket.
pub(super) struct Listener {
    socket: OwnedFd,
    name: String,
}

impl Listener {
    pub(super) fn new() -> io::Result<Self> {
        Self::named(format!("pm-{}", Uuid::now_v7().simple()))
    }

    /// Under this name, which must be new.
    pub(super) fn named(name: String) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        bind(&socket, &SocketAddrUnix::new_abstract_name(name.as_bytes())?)?;
        listen(&socket, WAITING)?;
        Ok(Self { socket, name })
    }

    /// What the other side has to know.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The next one that has connected, and who it was when it did.
    pub(super) fn accept(&self) -> Option<(OwnedFd, UCred)> {
        let socket = accept_with(&self.socket, SocketFlags::CLOEXEC).ok()?;
        let user = sockopt::socket_peercred(&socket).ok()?;
        Some((socket, user))
    }
}

impl AsFd for Listener {
    /// Readable when somebody has connected.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
