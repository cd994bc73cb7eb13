//! Nothing is left behind: every way of ending, at every level, for every kind of descendant.
//!
//! Survivors are looked for through a pipe that the whole tree inherits: it is at its end when the
//! last of them is gone, whatever /proc says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::time::Duration;

use common::{command, wait_for_line, SOON};
use process_manager::{
    Command, Containment, Descendants, DropPolicy, EventKind, GroupMode, OutputOptions,
    ProcessError, ProcessManager, ProcessRunner, Stdin, StopLadder,
};

/// A user without privileges.
const NOBODY: u32 = 65534;

/// The levels that prove a tree empty, as far as this machine has them.
fn proving_levels() -> Vec<Containment> {
    let levels = [Containment::Guard, Containment::Cgroup, Containment::PidNamespace];
    levels.into_iter().filter(|level| is_there(*level, "  ")).collect()
}

/// Says where not: indented where a test goes on without it.
fn is_there(level: Containment, indent: &str) -> bool {
    match ProcessRunner::start_command(command("exit_code").arg("0").containment(level)) {
        Err(ProcessError::Unsupported(reason)) => {
            println!("{indent}skipped: no {level} here ({reason})");
            false
        }
        other => {
            assert_eq!(other.unwrap().info().containment, level);
            true
        }
    }
}

/// A pipe: read end, write end.
fn pipe() -> (File, File) {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    (reader.into(), writer.into())
}

/// A tree that holds a pipe, running; the pipe's read end tells when all of it is gone.
fn tree(manager: &ProcessManager, name: &str, level: Containment) -> (ProcessRunner, impl Read) {
    let (reader, writer) = pipe();
    let command = command(name).containment(level).extra_fd(writer.into(), 9);
    let runner = manager.start(command).unwrap();
    wait_for_line(&mut runner.get_output_stream(), "ready");
    (runner, reader)
}

/// The end of the pipe: nobody holds it any more.
fn assert_all_gone(mut pipe: impl Read) {
    assert_eq!(pipe.read(&mut [0; 1]).unwrap(), 0);
}

fn kill_outright() -> Option<StopLadder> {
    Some(StopLadder::kill())
}

