//! Where programs are found.

use std::os::fd::AsFd;
use std::path::Path;

use super::bench::{file_in, finish, shell, Bench};
use super::{case, native, Case};
use crate::command::Command;
use crate::spawn::SpawnContext;
use crate::types::ExitStatus;

pub(super) const CASES: &[Case] = &[
    case("a name is looked up in the PATH of the child", child_path),
    case("without PATH the default directories are searched", default_path),
    case("relative elements of PATH start from the working directory", relative_path),
    case("a file that may not be executed is passed over", passed_over),
    case("a relative program starts from the working directory", relative_program),
    native("a program is executed by descriptor", by_descriptor),
    native("a script is executed by descriptor", script_by_descriptor),
    native("a descriptor to execute may stand on a target", descriptor_on_target),
];

const SCRIPT: &[u8] = b"#!/bin/sh\necho \"ran $1\"\n";

fn child_path(bench: &Bench) {
    let directory = tempfile::tempdir().unwrap();
    file_in(directory.path(), "pm-tool", SCRIPT, 0o755);
    let command = Command::new("pm-tool").arg("it").env("PATH", directory.path());
    assert_eq!(bench.run(&command).text(), "ran it");
}

fn default_path(bench: &Bench) {
    let command = Command::new("sh").args(["-c", "echo found"]).env_clear();
    assert_eq!(bench.run(&command).text(), "found");
}

fn relative_path(bench: &Bench) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("sub")).unwrap();
    file_in(&directory.path().join("sub"), "pm-tool", SCRIPT, 0o755);
    let command = || Command::new("pm-tool").arg("it");
    let outside = command().env("PATH", "sub").current_dir(directory.path());
    assert_eq!(bench.run(&outside).text(), "ran it");
    let inside = command().env("PATH", "/nowhere:").current_dir(directory.path().join("sub"));
    assert_eq!(bench.run(&inside).text(), "ran it");
}

fn passed_over(bench: &Bench) {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (directory.path().join("first"), directory.path().join("second"));
    std::fs::create_dir(&first).unwrap();
    std::fs::create_dir(&second).unwrap();
    file_in(&first, "pm-tool", b"#!/bin/sh\necho wrong\n", 0o644);
    file_in(&second, "pm-tool", SCRIPT, 0o755);
    let path = format!("{}:/nowhere:{}", first.display(), second.display());
    let command = Command::new("pm-tool").arg("it").env("PATH", path);
    assert_eq!(bench.run(&command).text(), "ran it");
}

fn relative_program(bench: &Bench) {
    let directory = tempfile::tempdir().unwrap();
    file_in(directory.path(), "pm-tool", SCRIPT, 0o755);
    let command = Command::new("./pm-tool").arg("it").current_dir(directory.path());
    assert_eq!(bench.run(&command).text(), "ran it");
}

/// A memory file with this content, as the extractor makes it where no directory allows exec.
pub(super) fn memory_file(content: &[u8]) -> std::os::fd::OwnedFd {
    let fd = rustix::fs::memfd_create("pm-test", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    assert_eq!(rustix::io::pwrite(&fd, content, 0).unwrap(), content.len());
    fd
}

fn by_descriptor(bench: &Bench) {
    let file = memory_file(&std::fs::read("/bin/echo").unwrap());
    let program = Path::new("/nowhere/extracted");
    let context =
        SpawnContext { program, exec_fd: Some(file.as_fd()), cgroup: None, pid_namespace: false };
    let command = Command::binary("extracted").arg("from memory");
    let outcome = finish(bench.start_with(&command, &context).unwrap());
    assert_eq!((outcome.text().as_str(), outcome.exit), ("from memory", ExitStatus::Code(0)));
}

fn script_by_descriptor(bench: &Bench) {
    let file = memory_file(SCRIPT);
    let program = Path::new("/nowhere/extracted");
    let context =
        SpawnContext { program, exec_fd: Some(file.as_fd()), cgroup: None, pid_namespace: false };
    let outcome = finish(bench.start_with(&Command::binary("x").arg("it"), &context).unwrap());
    assert_eq!(outcome.text(), "ran it");
}

fn descriptor_on_target(bench: &Bench) {
    use std::os::fd::AsRawFd;
    let file = memory_file(&std::fs::read("/bin/sh").unwrap());
    let null: std::os::fd::OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
    let target = file.as_raw_fd();
    let context = SpawnContext {
        program: Path::new("x"),
        exec_fd: Some(file.as_fd()),
        cgroup: None,
        pid_namespace: false,
    };
    let command = shell(&format!("readlink /proc/self/fd/{target}")).extra_fd(null, target);
    assert_eq!(finish(bench.start_with(&command, &context).unwrap()).text(), "/dev/null");
}
