//! The talk with sudo: from its start to the relay's hello, on the calling thread.
//!
//! The password is written once, only after our own prompt was seen and while nothing but sudo
//! holds the other end: what sudo starts first is the relay, and after its hello nothing is
//! written any more. Each byte is a packet of its own, because the socket carries packets and sudo
//! reads byte by byte.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use memchr::memmem;
use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{send, SendFlags};

use super::cancel::Cancel;
use super::connect_back::ConnectBack;
use super::error::{SudoError, SudoErrorKind};
use super::options::Password;
use super::penalty::{self, meaning_of_end, Penalty};
use super::relay::Sudo;
use super::secret::Secret;
use crate::error::{ProcessError, Result};
use crate::keeper::protocol::kind;
use crate::keeper::{Channel, Greeting};

/// More than this of what sudo says is not kept.
const MOST_TEXT: usize = 64 * 1024;

/// The talk.
pub(super) struct Exchange<'a> {
    sudo: &'a Sudo,
    channel: &'a Channel,
    nonce: &'a str,
    uid: u32,
    deadline: Option<Instant>,
    cancel: Option<Arc<Cancel>>,
    connect_back: ConnectBack,
    text: Vec<u8>,
    silent: bool,
    /// Once sudo was answered.
    answered: Option<Penalty>,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(
        sudo: &'a Sudo,
        channel: &'a Channel,
        nonce: &'a str,
        uid: u32,
        (deadline, cancel): (Option<Instant>, Option<Arc<Cancel>>),
        connect_back: ConnectBack,
    ) -> Self {
        let (text, silent, answered) = (Vec::new(), false, None);
        Self { sudo, channel, nonce, uid, deadline, cancel, connect_back, text, silent, answered }
    }

    /// Runs it; the result is the relay's own channel, if that is another one, and its pidfd.
    pub(super) fn run(mut self, password: Password) -> Result<(Option<Channel>, OwnedFd)> {
        let mut password = Some(password);
        loop {
            self.cancel.as_ref().map_or(Ok(()), |cancel| cancel.check())?;
            // Asked first: what was said before the end is then seen below.
            let ended = self.sudo.has_ended();
            self.answered.iter_mut().for_each(Penalty::look);
            if let Some(pidfd) = self.hello()? {
                return Ok((None, pidfd));
            }
            if let Some((relay, pidfd)) = self.connect_back.relay(self.uid, self.channel)? {
                return Ok((Some(relay), pidfd));
            }
            self.read_text();
            match (self.prompts(), password.take_if(|_| self.answered.is_none())) {
                (0, unused) => password = unused,
                (1, Some(password)) => self.answer(password)?,
                (1, None) => {}
                _ => return Err(self.failed(self.meaning_of_second())),
            }
            if ended {
                return Err(self.failed(meaning_of_end(self.answered.as_ref())));
            }
            if !self.wait(PollFlags::IN) {
                return Err(self.failed(SudoErrorKind::TimedOut));
            }
        }
    }

    /// The relay's first word, whose sender the kernel names.
    fn hello(&self) -> Result<Option<OwnedFd>> {
        match self.channel.greeting() {
            Greeting::Nothing => Ok(None),
            Greeting::From { uid: Some(uid), record, fds } => {
                let pidfd = fds.into_iter().next();
                match pidfd.filter(|_| uid == self.uid && record.kind == kind::HELLO) {
                    Some(pidfd) => {
                        self.channel.ask_credentials(false)?;
                        Ok(Some(pidfd))
                    }
                    None => Err(self.failed(SudoErrorKind::NoRelay)),
                }
            }
            Greeting::From { .. } | Greeting::Foreign => Err(self.failed(SudoErrorKind::NoRelay)),
        }
    }

    fn read_text(&mut self) {
        let mut buffer = [0; 4096];
        while !self.silent {
            match rustix::io::read(self.sudo.stderr(), &mut buffer) {
                Err(Errno::AGAIN) => return,
                Err(Errno::INTR) => {}
                Ok(0) | Err(_) => self.silent = true,
                Ok(length) if self.text.len() < MOST_TEXT => {
                    self.text.extend_from_slice(buffer.get(..length).unwrap_or_default());
                }
                Ok(_) => {}
            }
        }
    }

    /// How often sudo has asked. The prompt can stand inside other text.
    fn prompts(&self) -> usize {
        memmem::find_iter(&self.text, self.nonce).count()
    }

    /// The same question again, or another one behind our prompt: sudo-rs asks for a new password
    /// in that way.
    fn meaning_of_second(&self) -> SudoErrorKind {
        let mut asked = memmem::find_iter(&self.text, self.nonce).map(|at| {
            let rest = self.text.get(at..).unwrap_or_default();
            rest.split(|byte| *byte == b'\n').next().unwrap_or_default()
        });
        match (asked.next(), asked.next()) {
            (Some(first), Some(second)) if !first.starts_with(second) => SudoErrorKind::TimedOut,
            _ => SudoErrorKind::PasswordRejected,
        }
    }

    fn answer(&mut self, password: Password) -> Result<()> {
        let asked = Instant::now();
        let Some(secret) = password.secret()? else {
            return Err(self.failed(SudoErrorKind::NoPassword));
        };
        // A person who types takes no time of sudo's.
        self.deadline = self.deadline.and_then(|deadline| deadline.checked_add(asked.elapsed()));
        self.answered = Some(Penalty::new(self.sudo.pid()));
        self.write(&secret)
    }

    fn write(&self, secret: &Secret) -> Result<()> {
        let line = secret.bytes().iter().chain(b"\n");
        for byte in line {
            while !self.write_byte(*byte)? {
                self.cancel.as_ref().map_or(Ok(()), |cancel| cancel.check())?;
                if !self.wait(PollFlags::OUT) {
                    return Err(self.failed(SudoErrorKind::TimedOut));
                }
            }
        }
        Ok(())
    }

    /// False: there is no room now. A sudo that is gone is noticed by its end.
    fn write_byte(&self, byte: u8) -> Result<bool> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        match send(self.channel.as_fd(), &[byte], flags) {
            Err(Errno::AGAIN) => Ok(false),
            Ok(_) | Err(Errno::PIPE | Errno::CONNRESET) => Ok(true),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(ProcessError::io("write to sudo", error)),
        }
    }

    /// Waits for a word of sudo or of the relay, or for sudo's end; false at the deadline.
    fn wait(&self, channel: PollFlags) -> bool {
        let now = Instant::now();
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(now));
        if left == Some(Duration::ZERO) {
            return false;
        }
        let often = self.answered.as_ref().map(|_| penalty::LOOK);
        let time =
            left.into_iter().chain(often).min().and_then(|left| Timespec::try_from(left).ok());
        let mut fds = vec![PollFd::from_borrowed_fd(self.channel.as_fd(), channel)];
        let connected = self.connect_back.watched();
        fds.extend(connected.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        fds.extend(self.cancel.as_ref().map(|cancel| PollFd::new(cancel, PollFlags::IN)));
        fds.extend(self.sudo.pidfd().map(|pidfd| PollFd::new(pidfd, PollFlags::IN)));
        if !self.silent {
            fds.push(PollFd::new(self.sudo.stderr(), PollFlags::IN));
        }
        matches!(poll(&mut fds, time.as_ref()), Ok(_) | Err(Errno::INTR))
    }

    /// The error with what sudo has said, but not with our prompt.
    fn failed(&self, kind: SudoErrorKind) -> ProcessError {
        let text = String::from_utf8_lossy(&self.text).replace(self.nonce, "");
        ProcessError::AuthenticationFailed(SudoError::new(kind, text))
    }
}
