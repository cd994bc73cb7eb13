//! Starts that fail: each with its kind, its step, its subject, and nothing left behind.

use std::path::Path;

use super::bench::{file_in, limit, shell, Bench};
use super::{alone, case, native, Case};
use crate::command::{Affinity, Command, Stdin, Stdout};
use crate::error::{StartError, StartErrorKind as Kind, StartStep as Step};
use crate::sys::spawn::testing;

pub(super) const CASES: &[Case] = &[
    case("a missing program", missing_program),
    case("a missing program in PATH", missing_in_path),
    case("a directory as program", directory),
    case("a file without execute permission", not_executable),
    case("a file of no known format", bad_format),
    native("a script with a missing interpreter", script_interpreter),
    native("a binary with a missing interpreter", elf_interpreter),
    native("a script whose interpreter is a script with a missing one", nested_interpreter),
    native("a script whose interpreter may not be executed", forbidden_interpreter),
    case("a missing working directory", missing_directory),
    case("a file as working directory", file_as_directory),
    case("a missing input file", missing_input),
    case("a limit that does not exist", bad_limit),
    case("an empty set of CPUs", no_cpus),
    native("arguments beyond what the kernel takes", too_long),
    alone("descriptors used up", no_descriptors),
    alone("nothing is left of 1,000 failed starts", nothing_left),
    alone("a host does not see a child that failed to start", invisible),
];

fn expect(error: &StartError, kind: Kind, step: Step, errno: i32) {
    assert_eq!((error.kind, error.step, error.errno), (kind, step, errno), "{error}");
}

fn missing_program(bench: &Bench) {
    let error = bench.refusal(&Command::new("/nowhere/at-all"));
    expect(&error, Kind::ProgramNotFound, Step::Exec, libc::ENOENT);
    assert_eq!(error.program, "/nowhere/at-all");
    let error = bench.refusal(&Command::new("/dev/null/below-a-file"));
    expect(&error, Kind::ProgramNotFound, Step::Exec, libc::ENOTDIR);
}

fn missing_in_path(bench: &Bench) {
    let error = bench.refusal(&Command::new("pm-no-such-program"));
    expect(&error, Kind::ProgramNotFound, Step::Lookup, libc::ENOENT);
}

fn directory(bench: &Bench) {
    let error = bench.refusal(&Command::new("/usr/bin/"));
    expect(&error, Kind::IsADirectory, Step::Exec, libc::EACCES);
    let error = bench.refusal(&Command::new("bin").env("PATH", "/usr"));
    expect(&error, Kind::IsADirectory, Step::Exec, libc::EACCES);
}

fn not_executable(bench: &Bench) {
    let directory = tempfile::tempdir().unwrap();
    let path = file_in(directory.path(), "plain", b"#!/bin/sh\n", 0o644);
    let error = bench.refusal(&Command::new(&path));
    expect(&error, Kind::PermissionDenied, Step::Exec, libc::EACCES);
    let error = bench.refusal(&Command::new("plain").env("PATH", directory.path()));
    expect(&error, Kind::PermissionDenied, Step::Exec, libc::EACCES);
}

fn bad_format(bench: &Bench) {
    let directory = tempfile::tempdir().unwrap();
    for content in [b"".as_slice(), b"echo no shebang\n", b"\x7fELF nonsense", b"\0\0\0\0"] {
        let path = file_in(directory.path(), "odd", content, 0o755);
        let error = bench.refusal(&Command::new(&path));
        expect(&error, Kind::BadFormat, Step::Exec, libc::ENOEXEC);
    }
}

fn script_interpreter(bench: &Bench) {
    let directory = tempfile::tempdir().unwrap();
    for line in ["#!/nowhere/lang\n", "#! /nowhere/lang -x\n", "#!\t/nowhere/lang"] {
        let path = file_in(directory.path(), "script", line.as_bytes(), 0o755);
        let error = bench.refusal(&Command::new(&path));
        expect(&error, Kind::InterpreterNotFound, Step::Exec, libc::ENOENT);
        assert_eq!(error.subject.as_deref(), Some("/nowhere/lang"));
    }
    let error = bench.refusal(&Command::new("script").env("PATH", directory.path()));
    expect(&error, Kind::InterpreterNotFound, Step::Exec, libc::ENOENT);
}

fn elf_interpreter(bench: &Bench) {
    let mut program = std::fs::read("/bin/true").unwrap();
    let loader = crate::spawn::interpreter::of(Path::new("/bin/true")).unwrap();
    let name = loader.to_str().unwrap().as_bytes();
    let at = program.windows(name.len()).position(|window| window == name).unwrap();
    program[at + 1] = b'X';
    let directory = tempfile::tempdir().unwrap();
    let path = file_in(directory.path(), "binary", &program, 0o755);
    let error = bench.refusal(&Command::new(&path));
    expect(&error, Kind::InterpreterNotFound, Step::Exec, libc::ENOENT);
    let subject = error.subject.unwrap();
    assert!(subject.starts_with("/X") && subject.contains("ld"), "{subject}");
}

