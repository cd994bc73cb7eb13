//! When the host dies, whatever the way, its trees and its directories go.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::{child, left, line};
use process_manager::{Command, Containment, Descendants, ProcessError, ProcessRunner};
use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::fs::inotify;
use rustix::process::{kill_process, kill_process_group, Pid, Signal};

/// A host that has started its trees.
struct Host {
    runner: ProcessRunner,
    pipe: std::io::PipeReader,
    directory: PathBuf,
    worker: Pid,
    removal: OwnedFd,
}

/// A host at a level, which dies in a way; `uid` for one without privileges.
///
/// It runs as a plain process of this library's, whose own means must not help it.
fn host(level: &str, death: &str, uid: Option<u32>) -> Host {
    let (pipe, writer) = std::io::pipe().unwrap();
    let mut command = Command::new(child("process_manager_host"))
        .args(["die".as_ref(), child("tree").parent().unwrap().as_os_str()])
        .env("PM_LEVEL", level)
        .env("PM_DEATH", death)
        .containment(Containment::Process)
        .descendants(Descendants::Leave)
        .extra_fd(writer.into(), 9);
    if let Some(uid) = uid {
        command = command.env("PM_UID", uid.to_string());
    }
    let runner = common::start(command);
    let mut stream = runner.get_output_stream();
    let directory = PathBuf::from(line(&mut stream));
    let removal = watch(&directory);
    let worker = Pid::from_raw(line(&mut stream).parse().unwrap()).unwrap();
    Host { runner, pipe, directory, worker, removal }
}

/// Tells of removals beside a directory. Its own would not do: a forked copy of the host keeps
/// the removed directory open.
fn watch(directory: &Path) -> OwnedFd {
    let inotify = inotify::init(inotify::CreateFlags::CLOEXEC).unwrap();
    let base = directory.parent().unwrap();
    inotify::add_watch(&inotify, base, inotify::WatchFlags::DELETE).unwrap();
    inotify
}

/// Waits until the directory has been removed.
fn await_removal(host: &Host, what: &str) {
    let patience = Timespec { tv_sec: 60, tv_nsec: 0 };
    while host.directory.exists() {
        let mut fds = [PollFd::new(&host.removal, PollFlags::IN)];
        assert_eq!(poll(&mut fds, Some(&patience)), Ok(1), "{what}: the directory is left");
        rustix::io::read(&host.removal, &mut [0; 4096]).unwrap();
    }
}

impl Host {
    fn pid(&self) -> Pid {
        Pid::from_raw(self.runner.pid() as i32).unwrap()
    }

    fn wait_ready(&self) {
        common::wait_for_line(&mut self.runner.get_output_stream(), "ready");
    }

    /// The pipe ends when the last of the trees is gone; then the directory must go.
    fn assert_nothing_left(mut self, what: &str) {
        let patience = Timespec { tv_sec: 60, tv_nsec: 0 };
        let mut fds = [PollFd::new(&self.pipe, PollFlags::IN)];
        assert_eq!(poll(&mut fds, Some(&patience)), Ok(1), "{what}: trees are left");
        assert_eq!(self.pipe.read(&mut [0; 1]).unwrap(), 0, "{what}");
        await_removal(&self, what);
        let _ = kill_process(self.worker, Signal::KILL);
    }
}

const LEVELS: &[&str] = &["group", "guard", "cgroup", "pidns", ""];

/// The levels that this machine has.
fn levels() -> Vec<&'static str> {
    let may_lack = [Containment::Cgroup, Containment::PidNamespace];
    let lacking: Vec<_> = may_lack.into_iter().filter(|level| is_lacking(*level)).collect();
    let is_there = |level: &&str| !lacking.iter().any(|lacking| lacking.to_string() == **level);
    LEVELS.iter().copied().filter(is_there).collect()
}

fn is_lacking(level: Containment) -> bool {
    match ProcessRunner::start_command(Command::new("true").containment(level)) {
        Err(ProcessError::Unsupported(reason)) => {
            println!("  skipped: no {level} here ({reason})");
            true
        }
        _ => false,
    }
}

/// At the group level what has left the group is not covered, so only the directory is looked at.
fn assert_gone(host: Host, level: &str, what: &str) {
    if level != "group" {
        return host.assert_nothing_left(&format!("{level:?}, {what}"));
    }
    await_removal(&host, what);
    let _ = kill_process(host.worker, Signal::KILL);
    end_leftovers(&host.directory);
}

