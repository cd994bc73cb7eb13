//! Starts through sudo that are awaited: the talk is elsewhere, and can be given up.

use std::future::Future;
use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Waker};

use futures::executor::block_on;
use process_manager::{ProcessManager, SudoErrorKind, SudoMode, SudoOptions};

use crate::cases::{kind_of, no_child_is_left, options, output, shell, SOON};
use crate::{able, attempts, check, eventually, ALL, PASSWORD};

#[test]
fn an_awaited_start_works_as_a_blocking_one() {
    check(Some(PASSWORD), Some(ALL), "awaited", PASSWORD);
}

#[test]
fn an_awaited_start_that_is_dropped_at_the_prompt_leaves_nothing() {
    check(Some(PASSWORD), Some(ALL), "dropped at the prompt", PASSWORD);
}

#[test]
fn an_awaited_start_that_is_dropped_in_the_delay_leaves_nothing() {
    if able() {
        assert_eq!(attempts("", ALL, "dropped in the delay", b"wrong horse"), 1);
    }
}

/// Plays the host, if the case is one of these.
pub fn play(case: &str) -> bool {
    match case {
        "awaited" => awaited(),
        "dropped at the prompt" => dropped_at_the_prompt(),
        "dropped in the delay" => dropped_in_the_delay(),
        _ => return false,
    }
    true
}

fn awaited() {
    for mode in [SudoMode::Relay, SudoMode::Direct] {
        let manager = ProcessManager::default();
        let start = manager.start_with_sudo_options_async(shell("id -u"), options().mode(mode));
        let runner = block_on(start).unwrap();
        assert_eq!(output(&runner), ["0"]);
        let start = manager
            .start_with_sudo_options_async(shell("id"), SudoOptions::new().mode(mode).ask(|| None));
        assert_eq!(kind_of(block_on(start)), SudoErrorKind::NoPassword);
    }
}

/// The question is answered only after the future has gone.
fn dropped_at_the_prompt() {
    let manager = ProcessManager::default();
    let (asked, is_asked) = mpsc::channel();
    let (answer, answered) = mpsc::channel();
    let options = SudoOptions::new().ask(move || {
        asked.send(()).unwrap();
        answered.recv().ok()
    });
    {
        let mut start = pin!(manager.start_with_sudo_options_async(shell("id"), options));
        assert!(start.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        is_asked.recv_timeout(SOON.unwrap()).unwrap();
    }
    drop(answer);
    the_talk_ends(&manager);
}

/// Sudo itself delays its answer, ignoring everything but KILL.
fn dropped_in_the_delay() {
    let manager = ProcessManager::default();
    {
        let mut start = pin!(manager.start_with_sudo_options_async(shell("id"), options()));
        assert!(start.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        // Counted by PAM before the delay, in the home directory, which is the current one.
        eventually(|| std::fs::read("attempts").unwrap_or_default(), |text| !text.is_empty());
    }
    the_talk_ends(&manager);
}

fn the_talk_ends(manager: &ProcessManager) {
    let talks = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|name| name.starts_with("pm-sudo")).collect::<Vec<_>>()
    };
    eventually(talks, Vec::is_empty);
    no_child_is_left();
    assert_eq!(manager.get_process_count(), 0);
}
