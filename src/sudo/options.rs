//! Who the command runs as, and where the password comes from.

use std::ffi::{CString, OsString};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroize;

use super::cancel::Cancel;
use super::secret::Secret;
use crate::error::{ProcessError, Result};
use crate::sys::users;

/// How long sudo may take when nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(30);

type Ask = Box<dyn FnOnce() -> Option<Vec<u8>> + Send>;

/// Where the password comes from.
pub(super) enum Password {
    None,
    Given(Secret),
    Asked(Ask),
}

impl Password {
    /// The password, asked for where that is its way; `None`: there is none.
    pub(super) fn secret(self) -> Result<Option<Secret>> {
        match self {
            Self::None => Ok(None),
            Self::Given(secret) => Ok(Some(secret)),
            Self::Asked(ask) => {
                let Some(mut given) = ask() else { return Ok(None) };
                let secret = Secret::new(&given);
                given.zeroize();
                secret.map(Some)
            }
        }
    }
}

/// How sudo is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SudoMode {
    /// Sudo starts a helper of this library, which starts the command: everything works as without
    /// sudo. The sudoers file must allow any command.
    #[default]
    Relay,
    /// Sudo starts the command itself, for sudoers files that allow only named commands. The
    /// guarantees are weaker: the process that is watched is sudo; sudo hands on signals that can be
    /// caught, to the command alone; what runs as the other user cannot be killed, and is named in
    /// the error of the stop; it can outlive the host.
    Direct,
}

/// How to start a command as another user through sudo.
///
/// Unset: the user is root, there is no password, sudo may take 30 seconds, the command gets the
/// environment it would have without sudo.
#[must_use = "options do nothing by themselves"]
pub struct SudoOptions {
    pub(super) user: String,
    pub(super) group: Option<String>,
    pub(super) password: Password,
    pub(super) timeout: Duration,
    pub(super) mode: SudoMode,
    /// The only variables of the host that the command is to see; `None`: the mode's own rule.
    pub(super) preserved: Option<Vec<OsString>>,
    /// What gives the start up, where something can.
    pub(super) cancel: Option<Arc<Cancel>>,
}

impl Default for SudoOptions {
    fn default() -> Self {
        let (password, timeout) = (Password::None, TIMEOUT);
        let (group, mode, preserved, cancel) = (None, SudoMode::Relay, None, None);
        Self { user: "root".into(), group, password, timeout, mode, preserved, cancel }
    }
}

impl SudoOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn cancelled_by(mut self, cancel: Arc<Cancel>) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// The user to run as: a name, or `#` and a number.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = user.into();
        self
    }

    /// The group to run as: a name, or `#` and a number.
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// The password, at most 511 bytes without line ends and NUL. It is copied into memory that
    /// is neither dumped nor inherited, and wiped after use; the caller's copy is the caller's.
    ///
    /// Errors: [`ProcessError::InvalidArgument`].
    pub fn password(mut self, password: impl AsRef<[u8]>) -> Result<Self> {
        self.password = Password::Given(Secret::new(password.as_ref())?);
        Ok(self)
    }

    /// A function that is called for the password, at most once, on the starting thread, and only
    /// when sudo really asks; `None` cancels. What it returns is wiped.
    pub fn ask(mut self, ask: impl FnOnce() -> Option<Vec<u8>> + Send + 'static) -> Self {
        self.password = Password::Asked(Box::new(ask));
        self
    }

    /// How long sudo may take until the command is about to start. The time that
    /// [`ask`](Self::ask) takes does not count.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How sudo is used. Unset: by a relay.
    pub fn mode(mut self, mode: SudoMode) -> Self {
        self.mode = mode;
        self
    }

    /// The variables of the host that the command gets, beside those that the command itself sets;
    /// an empty list: none. Also where no sudo is needed.
    ///
    /// In direct mode sudo is asked to keep them beside what it keeps by itself, which the sudoers
    /// file must allow (`SETENV`).
    ///
    /// Errors of the start: [`ProcessError::InvalidArgument`] for a name that is empty or holds `=`
    /// or NUL, or, in direct mode, a comma.
    pub fn preserve_env(mut self, names: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.preserved = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// The number of the user.
    pub(super) fn uid(&self) -> Result<u32> {
        check_name("sudo user", &self.user)?;
        if let Some(group) = &self.group {
            check_name("sudo group", group)?;
        }
        if let Some(number) = self.user.strip_prefix('#') {
            let unusable = |_| ProcessError::invalid("sudo user", "not a number after '#'");
            return number.parse().map_err(unusable);
        }
        let name = CString::new(self.user.as_str());
        let name = name.map_err(|_| ProcessError::invalid("sudo user", "contains a NUL byte"))?;
        let found = users::uid_of(&name);
        let found = found.map_err(|error| ProcessError::io("look up the sudo user", error))?;
        found.ok_or_else(|| ProcessError::invalid("sudo user", format!("no user {:?}", self.user)))
    }

    pub(crate) fn chosen_mode(&self) -> SudoMode {
        self.mode
    }

    /// Whether the host is what is asked for, so that sudo is not needed.
    pub(crate) fn is_already(&self) -> Result<bool> {
        let uid = self.uid()?;
        Ok(self.group.is_none() && rustix::process::geteuid().as_raw() == uid)
    }
}

fn check_name(argument: &str, name: &str) -> Result<()> {
    if name.is_empty() || name.starts_with('-') || name.contains('\0') {
        return Err(ProcessError::invalid(argument, "empty, or not a name"));
    }
    Ok(())
}

impl fmt::Debug for SudoOptions {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SudoOptions");
        shown.field("user", &self.user).field("group", &self.group);
        shown.field("mode", &self.mode).field("preserved", &self.preserved);
        shown.field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
