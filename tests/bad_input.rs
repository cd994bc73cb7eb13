//! Bad input: a distinct, clear error each, and nothing left behind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use common::command;
use process_manager::{
    Command, ProcessError, ProcessManager, StartError, StartErrorKind, StartStep, StopLadder,
    StopStep,
};

fn refusal(command: Command) -> ProcessError {
    let manager = ProcessManager::default();
    let refused = manager.start(command).expect_err("must be refused");
    assert_eq!(manager.get_process_count(), 0);
    refused
}

fn start_error(command: Command) -> StartError {
    match refusal(command) {
        ProcessError::StartFailed(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn a_missing_binary() {
    let refused = refusal(Command::binary("nothing"));
    assert!(matches!(&refused, ProcessError::BinaryNotFound(name) if name == "nothing"));
    assert_eq!(refused.to_string(), "no binary named \"nothing\" has been added to the extractor");
}

#[test]
fn a_missing_program_by_path_and_by_name() {
    for program in ["/no/such/program", "no-such-program-anywhere"] {
        let error = start_error(Command::new(program));
        assert_eq!((error.kind, error.errno), (StartErrorKind::ProgramNotFound, libc::ENOENT));
        assert!(error.to_string().contains(program), "{error}");
    }
}

#[test]
fn a_directory_as_program() {
    assert_eq!(start_error(Command::new("/tmp")).kind, StartErrorKind::IsADirectory);
}

#[test]
fn a_file_without_execute_permission() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = start_error(Command::new(file.path()));
    assert_eq!((error.kind, error.errno), (StartErrorKind::PermissionDenied, libc::EACCES));
}

#[test]
fn a_missing_interpreter_is_not_a_missing_program() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("script");
    common::install(&script, b"#!/no/such/interpreter\n", 0o755);
    let error = start_error(Command::new(&script));
    assert_eq!(error.kind, StartErrorKind::InterpreterNotFound);
    assert_eq!(error.subject.as_deref(), Some("/no/such/interpreter"));
}

#[test]
fn a_file_of_no_executable_format() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("text");
    common::install(&file, b"just text\n", 0o755);
    assert_eq!(start_error(Command::new(&file)).kind, StartErrorKind::BadFormat);
}

/// A copy of the program of the test child, changed.
fn changed_elf(change: impl FnOnce(&mut Vec<u8>)) -> (tempfile::TempDir, StartError) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("program");
    let mut bytes = std::fs::read(common::child("exit_code")).unwrap();
    change(&mut bytes);
    common::install(&file, &bytes, 0o755);
    let error = start_error(Command::new(&file));
    (directory, error)
}

#[test]
fn a_program_for_another_machine() {
    // The header's e_machine: one that nothing runs.
    let (_directory, error) = changed_elf(|bytes| bytes[18..20].copy_from_slice(&[0xfe, 0xff]));
    assert_eq!((error.kind, error.errno), (StartErrorKind::BadFormat, libc::ENOEXEC));
    assert!(error.to_string().contains("format"), "{error}");
}

#[test]
fn a_program_whose_dynamic_linker_is_missing() {
    let (_directory, error) = changed_elf(|bytes| {
        let linker = bytes.windows(3).position(|window| window == b"/ld").unwrap();
        bytes[linker..linker + 3].copy_from_slice(b"/no");
    });
    assert_eq!(error.kind, StartErrorKind::InterpreterNotFound);
    assert!(error.subject.is_some_and(|name| name.contains("/no-linux")));
}

#[test]
fn a_missing_working_directory_is_not_a_missing_program() {
    let error = start_error(command("exit_code").arg("0").current_dir("/no/such/directory"));
    assert_eq!((error.kind, error.step), (StartErrorKind::WorkingDirectory, StartStep::Chdir));
    assert_eq!(error.subject.as_deref(), Some("/no/such/directory"));
}

#[test]
fn what_no_program_can_be_given_is_refused_by_name() {
    let zero = StopLadder { steps: vec![StopStep { signal: 0, grace: Default::default() }] };
    let cases = [
        (Command::new(""), "program"),
        (Command::binary(""), "binary name"),
        (Command::new("ls").arg("a\0b"), "args[0]"),
        (Command::new("ls").args(["a", "b\0"]), "args[1]"),
        (Command::new("ls").env("A\0", "x"), "env name"),
        (Command::new("ls").env("A=B", "x"), "env name"),
        (Command::new("ls").env("", "x"), "env name"),
        (Command::new("ls").current_dir("\0"), "working directory"),
        (Command::new("ls").nice(20), "nice"),
        (Command::new("ls").umask(0o1000), "umask"),
        (Command::new("ls").stop_ladder(zero), "stop signal"),
        (Command::new("ls").output_limit(1, Default::default()), "output limit"),
    ];
    for (command, name) in cases {
        match refusal(command) {
            ProcessError::InvalidArgument { argument, .. } => assert_eq!(argument, name),
            other => panic!("{name}: {other}"),
        }
    }
}

#[test]
fn a_stop_checks_its_own_ladder_and_takes_any_time() {
    let runner = common::start(command("ticker"));
    for signal in [0, -1, 65] {
        let ladder = StopLadder { steps: vec![StopStep { signal, grace: Duration::MAX }] };
        match runner.stop_blocking(Some(ladder)) {
            Err(ProcessError::InvalidArgument { argument, .. }) => {
                assert_eq!(argument, "stop signal");
            }
            other => panic!("{signal}: {other:?}"),
        }
    }
    assert!(!runner.info().stop_requested);
    let step = StopStep { signal: libc::SIGTERM, grace: Duration::MAX };
    runner.stop_blocking(Some(StopLadder { steps: vec![step; 2] })).unwrap();
}
