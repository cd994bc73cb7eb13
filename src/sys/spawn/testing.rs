//! What the conformance cases do to a host of their own: only in tests, and there only in a
//! process that was started for the case.

#![allow(unsafe_code, clippy::unwrap_used)]

use std::io;
use std::os::fd::RawFd;

use super::mask::exchange_mask;

/// Blocks every signal that can be blocked, libc's own included.
pub(crate) fn block_all_signals() {
    block_signals(u64::MAX);
}

/// Blocks these signals (bit n stands for signal n + 1) and no others.
pub(crate) fn block_signals(mask: u64) {
    exchange_mask(mask);
}

/// Ignores every signal that can be ignored, libc's own included.
pub(crate) fn ignore_all_signals() {
    for signal in 1..=64 {
        ignore_signal(signal);
    }
}

/// Ignores one signal.
pub(crate) fn ignore_signal(signal: i32) {
    let action = [libc::SIG_IGN as u64, 0, 0, 0];
    // SAFETY: the action is in the kernel's layout; ignoring runs no code.
    unsafe {
        let old = std::ptr::null_mut::<u64>();
        libc::syscall(libc::SYS_rt_sigaction, signal, action.as_ptr(), old, 8);
    }
}

/// Some of 0, 1, 2 are closed while this lives.
pub(crate) struct ClosedStdio {
    saved: Vec<(RawFd, RawFd)>,
}

impl ClosedStdio {
    /// Closes these.
    pub(crate) fn new(fds: impl IntoIterator<Item = RawFd>) -> Self {
        let close = |fd| {
            // SAFETY: a descriptor of this process, kept under another number.
            let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 200) };
            assert!(copy >= 200, "descriptor {fd} cannot be saved");
            // SAFETY: as above.
            unsafe { libc::close(fd) };
            (fd, copy)
        };
        Self { saved: fds.into_iter().map(close).collect() }
    }
}

impl Drop for ClosedStdio {
    fn drop(&mut self) {
        for (fd, copy) in &self.saved {
            // SAFETY: what stands at `fd` by now is not ours to keep; `copy` is.
            unsafe {
                libc::dup2(*copy, *fd);
                libc::close(*copy);
            }
        }
    }
}

/// Forks this process; the copy ends with the code that `in_copy` gives. Returns its pid.
pub(crate) fn fork_copy(in_copy: impl FnOnce() -> i32) -> i32 {
    // SAFETY: libc's fork(2), whose copy is used like any single-threaded process.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork: {}", io::Error::last_os_error());
    if pid == 0 {
        let code = in_copy();
        // SAFETY: ends the copy without running the test harness's destructors.
        unsafe { libc::_exit(code) };
    }
    pid
}

/// Waits for a forked copy and gives its exit code.
pub(crate) fn exit_code_of(pid: i32) -> i32 {
    let mut status = 0;
    // SAFETY: `status` outlives the call.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert!(libc::WIFEXITED(status), "raw status {status}");
    libc::WEXITSTATUS(status)
}

/// Whether this process has any child, also one that `waitpid(-1)` alone does not find because
/// it has not executed a program.
pub(crate) fn has_children() -> bool {
    // SAFETY: no memory is involved.
    let result = unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG | libc::__WALL) };
    result != -1 || io::Error::last_os_error().raw_os_error() != Some(libc::ECHILD)
}

/// A rule for [`refuse`].
pub(crate) struct Refusal {
    pub(crate) call: libc::c_long,
    /// Only when the first argument has one of these bits; all ones: always.
    pub(crate) flags: u32,
    pub(crate) errno: i32,
}

/// Has the kernel refuse calls of this thread and what it starts, for ever.
pub(crate) fn refuse(rules: &[Refusal]) -> io::Result<()> {
    let mut filter = Vec::new();
    rules.iter().for_each(|rule| filter.extend(instructions(rule)));
    filter.push(statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW));
    let program =
        libc::sock_fprog { len: filter.len().try_into().unwrap(), filter: filter.as_mut_ptr() };
    // SAFETY: the filter outlives the calls.
    let installed = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program)
    };
    if installed == 0 {
        return Ok(());
    }
    Err(io::Error::last_os_error())
}

/// Load the number; skip unless it is this call; load the flags; skip unless one is set; refuse.
fn instructions(rule: &Refusal) -> [libc::sock_filter; 5] {
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let compare = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let test = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;
    let (number, first_argument) = (0, 16);
    // A call without flags to test is refused whatever its argument: skip the test.
    let has_flags = rule.flags != u32::MAX;
    [
        statement(load, number),
        jump(compare, rule.call as u32, if has_flags { 0 } else { 2 }, 3),
        statement(load, first_argument),
        jump(test, rule.flags, 0, 1),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ERRNO | rule.errno as u32),
    ]
}

fn statement(code: u32, k: u32) -> libc::sock_filter {
    jump(code, k, 0, 0)
}

fn jump(code: u32, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt, jf, k }
}

/// Puts a duplicate of `source` under `number`, whoever has that.
pub(crate) fn replace(number: RawFd, source: RawFd) {
    // SAFETY: no memory is involved; the number is the case's to take.
    unsafe { libc::dup3(source, number, libc::O_CLOEXEC) };
}
