//! Why sudo did not start the command. Told apart by what happened, never by sudo's text.

use std::fmt;

use crate::error::ProcessError;

/// What went wrong between the host and sudo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SudoErrorKind {
    /// There is no sudo at the trusted places that is root's, setuid, and closed to others.
    NotFound,
    /// The host runs with no-new-privileges: no program can become another user.
    NoNewPrivileges,
    /// The host is in a user namespace that does not know sudo's owner.
    UserNamespace,
    /// Sudo ended without asking for a password.
    NotPermitted,
    /// The password was wrong. One attempt was used.
    PasswordRejected,
    /// Sudo was given the password, took it, and did not start the command: the user may not do
    /// this. Where only one attempt is allowed (`passwd_tries=1`), a wrong password is told from
    /// this by the delay of PAM that follows it; with that turned off, it is reported as this.
    Refused,
    /// Sudo did neither ask for the password nor start the command in time, or asked for something
    /// else (an expired password, a second factor).
    TimedOut,
    /// Sudo asked, and the caller had no password to give.
    NoPassword,
    /// What sudo started is not the relay, or runs as another user than the one asked for.
    NoRelay,
}

/// A start through sudo that failed before the command was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SudoError {
    /// What it means.
    pub kind: SudoErrorKind,
    /// What sudo wrote on its standard error, without the prompt; for people, in any language.
    pub stderr: String,
}

impl SudoError {
    pub(super) fn new(kind: SudoErrorKind, stderr: String) -> Self {
        Self { kind, stderr }
    }
}

impl From<SudoErrorKind> for ProcessError {
    fn from(kind: SudoErrorKind) -> Self {
        Self::AuthenticationFailed(SudoError::new(kind, String::new()))
    }
}

impl SudoErrorKind {
    fn meaning(self) -> &'static str {
        match self {
            Self::NotFound => "no trustworthy sudo on this system",
            Self::NoNewPrivileges => "this process may not gain privileges (no-new-privileges)",
            Self::UserNamespace => "sudo cannot work inside this user namespace",
            Self::NotPermitted => "sudo refused without asking for a password",
            Self::PasswordRejected => "the password was rejected",
            Self::Refused => "sudo was given the password and refused",
            Self::TimedOut => "sudo did not come to an end in time, or asked for something else",
            Self::NoPassword => "sudo asked for a password and there is none",
            Self::NoRelay => "sudo started something else than it was asked to",
        }
    }
}

impl fmt::Display for SudoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.meaning())?;
        match self.stderr.trim() {
            "" => Ok(()),
            text => write!(f, " (sudo says: {text:?})"),
        }
    }
}

impl std::error::Error for SudoError {}
