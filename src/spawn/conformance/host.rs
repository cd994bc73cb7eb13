//! The host's side: what it does meanwhile, and what it must not notice.

use super::bench::{limit, shell, under_valgrind, Bench};
use super::{alone, case, Case};
use crate::command::{Command, Stdin};
use crate::sys::spawn::testing;
use crate::types::ExitStatus;

pub(super) const CASES: &[Case] = &[
    case("eight threads start and fail at once", eight_threads),
    alone("1,000 starts leave descriptors as they were", descriptors_kept),
    alone("a forked copy of the host starts children of its own", forked_copy),
    alone("the environment and the working directory of the host stay", host_kept),
];

fn eight_threads(bench: &Bench) {
    let rounds = if under_valgrind() { 3 } else { 20 };
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for round in 0..rounds {
                    let code = thread * 20 + round;
                    let outcome = bench.run(&shell(&format!("echo {code}; exit {code}")));
                    assert_eq!(outcome.exit, ExitStatus::Code(code));
                    assert_eq!(outcome.text(), code.to_string());
                    assert_eq!(bench.refusal(&Command::new("/nowhere")).errno, libc::ENOENT);
                }
            });
        }
    });
}

fn descriptors_kept(bench: &Bench) {
    let count = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let command = shell("exit 0").stdin(Stdin::Pipe);
    bench.run(&command);
    let before = count();
    for _ in 0..1000 {
        assert_eq!(bench.run(&command).exit, ExitStatus::Code(0));
    }
    assert_eq!(count(), before);
    assert!(!testing::has_children());
}

/// Original and copy start at the same time: neither may use the other's stacks or reports.
fn forked_copy(bench: &Bench) {
    let starts = |label: &str| {
        for round in 0..50 {
            let text = format!("{label} {round}");
            assert_eq!(bench.run(&Command::new("/bin/echo").arg(&text)).text(), text);
            assert_eq!(bench.refusal(&Command::new("/nowhere")).errno, libc::ENOENT);
        }
        0
    };
    starts("before");
    let copy = testing::fork_copy(|| starts("copy"));
    starts("original");
    assert_eq!(testing::exit_code_of(copy), 0);
}

fn host_kept(bench: &Bench) {
    let state = || {
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let kept = ["Umask", "Uid", "Gid", "Groups", "Cpus_allowed", "NSpgid", "NSsid"];
        let lines = status.lines().filter(|line| kept.iter().any(|name| line.starts_with(name)));
        let lines: Vec<_> = lines.map(str::to_string).collect();
        (limits, lines, std::env::current_dir().unwrap(), std::env::vars_os().count())
    };
    let before = state();
    let command = shell("exit 0").current_dir("/").umask(0o777).nice(5).env("PM_NEW", "1");
    let command = command.rlimit(limit(libc::RLIMIT_CORE), 0, 0);
    bench.run(&command.affinity(crate::command::Affinity::cpus([0])));
    assert_eq!(state(), before);
}
