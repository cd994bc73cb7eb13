//! A relay that sudo has started: from its hello to the guard it becomes.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{pidfd_send_signal, Signal};
use uuid::Uuid;

use super::connect_back::ConnectBack;
use super::exchange::Exchange;
use super::options::SudoOptions;
use super::{hand_over, locate};
use crate::command::{Command, GroupMode, Stdin, Stdout};
use crate::error::{ProcessError, Result};
use crate::keeper::{Channel, Guard, Image, Relayed};
use crate::spawn::{self, SpawnContext, Spawned};
use crate::sys::guarded::ForkGuarded;
use crate::sys::{orphans, pidfd};

/// How long sudo is given to go when it is not needed any more.
const END_WAIT: Duration = Duration::from_secs(5);

/// A relay that runs as the user asked for and waits for its command.
pub(crate) struct Relay {
    channel: Channel,
    pidfd: OwnedFd,
    sudo: Sudo,
}

/// The sudo process, a child of the host: ended and reaped on drop.
pub(super) struct Sudo {
    pid: i32,
    pidfd: Option<OwnedFd>,
    stderr: ForkGuarded,
}

/// Has sudo start a relay as the user of `options`. Blocks for at most their timeout.
///
/// Errors: `AuthenticationFailed`; `InvalidArgument` for a user that does not exist;
/// `StartFailed` if sudo cannot be executed.
pub(crate) fn authenticate(options: SudoOptions) -> Result<Relay> {
    let deadline = Instant::now().checked_add(options.timeout);
    let uid = options.uid()?;
    let path = locate::sudo()?;
    let installed = Image::installed()?;
    // Forgotten only after the last holder has removed the directory.
    let _watched = installed.watched()?;
    let image = Image::File(installed);
    let (channel, theirs) = Channel::pair()?;
    channel.ask_credentials(true)?;
    let nonce = format!("pm{}", Uuid::now_v7().simple());
    let connect_back = ConnectBack::new()?;
    let relay = [image.path().as_os_str(), "relay".as_ref(), connect_back.address().as_ref()];
    let sudo = start_sudo(&path, sudo_command(&options, &nonce, &relay, theirs))?;
    let bounds = (deadline, options.cancel);
    let exchange = Exchange::new(&sudo, &channel, &nonce, uid, bounds, connect_back);
    match exchange.run(options.password) {
        // The keeper's file has done its work: the relay runs.
        Ok((own, pidfd)) => Ok(Relay { channel: own.unwrap_or(channel), pidfd, sudo }),
        Err(error) => {
            // First: a sudo that sees the end of its input goes on without a password.
            sudo.kill();
            channel.close();
            Err(error)
        }
    }
}

/// The command, and with it the other end of the control socket, goes when sudo has its own.
fn start_sudo(path: &Path, command: Command) -> Result<Sudo> {
    let context = SpawnContext { program: path, exec_fd: None, cgroup: None, pid_namespace: false };
    let Spawned { pid, pidfd, stderr, .. } = spawn::spawn(&command, &context)?;
    let stderr = stderr.ok_or_else(|| ProcessError::Closed("sudo's standard error".into()))?;
    Ok(Sudo { pid, pidfd: Some(pidfd), stderr })
}

/// An own session: no terminal to ask on, and none to be stopped by.
fn sudo_command(options: &SudoOptions, nonce: &str, relay: &[&OsStr], socket: OwnedFd) -> Command {
    let mut command = Command::new("sudo").args(["-k", "-S", "-p", nonce, "-u", &options.user]);
    if let Some(group) = &options.group {
        command = command.args(["-g", group]);
    }
    command = command.arg("--").args(relay);
    command = command.env_clear().env("LC_ALL", "C").env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command = command.stdin(Stdin::Fd(Arc::new(socket))).stdout(Stdout::Null);
    command.stderr(Stdout::Capture).group(GroupMode::Session)
}

impl Relay {
    /// Hands the command over and starts it; the answer is as from a guard.
    ///
    /// Errors: as from the spawn layer; `Unsupported` for options that sudo's place takes.
    pub(crate) fn start(
        mut self,
        command: &Command,
        context: &SpawnContext<'_>,
    ) -> Result<(Guard, Spawned)> {
        let prepared = spawn::prepare(command, context)?;
        hand_over::send(&self.channel, command, context, &prepared)?;
        // The command's own ends may not stay open here: their closing is what readers see.
        let [stdin, stdout, stderr] = prepared.ends;
        drop(prepared.descriptors);
        let Some(sudo) = self.sudo.pidfd.take() else {
            return Err(ProcessError::Closed("sudo".into()));
        };
        let sudo_stderr = self.sudo.stderr.as_fd().try_clone_to_owned()?;
        let Relay { channel, pidfd, .. } = self;
        let relayed = Relayed { sudo: Arc::new(sudo), _stderr: sudo_stderr };
        let (guard, pid, pidfd) = Guard::relayed((channel, pidfd), relayed, command, context)?;
        let pgid = Some(pid);
        Ok((guard, Spawned { pid, pidfd, pgid, stdin, stdout, stderr }))
    }
}

impl Sudo {
    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    pub(super) fn stderr(&self) -> &ForkGuarded {
        &self.stderr
    }

    /// What the poll call watches for its end.
    pub(super) fn pidfd(&self) -> Option<&OwnedFd> {
        self.pidfd.as_ref()
    }

    fn kill(&self) {
        if let Some(pidfd) = &self.pidfd {
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.pidfd.as_ref().is_none_or(|fd| pidfd::ends_within(fd.as_fd(), Duration::ZERO))
    }
}

impl Drop for Sudo {
    /// While it delays an answer sudo ignores all but KILL. An old sudo that may not be signalled
    /// sees the end of its input.
    fn drop(&mut self) {
        self.kill();
        let Some(pidfd) = self.pidfd.take() else { return };
        orphans::end(Arc::new(pidfd), END_WAIT);
    }
}
