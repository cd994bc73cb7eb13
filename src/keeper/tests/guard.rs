//! Mode guard: every tree ends, and the guard proves it.

use std::os::fd::AsFd;
use std::path::Path;
use std::time::Instant;

use rustix::process::{Pid, PidfdFlags, Signal};

use super::{helper, wait_readable, Output, PATIENCE};
use crate::command::{Command, Descendants, Stdin, Stdout, UserSpec};
use crate::error::{ProcessError, StartErrorKind, StartStep};
use crate::keeper::{Guard, GuardEvent};
use crate::spawn::{SpawnContext, Spawned};
use crate::types::ExitStatus;

fn start(command: &Command) -> (Guard, Spawned) {
    let path = match &command.program {
        crate::Program::Path(path) => path.clone(),
        crate::Program::Extracted(_) => unreachable!(),
    };
    Guard::start(command, &context(&path)).unwrap()
}

fn context(program: &Path) -> SpawnContext<'_> {
    SpawnContext { program, exec_fd: None, cgroup: None, pid_namespace: false }
}

fn start_ready(command: &Command) -> (Guard, Spawned, Output) {
    let (guard, mut spawned) = start(command);
    let mut output = Output::new(spawned.stdout.take().unwrap());
    output.line("ready");
    (guard, spawned, output)
}

fn shell(script: &str) -> Command {
    Command::new("/bin/sh").args(["-c", script]).stderr(Stdout::Inherit)
}

fn tree() -> Command {
    Command::new(helper("tree")).stderr(Stdout::Inherit)
}

fn next(guard: &Guard) -> GuardEvent {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match guard.next_event() {
            Some(event) => return event,
            None => wait_readable(guard, deadline),
        }
    }
}

/// Takes events until the tree is proven empty, the guard is gone, and reaps it.
fn expect_empty(guard: &Guard) -> Option<ExitStatus> {
    let mut exit = None;
    loop {
        match next(guard) {
            GuardEvent::Exited { status, empty: true, .. } => {
                exit = Some(status);
                break;
            }
            GuardEvent::Exited { status, .. } => exit = Some(status),
            GuardEvent::Empty => break,
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(next(guard), GuardEvent::Gone);
    wait_readable(&guard.pidfd, Instant::now() + PATIENCE);
    assert!(guard.reap());
    exit
}

fn pidfd(pid: i32) -> std::os::fd::OwnedFd {
    rustix::process::pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()).unwrap()
}

/// The host has not read of the end of the command when it detaches and goes: the guard's socket
/// then says first that something was unread.
#[test]
fn what_was_ordered_before_the_end_of_the_host_counts() {
    let (guard, spawned, output) = start_ready(&shell("sleep 1000 & echo left $!; echo ready"));
    let left = pidfd(output.number("left"));
    wait_readable(&guard, Instant::now() + PATIENCE);
    guard.detach().unwrap();
    let end = guard.shared_pidfd();
    drop(guard);
    wait_readable(&end, Instant::now() + PATIENCE);
    assert!(!crate::sys::pidfd::ends_within(left.as_fd(), std::time::Duration::ZERO));
    rustix::process::pidfd_send_signal(&left, Signal::KILL).unwrap();
    drop(spawned);
}

#[test]
fn reports_the_exact_exit_code_and_emptiness() {
    let (guard, _) = start(&shell("exit 7"));
    assert_eq!(expect_empty(&guard), Some(ExitStatus::Code(7)));
}

#[test]
fn reports_the_signal_that_ended_the_command() {
    let (guard, _) = start(&shell("kill -9 $$"));
    let expected = ExitStatus::Signal { signal: 9, core_dumped: false };
    assert_eq!(expect_empty(&guard), Some(expected));
}

#[test]
fn reports_the_pid_of_the_command_itself() {
    let (guard, mut spawned) = start(&shell("echo pid $$"));
    let mut output = Output::new(spawned.stdout.take().unwrap());
    output.end();
    assert_eq!(output.number("pid"), spawned.pid);
    expect_empty(&guard);
}

#[test]
fn reports_a_program_that_cannot_be_executed() {
    let command = Command::new("/nonexistent/program");
    let error = Guard::start(&command, &context("/nonexistent/program".as_ref())).unwrap_err();
    let ProcessError::StartFailed(error) = error else { panic!("{error}") };
    assert_eq!((error.step, error.errno), (StartStep::Exec, libc::ENOENT));
    assert_eq!(error.program, "/nonexistent/program");
    assert_eq!(error.kind, StartErrorKind::ProgramNotFound);
}

#[test]
fn looks_a_program_up_in_the_path_of_the_command() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("sh"), "not executable").unwrap();
    let path = format!("{}:/nonexistent:/bin:/usr/bin", directory.path().display());
    let command = Command::new("sh").args(["-c", "echo $0; echo ready"]).env("PATH", path);
    let (guard, _, mut output) = start_ready(&command);
    output.end();
    assert_eq!(expect_empty(&guard), Some(ExitStatus::Code(0)));
    let missing = Command::new("no-such-program-anywhere");
    let error = Guard::start(&missing, &context("no-such-program-anywhere".as_ref())).unwrap_err();
    let ProcessError::StartFailed(error) = error else { panic!("{error}") };
    assert_eq!((error.step, error.kind), (StartStep::Lookup, StartErrorKind::ProgramNotFound));
}