/// Ends what a group cannot hold: the processes that run a binary of that directory.
fn end_leftovers(directory: &Path) {
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(program) = std::fs::read_link(entry.path().join("exe")) else { continue };
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let (true, Some(pid)) = (program.starts_with(directory), pid.and_then(Pid::from_raw)) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

#[test]
fn every_way_to_die_takes_everything_along() {
    for level in levels() {
        for death in ["exit", "abort", "segv", "exec"] {
            let host = host(level, death, None);
            assert_gone(host, level, death);
        }
    }
}

#[test]
fn a_killed_host_takes_everything_along() {
    for level in levels() {
        let host = host(level, "", None);
        host.wait_ready();
        kill_process(host.pid(), Signal::KILL).unwrap();
        assert_gone(host, level, "SIGKILL");
    }
}

/// The first of ten that is in time, since the machine may be busy.
#[test]
fn a_killed_host_has_left_nothing_after_a_second() {
    for level in levels().into_iter().filter(|level| *level != "group") {
        let in_time = |_| time_of_an_end(level) < Duration::from_secs(1);
        assert!((0..10).any(in_time), "{level:?}");
    }
}

fn time_of_an_end(level: &str) -> Duration {
    let host = host(level, "", None);
    host.wait_ready();
    let begun = Instant::now();
    kill_process(host.pid(), Signal::KILL).unwrap();
    host.assert_nothing_left(level);
    begun.elapsed()
}

#[test]
fn a_watcher_that_is_killed_is_replaced_and_the_next_one_does_its_work() {
    for level in levels() {
        let host = host(level, "", None);
        host.wait_ready();
        let first = await_watcher(&host, None, 0);
        let held = settled_descriptors(first);
        kill_process(first, Signal::KILL).unwrap();
        await_watcher(&host, Some(first), held);
        kill_process(host.pid(), Signal::KILL).unwrap();
        assert_gone(host, level, "SIGKILL after the watcher's");
    }
}

/// How many a watcher holds once it has read all that it was told.
fn settled_descriptors(watcher: Pid) -> usize {
    let mut before = descriptors(watcher);
    loop {
        std::thread::sleep(Duration::from_millis(50));
        match descriptors(watcher) {
            now if now == before => return now,
            now => before = now,
        }
    }
}

/// The watcher of a host, other than this one, once it has been told as much.
fn await_watcher(host: &Host, other: Option<Pid>, held: usize) -> Pid {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        match watcher_of(host.pid()) {
            Some(pid) if Some(pid) != other && descriptors(pid) >= held => return pid,
            _ => assert!(Instant::now() < until, "the host has no watcher"),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A watcher has a descriptor or more of each thing that it watches.
fn descriptors(watcher: Pid) -> usize {
    let entries = std::fs::read_dir(format!("/proc/{}/fd", watcher.as_raw_nonzero()));
    entries.map_or(0, |entries| entries.flatten().count())
}

/// The watcher that holds a pidfd of this process.
fn watcher_of(host: Pid) -> Option<Pid> {
    let is_named = |process: &Path| {
        std::fs::read_to_string(process.join("comm")).is_ok_and(|name| name == "pm-watch\n")
    };
    let host = host.as_raw_nonzero().get() as u32;
    let found =
        left::processes().find(|process| is_named(process) && left::is_watching(process, host))?;
    Pid::from_raw(found.file_name()?.to_str()?.parse().ok()?)
}

#[test]
fn killing_the_hosts_whole_group_helps_nothing_to_survive() {
    for level in levels() {
        let host = host(level, "", None);
        host.wait_ready();
        let group = rustix::process::getpgid(Some(host.pid())).unwrap();
        if group == rustix::process::getpgrp() {
            println!("  skipped: the host shares the group of the test program");
            kill_process(host.pid(), Signal::KILL).unwrap();
        } else {
            kill_process_group(group, Signal::KILL).unwrap();
        }
        assert_gone(host, level, "SIGKILL to the group");
    }
}

#[test]
fn a_host_without_privileges_takes_everything_along() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: not root, so no other user to become");
        return;
    }
    let directory = child("tree").parent().unwrap().to_owned();
    let (uid, probe) = (65534, directory.join("exit_code"));
    let user = process_manager::UserSpec { uid: Some(uid), gid: Some(uid), groups: Some(vec![]) };
    let reachable = Command::new(probe).arg("0").user(user);
    if ProcessRunner::start_command(reachable.containment(Containment::Group)).is_err() {
        println!("skipped: user {uid} cannot reach {}", directory.display());
        return;
    }
    for death in ["exit", "abort", "exec"] {
        host("", death, Some(uid)).assert_nothing_left(&format!("unprivileged, {death}"));
    }
    let host = host("guard", "", Some(uid));
    host.wait_ready();
    kill_process(host.pid(), Signal::KILL).unwrap();
    host.assert_nothing_left("unprivileged, SIGKILL");
}
