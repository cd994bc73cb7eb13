//! The host's end of a control socket: whole records in and out, with descriptors. A forked copy of
//! the host does not hold it, so that exec ends it even then.
//!
//! Any thread may send; one at a time receives. Sending waits at most one second for a keeper that
//! is busy; receiving never waits unless asked to. A keeper with a bell sleeps until it rings.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{eventfd, poll, EventfdFlags, PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{
    recvmsg, sendmsg, socketpair, AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage,
    RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

use super::protocol::{Record, LEN};
use crate::sys::guarded::ForkGuarded;
use crate::sys::high::clear_of_stdio;

const SEND_WAIT: Duration = Duration::from_secs(1);

/// What receiving brought.
#[allow(clippy::large_enum_variant, reason = "lives for one match")]
pub(crate) enum Incoming {
    /// A record and the descriptors beside it.
    Record(Record, Vec<OwnedFd>),
    /// Nothing is there.
    Nothing,
    /// The keeper is gone, or is no keeper of ours.
    Closed,
}

/// The host's end.
#[derive(Debug)]
pub(crate) struct Channel {
    socket: ForkGuarded,
    bell: Option<OwnedFd>,
}

/// The keeper's ends. All are close-on-exec.
pub(super) struct Theirs {
    pub(super) socket: OwnedFd,
    pub(super) bell: OwnedFd,
}

impl Channel {
    /// A channel, and the end for the keeper. Both are close-on-exec.
    pub(crate) fn pair() -> io::Result<(Self, OwnedFd)> {
        let flags = SocketFlags::CLOEXEC;
        let mut theirs = None;
        let [socket] = ForkGuarded::make(|| {
            let pair = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
            theirs = Some(clear_of_stdio(pair.1));
            Ok::<_, Errno>([clear_of_stdio(pair.0)])
        })?;
        let channel = Self { socket, bell: None };
        theirs.map(|theirs| (channel, theirs)).ok_or(io::ErrorKind::NotConnected.into())
    }

    /// The same for a keeper that reads when the bell rings.
    pub(super) fn with_bell() -> io::Result<(Self, Theirs)> {
        let (mut channel, socket) = Self::pair()?;
        let bell = clear_of_stdio(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        channel.bell = Some(bell.try_clone()?);
        Ok((channel, Theirs { socket, bell }))
    }

    /// A channel over a socket that a keeper has connected.
    pub(crate) fn over(socket: OwnedFd) -> Self {
        Self { socket: ForkGuarded::register(clear_of_stdio(socket)), bell: None }
    }

    /// Sends a record with at most two descriptors.
    ///
    /// Errors: `BrokenPipe` or `ConnectionReset` where the keeper is gone, `TimedOut` where it
    /// does not take records.
    pub(crate) fn send(&self, record: &Record, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        self.leave(record, fds)?;
        self.ring();
        Ok(())
    }

    /// Sends a record without ringing the bell: it is read with the next one, or when the host
    /// has ended. Errors: as for [`Channel::send`].
    pub(super) fn leave(&self, record: &Record, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        let deadline = Instant::now() + SEND_WAIT;
        loop {
            match self.try_send(record, fds) {
                Err(Errno::AGAIN | Errno::TOOMANYREFS) if Instant::now() < deadline => {}
                Err(Errno::AGAIN | Errno::TOOMANYREFS) => return Err(Errno::TIMEDOUT.into()),
                Err(Errno::INTR) => {}
                answer => return answer.map_err(io::Error::from),
            }
            self.ring();
            self.wait(PollFlags::OUT, Duration::from_millis(20))?;
        }
    }

    /// Has everything read that was left. It fails only where it rings already.
    pub(super) fn ring(&self) {
        if let Some(bell) = &self.bell {
            let _ = rustix::io::write(bell, &1u64.to_ne_bytes());
        }
    }

    fn try_send(&self, record: &Record, fds: &[BorrowedFd<'_>]) -> Result<(), Errno> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
            return Err(Errno::INVAL);
        }
        let packet = record.encode();
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        sendmsg(&self.socket, &[IoSlice::new(&packet)], &mut control, flags).map(drop)
    }

    /// Ends the conversation, whoever else holds a copy of the socket.
    pub(crate) fn close(&self) {
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
    }

    /// Takes one record if there is one.
    pub(crate) fn receive(&self) -> Incoming {
        let mut packet = [0; LEN];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let vector = &mut [IoSliceMut::new(&mut packet)];
        let mut received = recvmsg(&self.socket, vector, &mut control, flags);
        if matches!(received, Err(Errno::CONNRESET)) {
            // Said once, before what is still there: the keeper has gone with something unread.
            received = recvmsg(&self.socket, vector, &mut control, flags);
        }
        let length = match received {
            Err(Errno::AGAIN | Errno::INTR) => return Incoming::Nothing,
            Err(_) => return Incoming::Closed,
            Ok(message) => message.bytes,
        };
        let fds = control.drain().flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(fds) => fds.map(clear_of_stdio).collect::<Vec<_>>(),
            _ => Vec::new(),
        });
        let fds = fds.collect();
        match packet.get(..length).and_then(Record::decode) {
            Some(record) => Incoming::Record(record, fds),
            None => Incoming::Closed,
        }
    }

    /// Takes one record, waiting for it until `deadline`; `Nothing` if it passed first.
    pub(crate) fn receive_until(&self, deadline: Instant) -> Incoming {
        loop {
            match self.receive() {
                Incoming::Nothing => {}
                incoming => return incoming,
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.wait(PollFlags::IN, left).is_err() {
                return Incoming::Nothing;
            }
        }
    }

    fn wait(&self, flags: PollFlags, most: Duration) -> io::Result<()> {
        let time = Timespec::try_from(most).unwrap_or(Timespec { tv_sec: 3600, tv_nsec: 0 });
        match poll(&mut [PollFd::new(&self.socket, flags)], Some(&time)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Channel {
    /// Readable when [`Channel::receive`] has something to say.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