fn nested_interpreter(bench: &Bench) {
    let directory = tempfile::tempdir().unwrap();
    let inner = file_in(directory.path(), "inner", b"#!/nowhere/lang\n", 0o755);
    let line = format!("#!{}\n", inner.display());
    let outer = file_in(directory.path(), "outer", line.as_bytes(), 0o755);
    let error = bench.refusal(&Command::new(&outer));
    expect(&error, Kind::InterpreterNotFound, Step::Exec, libc::ENOENT);
    assert_eq!(error.subject.as_deref(), Some("/nowhere/lang"));
}

fn forbidden_interpreter(bench: &Bench) {
    let directory = tempfile::tempdir().unwrap();
    let path = file_in(directory.path(), "script", b"#!/etc/passwd\n", 0o755);
    let error = bench.refusal(&Command::new(&path));
    expect(&error, Kind::PermissionDenied, Step::Exec, libc::EACCES);
    assert_eq!(error.subject.as_deref(), Some("/etc/passwd"));
}

fn missing_directory(bench: &Bench) {
    let error = bench.refusal(&shell("exit 0").current_dir("/nowhere/at-all"));
    expect(&error, Kind::WorkingDirectory, Step::Chdir, libc::ENOENT);
    assert_eq!(error.subject.as_deref(), Some("/nowhere/at-all"));
}

fn file_as_directory(bench: &Bench) {
    let error = bench.refusal(&shell("exit 0").current_dir("/etc/passwd"));
    expect(&error, Kind::WorkingDirectory, Step::Chdir, libc::ENOTDIR);
}

fn missing_input(bench: &Bench) {
    let error = bench.refusal(&shell("exit 0").stdin(Stdin::File("/nowhere/input".into())));
    expect(&error, Kind::Other, Step::Prepare, libc::ENOENT);
    assert_eq!(error.subject.as_deref(), Some("/nowhere/input"));
    let file = Stdout::File { path: "/nowhere/output".into(), append: false };
    let error = bench.refusal(&shell("exit 0").stdout(file));
    assert_eq!(error.subject.as_deref(), Some("/nowhere/output"));
}

fn bad_limit(bench: &Bench) {
    let error = bench.refusal(&shell("exit 0").rlimit(999, 1, 1));
    expect(&error, Kind::Other, Step::Rlimit, libc::EINVAL);
    let error = bench.refusal(&shell("exit 0").rlimit(limit(libc::RLIMIT_CORE), 2, 1));
    expect(&error, Kind::Other, Step::Rlimit, libc::EINVAL);
    assert_eq!(error.subject.as_deref(), Some("RLIMIT_CORE"));
}

fn no_cpus(bench: &Bench) {
    let error = bench.refusal(&shell("exit 0").affinity(Affinity::cpus([])));
    expect(&error, Kind::Other, Step::Affinity, libc::EINVAL);
}

fn too_long(bench: &Bench) {
    let error = bench.refusal(&Command::new("/bin/true").arg("x".repeat(200 * 1024)));
    expect(&error, Kind::ResourceLimit, Step::Exec, libc::E2BIG);
}

fn no_descriptors(bench: &Bench) {
    let limit = rustix::process::Rlimit { current: Some(24), maximum: Some(24) };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    let mut filler = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        filler.push(file);
    }
    // With each descriptor that is freed, another step is the first to find none.
    while !filler.is_empty() {
        match bench.start(&shell("exit 0")) {
            Ok(spawned) => return drop(super::bench::finish(spawned)),
            Err(crate::ProcessError::StartFailed(error)) => {
                assert_eq!((error.kind, error.errno), (Kind::ResourceLimit, libc::EMFILE));
            }
            Err(other) => panic!("{other}"),
        }
        filler.pop();
        assert!(!testing::has_children());
    }
    panic!("no start succeeded with all descriptors free");
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn nothing_left(bench: &Bench) {
    let failing = [
        Command::new("/nowhere/at-all"),
        shell("exit 0").current_dir("/nowhere"),
        shell("exit 0").stdout(Stdout::File { path: "/nowhere/out".into(), append: false }),
        shell("exit 0").stdin(Stdin::Pipe).rlimit(999, 1, 1),
    ];
    bench.refusal(&failing[0]);
    let before = open_descriptors();
    for command in failing.iter().cycle().take(1000) {
        bench.refusal(command);
    }
    assert_eq!(open_descriptors(), before);
    assert!(!testing::has_children());
}

fn invisible(bench: &Bench) {
    let blocked = || {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let pending = status.lines().filter(|line| line.contains("Pnd")).map(str::to_string);
        pending.collect::<Vec<_>>()
    };
    testing::block_all_signals();
    let before = blocked();
    bench.refusal(&Command::new("/nowhere/at-all"));
    assert_eq!(blocked(), before, "no SIGCHLD was sent");
    assert!(!testing::has_children());
}
