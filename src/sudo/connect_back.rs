//! The relay's other way to the host: where sudo logs the input, it replaces the socket by a pipe.
//!
//! The relay then connects back. The kernel names its user; that it is the very program that sudo
//! has started it shows by repeating a word that is written to sudo's input once it has connected:
//! that pipe ends in the relay. Nobody connects before sudo has asked and was answered, unless a
//! process of the target user wants to disturb.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{send, SendFlags};
use uuid::Uuid;

use super::listener::Listener;
use crate::error::{ProcessError, Result};
use crate::keeper::protocol::kind;
use crate::keeper::{Channel, Incoming};

/// How many at once may claim to be the relay.
const MOST: usize = 16;

/// The listener, and those who have connected.
pub(super) struct ConnectBack {
    listener: Listener,
    word: String,
    is_told: bool,
    claimants: Vec<Channel>,
}

impl ConnectBack {
    pub(super) fn new() -> Result<Self> {
        let listener = Listener::new();
        let listener =
            listener.map_err(|error| ProcessError::io("make a socket for the relay", error))?;
        let word = Uuid::now_v7().simple().to_string();
        Ok(Self { listener, word, is_told: false, claimants: Vec::new() })
    }

    /// Where the relay connects to.
    pub(super) fn address(&self) -> &str {
        self.listener.name()
    }

    /// The relay and its pidfd, once it has proved itself; `stdin` is sudo's input.
    pub(super) fn relay(
        &mut self,
        uid: u32,
        stdin: &Channel,
    ) -> Result<Option<(Channel, OwnedFd)>> {
        while let Some((socket, user)) = self.listener.accept() {
            if user.uid.as_raw() == uid && self.claimants.len() < MOST {
                self.claimants.push(Channel::over(socket));
                self.tell(stdin)?;
            }
        }
        let word = self.word.as_bytes();
        for index in (0..self.claimants.len()).rev() {
            let answer = self.claimants.get(index).map(Channel::receive);
            if matches!(answer, None | Some(Incoming::Nothing)) {
                continue;
            }
            let claimant = self.claimants.swap_remove(index);
            if let Some(pidfd) = answer.and_then(|answer| proof(answer, word)) {
                return Ok(Some((claimant, pidfd)));
            }
        }
        Ok(None)
    }

    /// The word goes over in one packet: sudo reads its input in large pieces by then.
    fn tell(&mut self, stdin: &Channel) -> Result<()> {
        if std::mem::replace(&mut self.is_told, true) {
            return Ok(());
        }
        let line = format!("{}\n", self.word);
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let sent = send(stdin.as_fd(), line.as_bytes(), flags);
        sent.map(drop).map_err(|error| ProcessError::io("write to the relay", error))
    }

    /// Everything that becomes readable when there is something to do.
    pub(super) fn watched(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        std::iter::once(self.listener.as_fd()).chain(self.claimants.iter().map(AsFd::as_fd))
    }
}

/// The relay's pidfd, if this is a hello with the word.
fn proof(answer: Incoming, word: &[u8]) -> Option<OwnedFd> {
    match answer {
        Incoming::Record(record, fds) if record.kind == kind::HELLO && record.text() == word => {
            fds.into_iter().next()
        }
        _ => None,
    }
}
