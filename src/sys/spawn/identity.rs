//! The child's change of user: groups, then group, then user, then the proof. Child side only.

#![allow(unsafe_code)]

use super::child::step;
use super::plan::Failure;
use super::raw::{syscall, Errno};
use crate::command::UserSpec;
use crate::error::StartStep;

/// Takes on the user and groups. The groups go first: without its user the child may not.
///
/// # Safety
/// To be called in the child only.
pub(super) unsafe fn assume(user: &UserSpec) -> Result<(), Failure> {
    // SAFETY: only this process's credentials are changed.
    unsafe {
        if let Some((count, list)) = groups(user) {
            step(StartStep::Groups, syscall!(SYS_setgroups, count, list))?;
        }
        if let Some(gid) = user.gid {
            step(StartStep::SetGid, syscall!(SYS_setresgid, gid, gid, gid))?;
            step(StartStep::SetGid, verify(libc::SYS_getresgid, gid))?;
        }
        if let Some(uid) = user.uid {
            step(StartStep::SetUid, syscall!(SYS_setresuid, uid, uid, uid))?;
            step(StartStep::SetUid, verify(libc::SYS_getresuid, uid))?;
        }
    }
    Ok(())
}

/// A change of user without named groups drops them all: the host's (root's) must not stay.
#[inline(always)]
fn groups(user: &UserSpec) -> Option<(usize, *const u32)> {
    match &user.groups {
        Some(groups) => Some((groups.len(), groups.as_ptr())),
        None => user.uid.map(|_| (0, core::ptr::null())),
    }
}

/// Real, effective and saved id must all be the wanted one; a child that keeps another is not
/// allowed to run.
unsafe fn verify(call: libc::c_long, wanted: u32) -> Result<(), Errno> {
    let mut ids = [0u32; 3];
    let first = ids.as_mut_ptr();
    let places = [first as usize, first.wrapping_add(1) as usize, first.wrapping_add(2) as usize];
    let [real, effective, saved] = places;
    // SAFETY: the three places are the words of `ids`.
    unsafe { super::raw::call(call, [real, effective, saved, 0, 0, 0])? };
    if ids.iter().all(|id| *id == wanted) {
        return Ok(());
    }
    Err(libc::EPERM)
}
