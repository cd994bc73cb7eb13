//! Hosts with many open descriptors, where a child is not to pay for all of them.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use super::bench::{finish, shell, Bench};
use super::lookups::memory_file;
use super::{alone, Case};
use crate::command::{Command, Stdout};
use crate::spawn::SpawnContext;
use crate::sys::spawn::testing::replace;
use crate::sys::spawn::{CloneMode, LowNumbers};

pub(super) const CASES: &[Case] = &[
    alone("a child of a crowded host has 0, 1, 2 and nothing else", nothing_else),
    alone("a child of a crowded host has a small table", small_table),
    alone("a child of a crowded host that is executed by descriptor too", by_descriptor),
    alone("a start leaves the crowded host's table as it was", table_stays),
    alone("a failed start in a crowded host is explained", explained),
    alone("numbers that the host has taken for itself are left alone", taken),
];

/// More than the first two sizes of a table, so that a copy of it is a larger one.
const MANY: usize = 600;

fn null() -> OwnedFd {
    std::fs::File::open("/dev/null").unwrap().into()
}

fn crowd() -> Vec<OwnedFd> {
    (0..MANY).map(|_| null()).collect()
}

fn descriptors() -> BTreeMap<RawFd, PathBuf> {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let open = entries.filter_map(|entry| {
        let target = std::fs::read_link(entry.path()).ok()?;
        Some((entry.file_name().to_str()?.parse().ok()?, target))
    });
    // Without the directory that lists them.
    open.filter(|(_, target)| !target.ends_with("fd")).collect()
}

fn nothing_else(bench: &Bench) {
    let (_low, _crowd) = (LowNumbers::shared(), crowd());
    let outcome = bench.run(&shell("echo out; echo err >&2; cd /proc/self/fd && echo *"));
    assert_eq!(outcome.text(), "out\n0 1 2 3");
    assert_eq!(outcome.stderr, b"err\n");
    let merged = bench.run(&shell("echo out; echo err >&2").stderr(Stdout::Merge));
    assert_eq!(merged.text(), "out\nerr");
}

fn small_table(bench: &Bench) {
    let (_low, _crowd) = (LowNumbers::shared(), crowd());
    let text = bench.run(&shell("grep FDSize /proc/self/status")).text();
    let size: usize = text.trim_start_matches("FDSize:").trim().parse().unwrap();
    if bench.mode == CloneMode::Clone3 {
        assert!(size < MANY, "it was copied whole: {size}");
    }
}

fn by_descriptor(bench: &Bench) {
    let (_low, _crowd) = (LowNumbers::shared(), crowd());
    let file = memory_file(&std::fs::read("/bin/sh").unwrap());
    let before = descriptors();
    let (program, exec_fd) = (Path::new("/nowhere/extracted"), Some(file.as_fd()));
    let context = SpawnContext { program, exec_fd, cgroup: None, pid_namespace: false };
    let command = shell("grep FDSize /proc/self/status; cd /proc/self/fd && echo *");
    let text = finish(bench.start_with(&command, &context).unwrap()).text();
    let (size, open) = text.trim_start_matches("FDSize:").split_once('\n').unwrap();
    assert_eq!(open, "0 1 2 3");
    if bench.mode == CloneMode::Clone3 {
        assert!(size.trim().parse::<usize>().unwrap() < MANY, "it was copied whole: {size}");
    }
    assert_eq!(descriptors(), before);
}

fn table_stays(bench: &Bench) {
    let (_low, _crowd) = (LowNumbers::shared(), crowd());
    let before = descriptors();
    bench.run(&shell("exit 0"));
    assert_eq!(descriptors(), before);
}

fn explained(bench: &Bench) {
    let (_low, _crowd) = (LowNumbers::shared(), crowd());
    let before = descriptors();
    let refusal = bench.refusal(&Command::new("/nonexistent/program"));
    assert_eq!(refusal.errno, libc::ENOENT, "{refusal}");
    assert_eq!(descriptors(), before);
}

fn taken(bench: &Bench) {
    let before = descriptors();
    let _low = LowNumbers::shared();
    let _crowd = crowd();
    let ours = descriptors().into_keys().find(|fd| !before.contains_key(fd)).unwrap();
    let mine = rustix::fs::memfd_create("mine", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    // The first is the descriptor that they are made from, the next ones are the numbers.
    (ours + 1..ours + 4).for_each(|number| replace(number, mine.as_raw_fd()));
    assert_eq!(bench.run(&shell("echo out")).text(), "out");
    for number in ours + 1..ours + 4 {
        let target = descriptors().remove(&number).unwrap();
        assert!(target.to_string_lossy().contains("mine"), "{target:?}");
    }
}