#[test]
fn executes_a_descriptor() {
    let file = std::fs::File::open("/bin/sh").unwrap();
    let command = Command::new("shell").args(["-c", "echo $0; ls -l /proc/$$/fd >&2; echo ready"]);
    let context = SpawnContext {
        program: "shell".as_ref(),
        exec_fd: Some(file.as_fd()),
        cgroup: None,
        pid_namespace: false,
    };
    let (guard, mut spawned) = Guard::start(&command, &context).unwrap();
    let mut output = Output::new(spawned.stdout.take().unwrap());
    output.line("shell");
    output.line("ready");
    assert_eq!(expect_empty(&guard), Some(ExitStatus::Code(0)));
    let mut listing = Output::new(spawned.stderr.take().unwrap());
    listing.end();
    assert!(!listing.text().contains(" 3 -> "), "{}", listing.text());
}

#[test]
fn passes_arguments_environment_directory_and_stdin_through() {
    let script = r#"read line; echo "$0|$1|$VALUE|$PWD|$line"; echo ready"#;
    let command = Command::new("/bin/sh")
        .args(["-c", script, "zero", "one two"])
        .env("VALUE", "v")
        .current_dir("/usr")
        .stdin(Stdin::Pipe);
    let (guard, mut spawned) = start(&command);
    rustix::io::write(spawned.stdin.take().unwrap(), b"typed\n").unwrap();
    let mut output = Output::new(spawned.stdout.take().unwrap());
    output.line("zero|one two|v|/usr|typed");
    assert_eq!(expect_empty(&guard), Some(ExitStatus::Code(0)));
}

#[test]
fn keeps_no_descriptor_of_the_command() {
    let (_guard, mut spawned) = start(&shell("exec >&-; sleep 1000"));
    Output::new(spawned.stdout.take().unwrap()).end();
}

#[test]
fn kills_the_whole_tree_when_told() {
    let (guard, _, mut output) = start_ready(&tree());
    guard.kill().unwrap();
    assert!(expect_empty(&guard).is_some());
    output.end();
}

#[test]
fn kills_the_whole_tree_when_the_host_lets_go() {
    let (guard, _, mut output) = start_ready(&tree());
    drop(guard);
    output.end();
}

#[test]
fn keeps_what_outlives_the_command_until_it_is_told() {
    let (guard, spawned, mut output) = start_ready(&tree());
    rustix::process::pidfd_send_signal(&spawned.pidfd, Signal::KILL).unwrap();
    assert!(matches!(next(&guard), GuardEvent::Exited { empty: false, .. }));
    guard.kill().unwrap();
    assert!(expect_empty(&guard).is_none());
    output.end();
}

