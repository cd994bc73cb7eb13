//! The host is left alone: each rule is checked in a host program of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::process::Command;

fn host(mode: &str) {
    let directory = common::child("exit_code").parent().unwrap().to_owned();
    let output = Command::new(common::child("process_manager_host"))
        .arg(mode)
        .arg(&directory)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && output.stdout == b"ok\n", "{mode}: {errors}");
    // What the host could not look at must show in the test's own output.
    let is_skip = |line: &&str| line.trim_start().starts_with("skipped: ");
    errors.lines().filter(is_skip).for_each(|line| println!("{line}"));
}

macro_rules! hosts {
    ($($mode:ident),* $(,)?) => { $( #[test] fn $mode() { host(stringify!($mode)); } )* };
}

hosts! {
    signals_are_as_before,
    the_thread_takes_no_signals,
    descriptors_are_as_before,
    descriptor_limit_in_mid_batch,
    descriptors_used_up,
    standard_descriptors_closed,
    sigchld_ignored,
    thief_thread,
    detached_ends_are_collected,
    host_reaps_first,
    forked_copy_owns_nothing,
    forked_copy_holds_no_pipe,
    forked_copy_starts_its_own,
    fork_while_others_hold_locks,
    fork_during_a_start,
    no_thread_before_and_after,
    no_thread_without_a_manager,
    no_thread_after_the_last_reader,
    no_thread_for_a_run,
    a_thread_for_a_directory,
    a_thread_for_what_a_run_leaves,
    eight_threads,
    idle_costs_nothing,
    no_newline_in_bounded_memory,
    ten_thousand_processes,
    sigpipe_at_default,
    two_hundred_leave_nothing,
    guards_killed_at_random_hang_nothing,
}
