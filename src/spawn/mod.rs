//! First form.
#![allow(dead_code)]
use crate::*;
use std::os::fd::*;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
pub(crate) struct Spawned {
    pub pid: i32,
    pub pidfd: OwnedFd,
    pub pgid: Option<i32>,
    pub stdin: Option<OwnedFd>,
    pub stdout: Option<OwnedFd>,
    pub stderr: Option<OwnedFd>,
}
pub(crate) struct SpawnContext<'a> {
    pub program: &'a Path,
    pub exec_fd: Option<BorrowedFd<'a>>,
    pub cgroup: Option<BorrowedFd<'a>>,
}
fn nb(fd: OwnedFd) -> OwnedFd {
    let _ = rustix::fs::fcntl_setfl(&fd, rustix::fs::OFlags::NONBLOCK);
    fd
}
pub(crate) fn spawn(command: &Command, context: &SpawnContext<'_>) -> Result<Spawned> {
    let mut c = std::process::Command::new(context.program);
    c.args(&command.args).process_group(0);
    for (k, v) in command.env.changes() {
        match v {
            Some(v) => c.env(k, v),
            None => c.env_remove(k),
        };
    }
    if let Some(d) = &command.cwd {
        c.current_dir(d);
    }
    c.stdin(match command.stdin {
        Stdin::Pipe | Stdin::Bytes(_) => Stdio::piped(),
        _ => Stdio::null(),
    });
    let out = |o: &Stdout| match o {
        Stdout::Capture => Stdio::piped(),
        _ => Stdio::null(),
    };
    c.stdout(out(&command.stdout)).stderr(out(&command.stderr));
    let mut child = c.spawn().map_err(|e| {
        StartError::new(command.program_label(), StartStep::Exec, e.raw_os_error().unwrap_or(0))
    })?;
    let pid = child.id() as i32;
    let p = rustix::process::Pid::from_raw(pid).ok_or(ProcessError::Forked)?;
    let pidfd = rustix::process::pidfd_open(p, rustix::process::PidfdFlags::empty())
        .map_err(|e| ProcessError::io("pidfd", std::io::Error::from(e)))?;
    Ok(Spawned {
        pid,
        pidfd,
        pgid: Some(pid),
        stdin: child.stdin.take().map(|f| nb(f.into())),
        stdout: child.stdout.take().map(|f| nb(f.into())),
        stderr: child.stderr.take().map(|f| nb(f.into())),
    })
}
