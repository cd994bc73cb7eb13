//! One list of cases that every clone mode must pass in the same way.
//!
//! Cases that change the state of their process run in a host of their own: this test binary,
//! started again for the one case. The list runs natively in each mode, and under valgrind with
//! `valgrind --trace-children=no --child-silent-after-fork=yes --leak-check=full
//! --errors-for-leak-kinds=definite --error-exitcode=99 TEST_BINARY conformance` (the test harness
//! itself leaves what is possibly lost), where the vfork modes say that they are skipped and why.

#![allow(clippy::unwrap_used, clippy::panic)]

mod attributes;
mod basics;
mod bench;
mod cgroup;
mod crowded;
mod descriptors;
mod host;
mod identity;
mod lookups;
mod refusals;
mod sandbox;
mod signals;
mod spaced;
mod stdio;

use super::CloneMode;
use bench::{under_valgrind, Bench};

/// One rule and its proof.
struct Case {
    name: &'static str,
    run: fn(&Bench),
    needs: Needs,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Nothing: it may share its process with others.
    Nothing,
    /// A process of its own, because it changes the state of its process.
    OwnHost,
    /// The kernel itself: valgrind replaces execve(2) by checks of its own and ends a child whose
    /// exec fails after they passed; it cannot execute memory files; it emulates RLIMIT_NOFILE.
    Kernel,
}

const fn case(name: &'static str, run: fn(&Bench)) -> Case {
    Case { name, run, needs: Needs::Nothing }
}

const fn alone(name: &'static str, run: fn(&Bench)) -> Case {
    Case { name, run, needs: Needs::OwnHost }
}

const fn native(name: &'static str, run: fn(&Bench)) -> Case {
    Case { name, run, needs: Needs::Kernel }
}

/// All cases.
fn cases() -> impl Iterator<Item = &'static Case> {
    let lists = [
        basics::CASES,
        lookups::CASES,
        refusals::CASES,
        stdio::CASES,
        descriptors::CASES,
        crowded::CASES,
        signals::CASES,
        attributes::CASES,
        identity::CASES,
        cgroup::CASES,
        host::CASES,
        sandbox::CASES,
        spaced::CASES,
    ];
    lists.into_iter().flatten()
}

fn check(mode: CloneMode) {
    if crate::sys::spawn::works(mode) != Ok(true) {
        println!("skipped: {mode:?} does not work here (refused, or made a fork of)");
        return;
    }
    for case in cases() {
        println!("{mode:?}: {}", case.name);
        match case.needs {
            Needs::OwnHost => own_host::run(mode, case),
            Needs::Kernel if under_valgrind() => println!("  skipped: valgrind emulates the call"),
            _ => (case.run)(&Bench { mode }),
        }
    }
}

#[test]
fn every_case_under_clone3() {
    check(CloneMode::Clone3);
}

#[test]
fn every_case_under_clone() {
    check(CloneMode::Clone);
}

#[test]
fn every_case_under_fork() {
    check(CloneMode::Fork);
}

/// Running one case in a process of its own.
mod own_host {
    use std::process;

    use super::{cases, Bench, Case, CloneMode};

    /// Carries mode and name of the case.
    const VARIABLE: &str = "PROCESS_MANAGER_CONFORMANCE_CASE";

    const ENTRY: &str = "spawn::conformance::own_host::case_in_this_process";

    pub(super) fn run(mode: CloneMode, case: &Case) {
        let mut command = process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", ENTRY, "--nocapture", "--test-threads=1"]);
        command.env(VARIABLE, format!("{mode:?} {}", case.name));
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        String::from_utf8_lossy(&output.stdout)
            .lines()
            // Behind "test NAME ... " when it is the first that the test prints.
            .filter_map(|line| line.split_once("skipped: "))
            .for_each(|(_, why)| println!("  skipped: {why}"));
        assert!(output.status.success(), "{mode:?}: {}: {text}", case.name);
    }

    /// Does nothing unless it was started for a case.
    #[test]
    fn case_in_this_process() {
        let Ok(wanted) = std::env::var(VARIABLE) else { return };
        let (mode, name) = wanted.split_once(' ').unwrap();
        let modes = [CloneMode::Clone3, CloneMode::Clone, CloneMode::Fork];
        let mode = modes.into_iter().find(|known| format!("{known:?}") == mode).unwrap();
        let case = cases().find(|case| case.name == name).unwrap();
        (case.run)(&Bench { mode });
    }
}