type End = (&'static str, fn(&ProcessManager, ProcessRunner));

const ENDS: &[End] = &[
    ("stop", |_, runner| runner.stop_blocking(None).unwrap()),
    ("stop at once", |_, runner| runner.stop_blocking(kill_outright()).unwrap()),
    ("kill", |manager, runner| manager.kill_process(runner.id()).unwrap()),
    ("async stop", |manager, runner| {
        futures::executor::block_on(manager.stop_process(runner.id())).unwrap();
    }),
    ("the command dies by itself", |_, runner| {
        let pid = rustix::process::Pid::from_raw(runner.pid() as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        runner.closed_blocking(SOON).unwrap();
        assert_eq!(runner.info().exit.unwrap().signal(), Some(9));
    }),
    ("drop", |manager, runner| {
        let id = runner.id();
        drop(runner);
        drop(manager.runner(id));
        manager.kill_process(id).unwrap();
    }),
];

#[test]
fn every_way_of_ending_ends_the_whole_tree() {
    for level in proving_levels() {
        for (name, end) in ENDS {
            println!("{level}: {name}");
            let manager = ProcessManager::default();
            let (runner, pipe) = tree(&manager, "tree", level);
            end(&manager, runner);
            assert_all_gone(pipe);
        }
    }
}

#[test]
fn what_forks_and_leaves_its_session_in_a_loop_is_caught() {
    for level in proving_levels() {
        for lines in ["1", "8"] {
            let manager = ProcessManager::default();
            let (reader, writer) = std::io::pipe().unwrap();
            let command = command("hop_forker").arg(lines).containment(level);
            let runner = manager.start(command.extra_fd(writer.into(), 9)).unwrap();
            wait_for_line(&mut runner.get_output_stream(), "ready");
            runner.stop_blocking(None).unwrap();
            assert_all_gone(reader);
        }
    }
}

#[test]
fn a_child_that_closes_all_its_descriptors_is_held_all_the_same() {
    for level in proving_levels() {
        let script = "echo ready; exec 0<&- 1>&- 2>&- 9>&-; while :; do sleep 1000; done";
        let manager = ProcessManager::default();
        let command = Command::new("/bin/sh").args(["-c", script]).containment(level);
        let runner = manager.start(command).unwrap();
        assert_eq!(common::lines(&mut runner.get_output_stream()), ["ready"]);
        let pid = runner.pid() as i32;
        assert!(runner.is_running());
        runner.stop_blocking(None).unwrap();
        assert!(!common::is_alive(pid));
    }
}

#[test]
fn dropping_the_manager_ends_the_whole_tree() {
    for level in proving_levels() {
        let manager = ProcessManager::default();
        let (runner, pipe) = tree(&manager, "tree", level);
        drop((runner, manager));
        assert_all_gone(pipe);
    }
}

#[test]
fn a_suspended_tree_ends_too() {
    for level in proving_levels() {
        let manager = ProcessManager::default();
        let (runner, pipe) = tree(&manager, "tree", level);
        runner.suspend().unwrap();
        runner.stop_blocking(None).unwrap();
        assert_all_gone(pipe);
    }
}

#[test]
fn the_group_level_ends_the_group() {
    let manager = ProcessManager::default();
    let shell = Command::new("/bin/sh").args(["-c", "sleep 1000 & echo ready; wait"]);
    let (reader, writer) = pipe();
    let shell = shell.containment(Containment::Group).extra_fd(writer.into(), 9);
    let runner = manager.start(shell).unwrap();
    wait_for_line(&mut runner.get_output_stream(), "ready");
    assert_eq!(runner.info().containment, Containment::Group);
    // TERM is enough: the stop ends with the last member, long before the grace does.
    let grace = Duration::from_secs(600);
    runner.stop_blocking(Some(StopLadder::term_then_kill(grace))).unwrap();
    assert_all_gone(reader);
}

#[test]
fn escalation_goes_on_until_the_tree_is_empty() {
    let mut levels = proving_levels();
    levels.push(Containment::Group);
    for level in levels {
        let manager = ProcessManager::default();
        // The shell dies of TERM; what it started does not.
        let script = "(trap '' TERM; echo ready; while :; do sleep 1000; done) & wait";
        let (reader, writer) = pipe();
        let command = Command::new("/bin/sh").args(["-c", script]).containment(level);
        let runner = manager.start(command.extra_fd(writer.into(), 9)).unwrap();
        wait_for_line(&mut runner.get_output_stream(), "ready");
        let ladder = StopLadder::term_then_kill(Duration::from_millis(100));
        runner.stop_blocking(Some(ladder)).unwrap();
        assert_all_gone(reader);
    }
}

#[test]
fn descendants_may_be_left_on_request() {
    let script = "(trap '' HUP; echo ready; read line; echo got $line) <&9 & exit 0";
    let (reader, writer) = pipe();
    let command = Command::new("/bin/sh").args(["-c", script]).extra_fd(reader.into(), 9);
    let held_open = OutputOptions { drain: Duration::from_secs(60), ..OutputOptions::default() };
    let command = command.descendants(Descendants::Leave).output(held_open);
    let runner = common::start(command);
    let mut stream = runner.get_output_stream();
    wait_for_line(&mut stream, "ready");
    runner.wait_blocking(SOON).unwrap();
    std::io::Write::write_all(&mut { writer }, b"word\n").unwrap();
    assert_eq!(common::lines(&mut stream), ["got word"]);
}

#[test]
fn a_detached_process_runs_on_after_its_last_handle() {
    let (mut reader, writer) = pipe();
    // It writes no more, which nobody reads.
    let command = command("ignore_term").on_drop(DropPolicy::Detach).extra_fd(writer.into(), 9);
    let runner = common::start(command);
    wait_for_line(&mut runner.get_output_stream(), "ready");
    let pid = runner.pid() as i32;
    drop(runner);
    assert!(common::is_alive(pid));
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    assert_eq!(reader.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn a_killed_guard_is_noticed_and_said() {
    let manager = ProcessManager::default();
    let mut events = manager.events().unwrap();
    let (runner, _pipe) = tree(&manager, "tree", Containment::Guard);
    let guard = rustix::process::Pid::from_raw(parent_of(runner.pid())).unwrap();
    rustix::process::kill_process(guard, rustix::process::Signal::KILL).unwrap();
    runner.closed_blocking(SOON).unwrap();
    let mut kinds = Vec::new();
    while kinds.last() != Some(&EventKind::Closed) {
        kinds.push(events.next_blocking(SOON).unwrap().unwrap().kind);
    }
    assert!(kinds.contains(&EventKind::ContainmentLost), "{kinds:?}");
}

fn parent_of(pid: u32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(") ").next().unwrap().split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_namespace_has_numbers_of_its_own() {
    let level = Containment::PidNamespace;
    if !is_there(level, "") {
        return;
    }
    let manager = ProcessManager::default();
    let script = "echo $$ $PPID; read line; exit 7";
    let command =
        Command::new("/bin/sh").args(["-c", script]).stdin(Stdin::Pipe).containment(level);
    let runner = manager.start(command).unwrap();
    assert_eq!(common::line(&mut runner.get_output_stream()), "2 1");
    // The host's number is the one that is told, and its guard is the host's child.
    let guard = parent_of(runner.pid());
    assert_eq!(parent_of(guard as u32), std::process::id() as i32);
    runner.close_stdin().unwrap();
    assert_eq!(runner.wait_blocking(SOON).unwrap().code(), Some(7));
}

#[test]
fn the_kernel_ends_a_namespace_whose_guard_is_killed() {
    let level = Containment::PidNamespace;
    if !is_there(level, "") {
        return;
    }
    let manager = ProcessManager::default();
    let (runner, pipe) = tree(&manager, "tree", level);
    let guard = rustix::process::Pid::from_raw(parent_of(runner.pid())).unwrap();
    rustix::process::kill_process(guard, rustix::process::Signal::KILL).unwrap();
    runner.closed_blocking(SOON).unwrap();
    assert_all_gone(pipe);
}

#[test]
fn a_namespace_cannot_be_left_to_itself() {
    let command = || command("ticker").containment(Containment::PidNamespace);
    let refused = ProcessRunner::start_command(command().on_drop(DropPolicy::Detach));
    assert!(matches!(refused, Err(ProcessError::Unsupported(_))), "{refused:?}");
    let refused = ProcessRunner::start_command(command().group(GroupMode::Host));
    assert!(matches!(refused, Err(ProcessError::InvalidArgument { .. })), "{refused:?}");
}

#[test]
fn two_hundred_at_once_leave_nothing() {
    for level in proving_levels() {
        let manager = ProcessManager::default();
        let (reader, writer) = pipe();
        let start = |_| {
            let copy = writer.try_clone().unwrap();
            manager.start(command("ticker").containment(level).extra_fd(copy.into(), 9)).unwrap();
        };
        (0..200).for_each(start);
        drop(writer);
        manager.stop_all_blocking(None).unwrap();
        assert_all_gone(reader);
    }
}

#[test]
fn a_level_that_is_missing_is_refused_and_leaves_nothing() {
    let manager = ProcessManager::default();
    let demand = || command("ticker").containment(Containment::Cgroup);
    match manager.start(demand()) {
        Ok(runner) => assert_eq!(runner.info().containment, Containment::Cgroup),
        Err(error) => {
            assert!(matches!(error, ProcessError::Unsupported(_)), "{error:?}");
            assert_eq!(manager.get_process_count(), 0);
            // By default the next best is taken, and that proves its end as well.
            let runner = manager.start(command("ticker")).unwrap();
            assert_eq!(runner.info().containment, Containment::Guard);
        }
    }
}

/// All of these tests again, as somebody who may neither make cgroups nor namespaces.
#[test]
fn a_user_without_a_cgroup_holds_trees_as_well() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: not root, so no other user to become");
        return;
    }
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--show-output", "--skip", "a_user_without_a_cgroup_holds_trees_as_well"]);
    again.env(common::CHILDREN, common::child("tree").parent().unwrap());
    let Some(text) = as_nobody(&mut again) else { return };
    assert!(text.contains("guard: stop") && !text.contains("cgroup: stop"), "{text}");
}

/// What this test program printed as somebody else; `None` where it cannot be run.
fn as_nobody(again: &mut std::process::Command) -> Option<String> {
    let output = match again.uid(NOBODY).gid(NOBODY).output() {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            println!("skipped: user {NOBODY} cannot reach the test program");
            return None;
        }
        output => output.unwrap(),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    Some(text)
}

/// Where the program is that its user may not signal.
const UNKILLABLE: &str = "PM_TEST_UNKILLABLE";

#[test]
fn what_cannot_be_killed_is_named() {
    if let Some(program) = std::env::var_os(UNKILLABLE) {
        return name_the_survivor(Command::new(program));
    }
    if !rustix::process::geteuid().is_root() {
        println!("skipped: not root, so no setuid program can be made");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("all_root");
    common::install(&program, &std::fs::read(common::child("all_root")).unwrap(), 0o4755);
    let mode = std::os::unix::fs::PermissionsExt::from_mode;
    std::fs::set_permissions(directory.path(), mode(0o755)).unwrap();
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--nocapture", "--exact", "what_cannot_be_killed_is_named"]);
    let text = as_nobody(again.env(UNKILLABLE, &program)).unwrap_or_default();
    // Behind "test NAME ... " where the tests run one at a time.
    let reasons = text.lines().filter_map(|line| line.split_once("skipped: "));
    reasons.for_each(|(_, why)| println!("skipped: {why}"));
}

/// At once at each level, since a kill takes its time before it gives up.
fn name_the_survivor(unkillable: Command) {
    let manager = &ProcessManager::default();
    std::thread::scope(|scope| {
        for level in [Containment::Guard, Containment::Group, Containment::Process] {
            let command = unkillable.clone().stdin(Stdin::Pipe).containment(level);
            scope.spawn(move || assert_named(&manager.start(command).unwrap()));
        }
    });
}

/// It is no silent success, and the end is still seen when it comes.
fn assert_named(runner: &ProcessRunner) {
    match common::line(&mut runner.get_output_stream()).as_str() {
        "ready" => {}
        other => return println!("skipped: {other} (mounted nosuid, or no-new-privileges)"),
    }
    let stopped = runner.stop_blocking(kill_outright()).unwrap_err().to_string();
    let survivor = format!("pid {} (all_root, uid 0)", runner.pid());
    assert!(stopped.contains(&survivor), "{}: {stopped}", runner.info().containment);
    assert!(runner.is_running());
    runner.close_stdin().unwrap();
    runner.closed_blocking(SOON).unwrap();
}
