//! Answers sudo's askpass: once, and only a child of the very sudo that was started.

use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{sendmsg, SendAncillaryBuffer, SendFlags, UCred};

use super::error::SudoErrorKind;
use super::listener::Listener;
use super::options::Password;
use super::penalty::{meaning_of_end, Penalty};
use super::secret::Secret;
use super::started::parent_of;
use crate::error::{ProcessError, Result};

/// The socket that askpass finds, and what it is told.
pub(super) struct Askpass {
    listener: Listener,
    password: Option<Password>,
    answered: Option<Penalty>,
    /// Kept open: an askpass that is turned away would make sudo go on without a password.
    unanswered: Option<OwnedFd>,
}

impl Askpass {
    pub(super) fn new(listener: Listener, password: Password) -> Self {
        Self { listener, password: Some(password), answered: None, unanswered: None }
    }

    /// What sudo hands to askpass.
    pub(super) fn prompt(&self) -> &str {
        self.listener.name()
    }

    /// What it means that sudo itself has ended before the command.
    pub(super) fn meaning_of_end(&self) -> SudoErrorKind {
        meaning_of_end(self.answered.as_ref())
    }

    /// Answers whoever has connected, if `sudo` has started it.
    ///
    /// Errors: `AuthenticationFailed` where sudo asks again, or there is no password.
    pub(super) fn answer(&mut self, sudo: i32) -> Result<()> {
        while let Some((socket, user)) = self.listener.accept() {
            if !is_from(sudo, user) {
                continue;
            }
            let Some(password) = self.password.take() else {
                self.unanswered = Some(socket);
                return Err(SudoErrorKind::PasswordRejected.into());
            };
            let Some(secret) = password.secret()? else {
                self.unanswered = Some(socket);
                return Err(SudoErrorKind::NoPassword.into());
            };
            self.answered = Some(Penalty::new(sudo));
            give(&socket, &secret)?;
        }
        self.answered.iter_mut().for_each(Penalty::look);
        Ok(())
    }
}

/// A process that runs as this user still lives while it waits, so its number is its own.
fn is_from(sudo: i32, user: UCred) -> bool {
    user.uid == rustix::process::geteuid()
        && parent_of(user.pid.as_raw_nonzero().get()) == Some(sudo)
}

fn give(socket: &OwnedFd, secret: &Secret) -> Result<()> {
    let packet = [IoSlice::new(secret.bytes()), IoSlice::new(b"\n")];
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    let sent = sendmsg(socket, &packet, &mut SendAncillaryBuffer::default(), flags);
    sent.map(drop).map_err(|error| ProcessError::io("answer askpass", error))
}

impl AsFd for Askpass {
    /// Readable when somebody has connected.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}
