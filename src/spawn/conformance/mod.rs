//! One list of cases that every clone mode must pass in the same way.
//!
//! `make test` runs it in each mode. Under valgrind:
//! `valgrind --leak-check=full --error-exitcode=99 TEST_BINARY conformance`.

#![allow(clippy::unwrap_used, clippy::panic)]

mod basics;
mod bench;

use super::CloneMode;
use bench::Bench;

/// One rule and its proof.
struct Case {
    name: &'static str,
    run: fn(&Bench),
}

fn check(mode: CloneMode) {
    if !crate::sys::spawn::works(mode) {
        println!("skipped: {mode:?} does not work here (refused, or made a fork of)");
        return;
    }
    let bench = Bench { mode };
    for case in basics::CASES {
        println!("{mode:?}: {}", case.name);
        (case.run)(&bench);
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
