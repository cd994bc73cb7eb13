//! Direct mode: sudo starts the command itself, and asks the host for the password by askpass.
//!
//! The process that the host starts and watches is sudo. The talk goes on while it runs already: it
//! ends when a child of sudo executes something else, which /proc shows. On the calling thread.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rustix::event::{poll, PollFd, PollFlags, Timespec};
use uuid::Uuid;

use super::askpass::Askpass;
use super::cancel::Cancel;
use super::error::SudoErrorKind;
use super::listener::Listener;
use super::options::SudoOptions;
use super::{locate, started};
use crate::command::{Command, Program, UserSpec};
use crate::error::{ProcessError, Result};
use crate::keeper::{Image, Installed, Watched};
use crate::types::ExitStatus;

/// How often sudo's children are looked at: short commands are to be seen.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 500_000 };

/// What answers a sudo that starts the command itself.
pub(crate) struct Direct {
    sudo: PathBuf,
    uid: u32,
    askpass: Askpass,
    deadline: Option<Instant>,
    cancel: Option<Arc<Cancel>>,
    /// The order matters: the directory is forgotten after its removal.
    _installed: Arc<Installed>,
    _watched: Option<Watched>,
}

impl Direct {
    /// The command that has sudo start `command`, whose program is at `program`, and what answers.
    ///
    /// Errors: `InvalidArgument` and `Unsupported` for what sudo cannot be asked for;
    /// `AuthenticationFailed` where no sudo can work; `Io`.
    pub(crate) fn prepare(
        command: Command,
        program: &Path,
        options: SudoOptions,
    ) -> Result<(Command, Self)> {
        check(&command, program)?;
        let (uid, deadline) = (options.uid()?, Instant::now().checked_add(options.timeout));
        let sudo = locate::sudo()?;
        let installed = Image::installed()?;
        let watched = installed.watched()?;
        let name = format!("pm{}", Uuid::now_v7().simple());
        let listener = Listener::named(name);
        let listener = listener.map_err(|error| ProcessError::io("listen to askpass", error))?;
        let arguments = arguments(&command, program, &options, listener.name())?;
        let askpass = Askpass::new(listener, options.password);
        let cancel = options.cancel;
        let command = wrapped(command, &sudo, arguments, installed.path());
        Ok((
            command,
            Self { sudo, uid, askpass, deadline, cancel, _installed: installed, _watched: watched },
        ))
    }

    /// What to execute.
    pub(crate) fn sudo(&self) -> &Path {
        &self.sudo
    }

    /// Attends sudo until the command runs or has run; `exit` tells how sudo has ended.
    ///
    /// Errors: `AuthenticationFailed` without what sudo wrote; the caller ends sudo then, and drops
    /// this afterwards.
    pub(crate) fn attend(&mut self, pid: i32, exit: &dyn Fn() -> Option<ExitStatus>) -> Result<()> {
        let sudo = started::Sudo::new(pid, self.uid, self.askpass.prompt().to_owned())?;
        loop {
            self.cancel.as_ref().map_or(Ok(()), |cancel| cancel.check())?;
            // Asked first: what happened before the end is then seen below.
            let ended = exit();
            let asked = Instant::now();
            self.askpass.answer(pid)?;
            // A person who types takes no time of sudo's.
            self.deadline =
                self.deadline.and_then(|deadline| deadline.checked_add(asked.elapsed()));
            if sudo.has_started() {
                return Ok(());
            }
            if let Some(exit) = ended {
                return self.meaning_of(exit);
            }
            if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Err(SudoErrorKind::TimedOut.into());
            }
            let _ = poll(&mut [PollFd::new(&self.askpass, PollFlags::IN)], Some(&LOOK));
        }
    }

    /// Sudo's own refusals are all code 1; any other end is the command's, unseen.
    fn meaning_of(&self, exit: ExitStatus) -> Result<()> {
        match exit {
            ExitStatus::Code(1) => Err(self.askpass.meaning_of_end().into()),
            _ => Ok(()),
        }
    }
}

/// Refuses what sudo does not hand on.
fn check(command: &Command, program: &Path) -> Result<()> {
    let unsupported = |what: &str| {
        Err(ProcessError::Unsupported(format!("sudo in direct mode does not hand on {what}")))
    };
    if command.user != UserSpec::default() {
        return Err(ProcessError::invalid("user", "with sudo, the options of sudo say who"));
    }
    if program.as_os_str().as_bytes().contains(&b'=') {
        let reason = "sudo takes a program with '=' for a variable (direct mode)";
        return Err(ProcessError::invalid("program", reason));
    }
    if command.arg0.is_some() {
        return unsupported("another arg0");
    }
    if !command.extra_fds.is_empty() {
        return unsupported("further descriptors");
    }
    Ok(())
}

fn arguments(
    command: &Command,
    program: &Path,
    options: &SudoOptions,
    prompt: &str,
) -> Result<Vec<OsString>> {
    let mut arguments = vec!["-k".into(), "-A".into(), "-p".into(), prompt.into()];
    arguments.extend(["-u".into(), OsString::from(&options.user)]);
    if let Some(group) = &options.group {
        arguments.extend(["-g".into(), group.into()]);
    }
    arguments.extend(options.preserve_argument(command)?);
    arguments.extend(["--".into(), program.into()]);
    arguments.extend(command.args.iter().cloned());
    Ok(arguments)
}

/// The command with sudo in front, under its own name.
fn wrapped(mut command: Command, sudo: &Path, args: Vec<OsString>, askpass: &Path) -> Command {
    let label = command.program_label();
    let own_name = Path::new(&label).file_name().unwrap_or(OsStr::new(&label));
    command.name.get_or_insert(own_name.to_string_lossy().into_owned());
    command.program = Program::Path(sudo.to_owned());
    command.args = args;
    command.env("SUDO_ASKPASS", askpass)
}
