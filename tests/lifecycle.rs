//! Start, wait, status: each test holds one rule of the life of a process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::Duration;

use common::{command, line, lines, start, wait_for_line, SOON};
use process_manager::{
    Command, Containment, ExitStatus, ProcessError, ProcessRunner, ProcessStatus, StopLadder,
};

#[test]
fn an_exit_code_is_reported_exactly() {
    for code in [0, 1, 7, 255] {
        let runner = start(command("exit_code").arg(code.to_string()));
        assert_eq!(runner.wait_blocking(SOON).unwrap(), ExitStatus::Code(code));
        let expected = if code == 0 { ProcessStatus::Stopped } else { ProcessStatus::Failed };
        assert_eq!(runner.status(), expected);
        assert!(runner.info().stopped_at.unwrap() >= runner.info().started_at.unwrap());
    }
}

#[test]
fn a_signal_is_not_an_exit_code() {
    let runner = start(command("kill_self").arg("9"));
    let exit = runner.wait_blocking(SOON).unwrap();
    assert_eq!((exit.signal(), exit.code()), (Some(9), None));
    assert_eq!(runner.status(), ProcessStatus::Failed);
}

#[test]
fn waiting_twice_and_after_the_end_works() {
    let runner = start(command("exit_code").arg("3"));
    for _ in 0..3 {
        assert_eq!(runner.wait_blocking(SOON).unwrap(), ExitStatus::Code(3));
    }
    assert_eq!(futures::executor::block_on(runner.wait()).unwrap(), ExitStatus::Code(3));
}

#[test]
fn many_threads_and_futures_wait_for_one_process() {
    let runner = start(command("ticker"));
    wait_for_line(&mut runner.get_output_stream(), "ready");
    let waits: Vec<_> = (0..8).map(|n| spawn_wait(n, runner.clone())).collect();
    runner.stop_blocking(None).unwrap();
    for wait in waits {
        assert_eq!(wait.join().unwrap(), ExitStatus::Code(0));
    }
}

fn spawn_wait(n: usize, runner: ProcessRunner) -> std::thread::JoinHandle<ExitStatus> {
    std::thread::spawn(move || match n % 2 {
        0 => runner.wait_blocking(SOON).unwrap(),
        _ => futures::executor::block_on(runner.wait()).unwrap(),
    })
}

#[test]
fn a_wait_with_a_deadline_times_out_and_changes_nothing() {
    let runner = start(command("ticker"));
    let waited = runner.wait_blocking(Some(Duration::from_millis(1)));
    assert!(matches!(waited, Err(ProcessError::TimedOut(_))), "{waited:?}");
    assert!(runner.is_running());
    runner.stop_blocking(None).unwrap();
}

#[test]
fn lines_come_while_the_process_runs_and_its_last_words_after_term() {
    let runner = start(command("ticker").arg("1"));
    let mut stream = runner.get_output_stream();
    assert_eq!(line(&mut stream), "ready");
    wait_for_line(&mut stream, "tick 2");
    assert!(runner.is_running());
    runner.stop_blocking(None).unwrap();
    assert_eq!(lines(&mut stream).last().unwrap(), "stopping");
    assert_eq!(runner.status(), ProcessStatus::Stopped);
}

#[test]
fn what_ignores_term_is_killed_after_its_grace() {
    let runner = start(command("ignore_term"));
    wait_for_line(&mut runner.get_output_stream(), "ready");
    let ladder = StopLadder::term_then_kill(Duration::from_millis(50));
    runner.stop_blocking(Some(ladder)).unwrap();
    assert_eq!(runner.info().exit.unwrap().signal(), Some(9));
    assert_eq!(runner.status(), ProcessStatus::Stopped);
}

#[test]
fn stopping_what_has_ended_is_success_with_its_real_status() {
    let runner = start(command("exit_code").arg("5"));
    runner.wait_blocking(SOON).unwrap();
    runner.stop_blocking(None).unwrap();
    runner.kill().unwrap();
    assert_eq!(runner.info().exit, Some(ExitStatus::Code(5)));
    assert_eq!(runner.status(), ProcessStatus::Failed);
}

#[test]
fn its_own_timeout_ends_a_process_as_failed() {
    let runner = start(command("ticker").timeout(Duration::from_millis(30)));
    runner.wait_blocking(SOON).unwrap();
    assert_eq!(runner.status(), ProcessStatus::Failed);
    assert!(runner.info().timed_out && !runner.info().stop_requested);
}

#[test]
fn the_usage_of_an_ended_process_is_known() {
    let runner = start(command("exit_code").arg("0"));
    runner.wait_blocking(SOON).unwrap();
    assert!(runner.info().usage.unwrap().max_rss > 0);
}

#[test]
fn a_lent_info_stays_as_it_was() {
    let runner = start(command("ticker"));
    let before = runner.info();
    runner.stop_blocking(None).unwrap();
    assert_eq!(before.status, ProcessStatus::Running);
    assert_eq!(runner.info().status, ProcessStatus::Stopped);
}

#[test]
fn dropping_the_last_handle_ends_the_process() {
    let runner = start(command("ticker"));
    let (pid, clone) = (runner.pid() as i32, runner.clone());
    drop(runner);
    assert!(clone.is_running());
    drop(clone);
    common::await_end(pid);
}

#[test]
fn a_stop_from_eight_threads_at_once_is_one_stop() {
    let runner = start(command("ticker"));
    wait_for_line(&mut runner.get_output_stream(), "ready");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| runner.stop_blocking(None).unwrap());
        }
    });
    assert_eq!(runner.info().exit, Some(ExitStatus::Code(0)));
}

#[test]
fn a_suspended_process_is_running_and_its_stop_works() {
    let runner = start(command("ticker").arg("1"));
    let mut stream = runner.get_output_stream();
    wait_for_line(&mut stream, "ready");
    runner.suspend().unwrap();
    assert!(runner.is_running());
    runner.resume().unwrap();
    wait_for_line(&mut stream, "tick 3");
    runner.suspend().unwrap();
    runner.stop_blocking(None).unwrap();
    assert_eq!(runner.info().exit, Some(ExitStatus::Code(0)));
}

#[test]
fn a_signal_out_of_range_or_after_the_end_is_refused() {
    let runner = start(command("exit_code").arg("0"));
    for signal in [-1, 0, 65] {
        let refused = runner.signal(signal).unwrap_err();
        assert!(refused.to_string().contains("invalid signal"), "{refused}");
    }
    runner.wait_blocking(SOON).unwrap();
    assert!(matches!(runner.signal(15), Err(ProcessError::Closed(_))));
}

#[test]
fn who_has_waited_for_the_end_can_signal_nobody() {
    let demanded = [Containment::Guard, Containment::Group, Containment::Process].map(Some);
    for level in [None].into_iter().chain(demanded).cycle().take(120) {
        let command = command("exit_code").arg("0");
        let command = match level {
            Some(level) => command.containment(level),
            None => command,
        };
        let runner = start(command);
        runner.wait_blocking(SOON).unwrap();
        assert!(matches!(runner.signal(15), Err(ProcessError::Closed(_))), "{level:?}");
    }
}

#[test]
fn standalone_runners_have_no_extractor() {
    let refused = ProcessRunner::start_command(Command::binary("tool")).unwrap_err();
    assert!(matches!(refused, ProcessError::BinaryNotFound(name) if name == "tool"));
}
