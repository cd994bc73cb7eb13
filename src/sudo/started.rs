//! Whether a sudo in direct mode has started its command, as /proc tells: sudo says nothing.

use std::path::Path;

use memchr::memmem;

use crate::error::{ProcessError, Result};

/// A sudo, and what it shows while it has not started its command.
pub(super) struct Sudo {
    pid: i32,
    uid: u32,
    prompt: String,
}

impl Sudo {
    /// `uid` is who the command runs as; `prompt` stands on the command lines of sudo and askpass.
    ///
    /// Errors: `Unsupported` where /proc hides other users' processes.
    pub(super) fn new(pid: i32, uid: u32, prompt: String) -> Result<Self> {
        if !Path::new("/proc/1/stat").exists() {
            let reason = "direct mode needs a /proc that shows the processes of others";
            return Err(ProcessError::Unsupported(reason.into()));
        }
        Ok(Self { pid, uid, prompt })
    }

    /// Whether sudo, or a child of it that runs as the user, has executed something else.
    pub(super) fn has_started(&self) -> bool {
        let children = format!("/proc/{0}/task/{0}/children", self.pid);
        let children = std::fs::read_to_string(children).unwrap_or_default();
        let pids = children.split_whitespace().filter_map(|pid| pid.parse().ok());
        let runs = |pid| uid_of(pid) == Some(self.uid) && self.is_something_else(&line_of(pid));
        self.is_something_else(&line_of(self.pid)) || pids.into_iter().any(runs)
    }

    /// A process that is just executing something, or is gone, shows no line.
    fn is_something_else(&self, line: &[u8]) -> bool {
        !line.is_empty() && memmem::find(line, self.prompt.as_bytes()).is_none()
    }
}

/// The process's parent.
pub(super) fn parent_of(pid: i32) -> Option<i32> {
    field(pid, "PPid:")?.parse().ok()
}

fn uid_of(pid: i32) -> Option<u32> {
    field(pid, "Uid:")?.parse().ok()
}

/// How often the process has waited for something, if it is asleep now; a wait for a disk is none.
/// The same number at another time means that it has been asleep ever since.
pub(super) fn sleeps_of(pid: i32) -> Option<u64> {
    let status = status_of(pid)?;
    let is_asleep = first_word(&status, "State:") == Some("S");
    first_word(&status, "voluntary_ctxt_switches:")?.parse().ok().filter(|_| is_asleep)
}

fn status_of(pid: i32) -> Option<String> {
    std::fs::read_to_string(format!("/proc/{pid}/status")).ok()
}

/// The first word of a line of /proc/PID/status.
fn field(pid: i32, name: &str) -> Option<String> {
    first_word(&status_of(pid)?, name).map(str::to_owned)
}

fn first_word<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()
}

/// The process's command line; nothing where it has ended.
fn line_of(pid: i32) -> Vec<u8> {
    std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()
}
