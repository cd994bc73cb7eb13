//! The parent's side of a start: clone, and learn whether the program runs.
//!
//! No mode can wait for ever, with one exception that is the kernel's: while execve(2) reads the
//! program from a network mount whose server is dead, a vfork parent waits with it (it can be
//! killed). In the fork modes the wait is bounded.

#![allow(unsafe_code)]

use core::ffi::c_void;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use super::child::{self, Child};
use super::clone::{self, Launched};
use super::errors;
use super::low;
use super::mask::BlockedSignals;
use super::pipes;
use super::plan::{Failure, Plan, Report};
use super::raw::Errno;
use super::stack::Stack;
use super::CloneMode;
use crate::error::StartStep;
use crate::sys::high::clear_of_stdio;
use crate::sys::pidfd;

/// Makes a child that carries out `plan` and returns when it has become its program.
///
/// A child that fails is reaped before this returns.
pub(crate) fn launch(mode: CloneMode, plan: &Plan<'_>) -> Result<Launched, Failure> {
    match mode {
        CloneMode::Fork => launch_fork(plan),
        CloneMode::Clone3 if low::is_worth_it(plan) => launch_crowded(plan),
        CloneMode::Clone3 | CloneMode::Clone => launch_vfork(mode, plan, None),
    }
}

/// Without a copy of the host's large table, or with one where that is not to be had.
fn launch_crowded(plan: &Plan<'_>) -> Result<Launched, Failure> {
    let mode = CloneMode::Clone3;
    match low::with_low(plan, |first| launch_vfork(mode, plan, Some(first))) {
        Some(Err(failure)) if low::is_table_refused(&failure) => launch_vfork(mode, plan, None),
        Some(result) => result,
        None => launch_vfork(mode, plan, None),
    }
}

fn launch_vfork(
    mode: CloneMode,
    plan: &Plan<'_>,
    shares_up_to: Option<RawFd>,
) -> Result<Launched, Failure> {
    // clone3 places the child itself; otherwise the child has to do it.
    let (placed_in, enters) = match mode {
        CloneMode::Clone3 => (plan.cgroup, None),
        _ => (None, plan.cgroup),
    };
    let report = Report::default();
    let (error_fd, mut flags) = (-1, namespace_flag(plan));
    if shares_up_to.is_some() {
        flags |= libc::CLONE_FILES;
    }
    let mut child = Child { plan, report: &report, error_fd, cgroup: enters, shares_up_to };
    let argument = (&raw mut child).cast::<c_void>();
    let stack = Stack::take().map_err(refused)?;
    let blocked = BlockedSignals::new();
    // SAFETY: `child` is used by nobody else until the clone returns, by which time the child
    // has a memory of its own or has ended; the stack is ours.
    let launched = unsafe {
        match mode {
            CloneMode::Clone3 => clone::clone3(&stack, placed_in, flags, child::run, argument),
            _ => clone::clone(&stack, flags, child::run, argument),
        }
    };
    drop(blocked);
    let launched = launched.map_err(|errno| refused_in(plan, placed_in.is_some(), errno))?;
    let is_shared = report.has_begun();
    settle(Launched { is_shared, ..launched }, report.get())
}

fn launch_fork(plan: &Plan<'_>) -> Result<Launched, Failure> {
    let failed = |errno| Failure::new(StartStep::Prepare, errno);
    let (read_end, write_end) = pipes::read_nonblocking().map_err(failed)?;
    let report = Report::default();
    let (error_fd, cgroup) = (write_end.as_raw_fd(), plan.cgroup);
    let mut child = Child { plan, report: &report, error_fd, cgroup, shares_up_to: None };
    let argument = (&raw mut child).cast::<c_void>();
    let blocked = BlockedSignals::new();
    // SAFETY: the child works on a copy of `child`.
    let launched = unsafe { clone::fork(namespace_flag(plan), child::run, argument) };
    drop(blocked);
    drop(write_end);
    let launched = launched.map_err(|errno| refused_in(plan, false, errno))?;
    let failure = errors::receive(read_end.as_fd(), &launched);
    settle(launched, failure)
}

fn settle(launched: Launched, failure: Option<Failure>) -> Result<Launched, Failure> {
    let Some(failure) = failure else {
        let pidfd = clear_of_stdio(launched.pidfd);
        return Ok(Launched { pidfd, ..launched });
    };
    pidfd::collect(launched.pidfd.as_fd());
    Err(failure)
}

fn refused(errno: Errno) -> Failure {
    Failure::new(StartStep::Clone, errno)
}

fn namespace_flag(plan: &Plan<'_>) -> libc::c_int {
    if plan.pid_namespace {
        libc::CLONE_NEWPID
    } else {
        0
    }
}

/// clone3 speaks of the control group with errors that it has for nothing else. A namespace that
/// is refused is no reason to try another way of cloning.
fn refused_in(plan: &Plan<'_>, cgroup: bool, errno: Errno) -> Failure {
    let about_namespace = [libc::EPERM, libc::EINVAL, libc::ENOSPC];
    if plan.pid_namespace && about_namespace.contains(&errno) {
        return Failure::new(StartStep::Contain, errno);
    }
    let about_clone = [libc::EAGAIN, libc::ENOMEM, libc::ENOSYS, libc::EPERM, libc::EINVAL];
    match cgroup && !about_clone.contains(&errno) {
        true => Failure::new(StartStep::Contain, errno),
        false => refused(errno),
    }
}
