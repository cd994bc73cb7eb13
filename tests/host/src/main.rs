//! A host program with one check per mode: what the library does, or must not do, to its host.
//!
//! Usage: `process_manager_host MODE CHILD_DIR`. Prints "ok" and ends with code 0, or panics with
//! what was found. Each mode runs in a process of its own, because each changes or measures state
//! that belongs to the whole process.

mod crowd;
mod deaths;
mod descriptors;
mod forks;
#[path = "../../common/left.rs"]
mod left;
mod memory;
mod signals;
mod threads;
mod waits;

use std::path::PathBuf;
use std::time::Duration;

use process_manager::{Command, ProcessManager};

/// A bound for what happens at once on a healthy machine.
const SOON: Option<Duration> = Some(Duration::from_secs(60));

type Mode = (&'static str, fn(&Children));

const MODES: &[Mode] = &[
    ("signals_are_as_before", signals::are_as_before),
    ("the_thread_takes_no_signals", signals::the_thread_takes_none),
    ("descriptors_are_as_before", descriptors::are_as_before),
    ("descriptor_limit_in_mid_batch", descriptors::limit_in_mid_batch),
    ("descriptors_used_up", descriptors::used_up),
    ("standard_descriptors_closed", descriptors::standard_ones_closed),
    ("sigchld_ignored", waits::sigchld_ignored),
    ("thief_thread", waits::thief_thread),
    ("detached_ends_are_collected", waits::detached_ends_are_collected),
    ("host_reaps_first", waits::host_reaps_first),
    ("forked_copy_owns_nothing", forks::copy_owns_nothing),
    ("forked_copy_holds_no_pipe", forks::copy_holds_no_pipe),
    ("forked_copy_starts_its_own", forks::copy_starts_its_own),
    ("fork_while_others_hold_locks", forks::while_others_hold_locks),
    ("fork_during_a_start", forks::during_a_start),
    ("no_thread_before_and_after", threads::none_before_and_after),
    ("no_thread_without_a_manager", threads::none_without_a_manager),
    ("no_thread_after_the_last_reader", threads::none_after_the_last_reader),
    ("no_thread_for_a_run", threads::none_for_a_run),
    ("a_thread_for_a_directory", threads::one_for_a_directory),
    ("a_thread_for_what_a_run_leaves", threads::one_for_what_a_run_leaves),
    ("eight_threads", threads::eight_at_once),
    ("idle_costs_nothing", threads::idle_costs_nothing),
    ("no_newline_in_bounded_memory", memory::no_newline),
    ("ten_thousand_processes", memory::ten_thousand),
    ("sigpipe_at_default", signals::sigpipe_at_default),
    ("two_hundred_leave_nothing", crowd::two_hundred),
    ("guards_killed_at_random_hang_nothing", crowd::guards_killed_at_random),
    ("die", deaths::die),
];

/// Where the helper children are.
struct Children(PathBuf);

impl Children {
    fn command(&self, name: &str) -> Command {
        Command::new(self.0.join(name)).name(name)
    }
}

/// Starts `count` short processes one after the other and sees each to its end.
fn run_short(children: &Children, manager: &ProcessManager, count: usize) {
    for _ in 0..count {
        let runner = manager.start(children.command("exit_code").arg("0")).expect("starts");
        runner.closed_blocking(SOON).expect("closes");
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let (mode, directory) = (args.next().unwrap_or_default(), args.next().unwrap_or_default());
    let found = MODES.iter().find(|(name, _)| *name == mode);
    let Some((_, check)) = found else {
        let names: Vec<&str> = MODES.iter().map(|(name, _)| *name).collect();
        eprintln!("usage: process_manager_host MODE CHILD_DIR; modes: {}", names.join(" "));
        std::process::exit(2);
    };
    // SAFETY: a bound on the life of this program, should a check hang.
    unsafe { libc::alarm(900) };
    check(&Children(PathBuf::from(directory)));
    println!("ok");
}