#[test]
fn signals_every_descendant() {
    let (guard, _, mut output) = start_ready(&tree());
    guard.signal(libc::SIGTERM).unwrap();
    let expected = ExitStatus::Signal { signal: 15, core_dumped: false };
    assert_eq!(expect_empty(&guard), Some(expected));
    output.end();
}

#[test]
fn catches_hop_forkers() {
    for lines in ["1", "8"] {
        let command = Command::new(helper("hop_forker")).arg(lines).stderr(Stdout::Inherit);
        let (guard, _, mut output) = start_ready(&command);
        guard.kill().unwrap();
        expect_empty(&guard);
        output.end();
    }
}

#[test]
fn kills_stopped_members() {
    let (guard, _, mut output) = start_ready(&tree());
    for label in ["root", "child", "session", "daemon"] {
        let member = pidfd(output.number(label));
        rustix::process::pidfd_send_signal(&member, Signal::STOP).unwrap();
    }
    guard.kill().unwrap();
    expect_empty(&guard);
    output.end();
}

#[test]
fn kills_a_member_that_closed_all_its_descriptors() {
    let script = "setsid sh -c 'echo hidden $$; echo ready; \
        exec <&- >&- 2>&-; while :; do :; done' & wait";
    let (guard, _, output) = start_ready(&shell(script));
    let hidden = pidfd(output.number("hidden"));
    guard.kill().unwrap();
    expect_empty(&guard);
    wait_readable(hidden, Instant::now());
}

#[test]
fn leaves_descendants_alone_when_asked() {
    let command = shell("sleep 1000 & echo left $!; echo ready").descendants(Descendants::Leave);
    let (guard, _, output) = start_ready(&command);
    let left = pidfd(output.number("left"));
    assert!(matches!(next(&guard), GuardEvent::Exited { empty: false, .. }));
    assert_eq!(next(&guard), GuardEvent::Left);
    assert_eq!(next(&guard), GuardEvent::Gone);
    rustix::process::pidfd_send_signal(&left, Signal::KILL).unwrap();
}

#[test]
fn names_who_is_alive() {
    let (guard, _, output) = start_ready(&tree());
    guard.survey().unwrap();
    let GuardEvent::Alive { pids } = next(&guard) else { panic!() };
    assert!(pids.contains(&output.number("root")) && pids.contains(&output.number("daemon")));
}

#[test]
fn a_detached_tree_outlives_the_host() {
    let command = shell("echo ready; read line; echo over").stdin(Stdin::Pipe);
    let (guard, mut spawned, mut output) = start_ready(&command);
    guard.detach().unwrap();
    drop(guard);
    drop(spawned.stdin.take());
    output.line("over");
}

#[test]
fn the_command_dies_with_a_guard_that_is_killed() {
    let (guard, spawned) = start(&shell("exec sleep 1000"));
    rustix::process::pidfd_send_signal(&guard.pidfd, Signal::KILL).unwrap();
    assert_eq!(next(&guard), GuardEvent::Gone);
    wait_readable(&spawned.pidfd, Instant::now() + PATIENCE);
}

#[test]
fn a_descriptor_limit_for_the_command_does_not_starve_the_guard() {
    let command = shell("echo ready; read line").stdin(Stdin::Pipe).rlimit(7, 8, 8);
    let (guard, spawned, mut output) = start_ready(&command);
    drop(spawned);
    expect_empty(&guard);
    output.end();
}

#[test]
fn works_for_another_user() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can start a command as another user");
        return;
    }
    let user = UserSpec { uid: Some(65534), gid: Some(65534), groups: None };
    let (guard, _, mut output) =
        start_ready(&shell("id -u; sleep 1000 & echo ready; wait").user(user));
    output.line("65534");
    guard.kill().unwrap();
    expect_empty(&guard);
    output.end();
}

#[test]
fn many_at_once_leave_nothing() {
    let guards: Vec<_> = (0..200).map(|_| start(&shell("sleep 1000 & wait"))).collect();
    for (guard, _) in &guards {
        guard.kill().unwrap();
    }
    for (guard, _) in &guards {
        expect_empty(guard);
        assert!(guard.as_fd().try_clone_to_owned().is_ok());
    }
}
