//! Hosts in which the kernel refuses what is normally used: seccomp sandboxes.

use super::bench::{finish, shell, Bench};
use super::{alone, Case};
use crate::command::Command;
use crate::error::ProcessError;
use crate::spawn::{mode, spawn, CloneMode, SpawnContext};
use crate::sys::spawn::testing::{refuse, Refusal};

pub(super) const CASES: &[Case] = &[
    alone("where close_range is refused, nothing leaks either", no_close_range),
    alone("where clone3 is refused, clone serves", no_clone3),
    alone("where sharing memory is refused, fork serves", no_vfork),
    alone("a sandbox that is closed after the first start", closed_later),
    alone("an unknown mode in the environment is refused by name", bad_mode),
    alone("the mode named in the environment is used", named_mode),
];

const ALWAYS: u32 = u32::MAX;

/// Installs the filter, or says why the case is skipped.
fn sandboxed(rules: &[Refusal]) -> bool {
    match refuse(rules) {
        Ok(()) => true,
        Err(error) => {
            println!("skipped: no seccomp filter can be installed: {error}");
            false
        }
    }
}

fn no_close_range(bench: &Bench) {
    let leak = rustix::io::dup(std::fs::File::open("/dev/null").unwrap()).unwrap();
    let leaks: Vec<_> = (0..100).map(|_| rustix::io::dup(&leak).unwrap()).collect();
    let rule = Refusal { call: libc::SYS_close_range, flags: ALWAYS, errno: libc::ENOSYS };
    if sandboxed(&[rule]) {
        let file = std::fs::File::open("/dev/zero").unwrap();
        let list = "ls /proc/self/fd | sort -n | tr '\\n' ' '";
        let text = bench.run(&shell(list).extra_fd(file.into(), 50)).text();
        assert_eq!(text, "0 1 2 3 50");
        assert_eq!(leaks.len(), 100);
    }
}

/// Starts by way of the automatic choice of mode, whatever mode the suite runs in.
fn start_unguided() -> Result<CloneMode, ProcessError> {
    std::env::remove_var("PROCESS_MANAGER_SPAWN");
    start_somehow()
}

/// Starts in the mode that the environment names, if it names one.
fn start_somehow() -> Result<CloneMode, ProcessError> {
    let command = Command::new("/bin/echo").arg("here");
    let program = std::path::Path::new("/bin/echo");
    let context = SpawnContext { program, exec_fd: None, cgroup: None, pid_namespace: false };
    assert_eq!(finish(spawn(&command, &context)?).text(), "here");
    mode::current()
}

fn clone3_rule() -> Refusal {
    Refusal { call: libc::SYS_clone3, flags: ALWAYS, errno: libc::ENOSYS }
}

fn vfork_rule() -> Refusal {
    Refusal { call: libc::SYS_clone, flags: libc::CLONE_VFORK as u32, errno: libc::EPERM }
}

fn no_clone3(_: &Bench) {
    if sandboxed(&[clone3_rule()]) {
        assert_eq!(start_unguided().unwrap(), CloneMode::Clone);
    }
}

fn no_vfork(_: &Bench) {
    if sandboxed(&[clone3_rule(), vfork_rule()]) {
        assert_eq!(start_unguided().unwrap(), CloneMode::Fork);
    }
}

fn closed_later(_: &Bench) {
    assert_eq!(start_unguided().unwrap(), CloneMode::Clone3);
    if sandboxed(&[clone3_rule(), vfork_rule()]) {
        assert_eq!(start_unguided().unwrap(), CloneMode::Fork);
    }
}

fn bad_mode(_: &Bench) {
    std::env::set_var("PROCESS_MANAGER_SPAWN", "vfork");
    let Err(ProcessError::InvalidArgument { argument, reason }) = start_somehow() else {
        panic!("an unknown mode must be refused");
    };
    assert_eq!(argument, "PROCESS_MANAGER_SPAWN");
    assert!(reason.contains("vfork") && reason.contains("clone3"), "{reason}");
}

fn named_mode(bench: &Bench) {
    std::env::set_var("PROCESS_MANAGER_SPAWN", format!("{:?}", bench.mode).to_lowercase());
    assert_eq!(start_somehow().unwrap(), bench.mode);
}
