//! What the keeper promises, with real trees. Survivors are found through a pipe that every member
//! of a tree inherited: it ends when the last of them is gone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod guard;
pub(crate) mod host;
mod image;
mod watch;

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::event::{poll, PollFd, PollFlags, Timespec};

/// Long enough for a loaded machine; only failing tests wait for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A helper program of `tests/child`.
pub(crate) fn helper(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let directory = BUILT.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let directory = test.ancestors().nth(2).unwrap().to_owned();
        if !directory.join("hop_forker").exists() {
            let mut cargo = std::process::Command::new(env!("CARGO"));
            cargo.args(["build", "-q", "-p", "process_manager_child"]);
            assert!(cargo.status().unwrap().success(), "the helper children do not build");
        }
        directory
    });
    directory.join(name)
}

/// Reads a pipe that may be non-blocking, with a deadline.
pub(crate) struct Output {
    file: File,
    seen: Vec<u8>,
}

impl Output {
    pub(crate) fn new(fd: impl AsFd) -> Self {
        Self { file: fd.as_fd().try_clone_to_owned().unwrap().into(), seen: Vec::new() }
    }

    /// Reads until a line `wanted` is there.
    pub(crate) fn line(&mut self, wanted: &str) {
        let ended = self.read_until(|text| text.lines().any(|line| line == wanted));
        assert!(!ended, "ended before {wanted:?}: {}", self.text());
    }

    /// Reads to the end: nobody is left who holds the other end.
    pub(crate) fn end(&mut self) {
        assert!(self.read_until(|_| false), "somebody still holds the pipe: {}", self.text());
    }

    /// The number behind `label` in a line "label NUMBER".
    pub(crate) fn number(&self, label: &str) -> i32 {
        let text = self.text();
        let number = |line: &str| line.strip_prefix(label)?.trim().parse().ok();
        text.lines().rev().find_map(number).unwrap()
    }

    /// What is behind `label` in a line "label WORD".
    pub(crate) fn word(&self, label: &str) -> String {
        let text = self.text();
        let found = text.lines().rev().find_map(|line| line.strip_prefix(label));
        found.unwrap().trim().to_owned()
    }

    /// Whether the end has been reached already.
    pub(crate) fn ended(&self) -> bool {
        let time = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut [PollFd::new(&self.file, PollFlags::empty())], Some(&time)).unwrap() > 0
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// True: the end was reached.
    fn read_until(&mut self, done: impl Fn(&str) -> bool) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while !done(&self.text()) {
            wait_readable(&self.file, deadline);
            let mut buffer = [0; 4096];
            match self.file.read(&mut buffer).unwrap() {
                0 => return true,
                length => self.seen.extend_from_slice(&buffer[..length]),
            }
        }
        false
    }
}

/// Waits for a descriptor to be readable; panics at the deadline.
pub(crate) fn wait_readable(fd: impl AsFd, deadline: Instant) {
    let left = deadline.saturating_duration_since(Instant::now());
    let time = Timespec::try_from(left).unwrap();
    let ready = poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&time)).unwrap();
    assert!(ready > 0, "nothing happened in time");
}
