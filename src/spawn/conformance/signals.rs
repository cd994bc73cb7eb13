//! The child starts with a clean slate of signals, and the host keeps its own.

use super::bench::{Bench, Outcome};
use super::{alone, case, Case};
use crate::command::Command;
use crate::sys::spawn::testing;
use crate::types::ExitStatus;

pub(super) const CASES: &[Case] = &[
    case("a child blocks and ignores nothing", clean),
    alone("not even where its host blocks and ignores everything", clean_in_spite_of_the_host),
    alone("the host's mask is what it was after a start and after a failure", mask_kept),
    alone("a host that ignores SIGCHLD starts children", without_sigchld),
];

/// The signal lines of a process's status.
fn signal_lines(status: &str) -> Vec<String> {
    let wanted = ["SigBlk", "SigIgn", "SigCgt"];
    let lines = status.lines().filter(|line| wanted.iter().any(|name| line.starts_with(name)));
    lines.map(str::to_string).collect()
}

fn child_signals(bench: &Bench) -> Outcome {
    bench.run(&Command::new("/bin/cat").arg("/proc/self/status"))
}

fn clean(bench: &Bench) {
    let zero = "0000000000000000";
    let expected: Vec<_> =
        ["SigBlk", "SigIgn", "SigCgt"].iter().map(|name| format!("{name}:\t{zero}")).collect();
    assert_eq!(signal_lines(&child_signals(bench).text()), expected);
}

fn clean_in_spite_of_the_host(bench: &Bench) {
    testing::ignore_all_signals();
    testing::block_all_signals();
    testing::ignore_signal(libc::SIGCHLD);
    let spawned = bench.start(&Command::new("/bin/cat").arg("/proc/self/status")).unwrap();
    let text = super::bench::drain(spawned.stdout.unwrap());
    for line in signal_lines(&String::from_utf8(text).unwrap()) {
        assert!(line.ends_with("0000000000000000"), "{line}");
    }
}

fn own_signals() -> Vec<String> {
    signal_lines(&std::fs::read_to_string("/proc/thread-self/status").unwrap())
}

fn mask_kept(bench: &Bench) {
    // One of the standard signals and one of libc's own.
    testing::block_signals(1 << (libc::SIGUSR1 - 1) | 1 << 32);
    let before = own_signals();
    assert_eq!(before.first().map(String::as_str), Some("SigBlk:\t0000000100000200"));
    assert_eq!(child_signals(bench).exit, ExitStatus::Code(0));
    assert_eq!(own_signals(), before);
    bench.refusal(&Command::new("/nowhere/at-all"));
    assert_eq!(own_signals(), before);
}

fn without_sigchld(bench: &Bench) {
    testing::ignore_signal(libc::SIGCHLD);
    bench.refusal(&Command::new("/nowhere/at-all"));
    let spawned = bench.start(&Command::new("/bin/echo").arg("here")).unwrap();
    assert_eq!(super::bench::drain(spawned.stdout.unwrap()), b"here\n");
}
