//! Which clone mode this host uses: chosen at the first start, kept from then on.
//!
//! `PROCESS_MANAGER_SPAWN=clone3|clone|fork` names the first mode to try; a mode that does not
//! work here gives way to the next. There is no lock: two first starts may both choose, and
//! choose the same.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::{ProcessError, Result, StartError, StartStep};
use crate::sys::spawn::{works, CloneMode};

/// The switch's name.
const VARIABLE: &str = "PROCESS_MANAGER_SPAWN";

/// From the strongest to the one that always works.
const MODES: [(&str, CloneMode); 3] =
    [("clone3", CloneMode::Clone3), ("clone", CloneMode::Clone), ("fork", CloneMode::Fork)];

/// Index in `MODES` + 1; 0 while nothing was chosen.
static CHOSEN: AtomicU8 = AtomicU8::new(0);

/// The mode to use.
///
/// Errors: [`ProcessError::InvalidArgument`] for an unknown name in the environment.
pub(super) fn current() -> Result<CloneMode> {
    let chosen = usize::from(CHOSEN.load(Ordering::Relaxed));
    match MODES.get(chosen.wrapping_sub(1)) {
        Some((_, mode)) => Ok(*mode),
        None => choose_again(),
    }
}

/// Chooses anew, after the kernel has refused what was chosen.
///
/// A host that is short of something right now learns nothing about its kernel: this one start
/// takes the mode that always works, and the next one chooses.
pub(super) fn choose_again() -> Result<CloneMode> {
    for (index, (_, mode)) in MODES.iter().enumerate().skip(preferred()?) {
        match works(*mode) {
            Ok(true) => {
                CHOSEN.store(index as u8 + 1, Ordering::Relaxed);
                return Ok(*mode);
            }
            Ok(false) => {}
            Err(_) => break,
        }
    }
    Ok(CloneMode::Fork)
}

/// The answers by which sandboxes and old kernels refuse a way of cloning.
pub(super) fn is_refusal(error: &StartError) -> bool {
    let refusals = [libc::ENOSYS, libc::EPERM, libc::EINVAL];
    error.step == StartStep::Clone && refusals.contains(&error.errno)
}

/// Index of the first mode to try.
fn preferred() -> Result<usize> {
    let Some(wanted) = std::env::var_os(VARIABLE) else {
        return Ok(if under_valgrind() { MODES.len() - 1 } else { 0 });
    };
    let index = MODES.iter().position(|(name, _)| wanted == *name);
    let reason = || format!("{wanted:?} is none of clone3, clone, fork");
    index.ok_or_else(|| ProcessError::invalid(VARIABLE, reason()))
}

/// valgrind makes a fork of a vfork-style clone. `works` would find that out, but valgrind warns
/// about what is tried. It does not execute by descriptor either.
pub(crate) fn under_valgrind() -> bool {
    let preload = std::env::var_os("LD_PRELOAD").unwrap_or_default();
    preload.to_string_lossy().contains("vgpreload")
}
