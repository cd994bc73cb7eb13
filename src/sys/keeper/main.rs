//! The keeper: a freestanding program that outlives its host just long enough to clean up.
//!
//! Compiled by build.rs into one small static file without libc, embedded in the library and run
//! by `src/keeper`. It is single-threaded and allocates nothing after its start. Its first
//! argument is the mode: `watch` (one per host), `guard` (one per tree) or `relay` (a guard that sudo
//! starts); any other is the prompt of sudo, which wants the password.

#![no_std]
#![no_main]

mod askpass;
mod cgroup;
mod connect;
mod control;
mod entry;
mod guard;
mod memory;
mod path;
mod process;
#[allow(dead_code)]
#[path = "../../keeper/protocol.rs"]
mod protocol;
mod raw;
mod relay;
mod remove;
mod table;
mod tree;
mod watch;

/// Runs the mode that the arguments name; the result is the exit code.
fn run(args: entry::Args) -> i32 {
    match args.get(1) {
        Some(b"watch") => watch::run(&args),
        Some(b"guard") => guard::run(&args),
        Some(b"relay") => relay::run(&args),
        Some(prompt) => askpass::run(prompt),
        None => 64,
    }
}
