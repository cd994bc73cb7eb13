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
    chosen().map_or_else(choose_again, Ok)
}

fn chosen() -> Option<CloneMode> {
    let chosen = usize::from(CHOSEN.load(Ordering::Relaxed));
    MODES.get(chosen.wrapping_sub(1)).map(|(_, mode)| *mode)
}

/// The mode that would be tried first, while none was chosen.
///
/// Errors: those of [`current`].
pub(super) fn untried() -> Result<Option<CloneMode>> {
    match chosen() {
        Some(_) => Ok(None),
        None => preferred().map(|index| Some(MODES[index].1)),
    }
}

/// A start has shown that the mode works here.
pub(super) fn keep(mode: CloneMode) {
    let index = MODES.iter().position(|(_, other)| *other == mode);
    CHOSEN.store(index.map_or(0, |index| index as u8 + 1), Ordering::Relaxed);
}

/// Chooses anew, after the kernel has refused what was chosen.
///
/// A host that is short of something right now learns nothing about its kernel: this one start
/// takes the mode that always works, and the next one chooses.
pub(super) fn choose_again() -> Result<CloneMode> {
    for (_, mode) in MODES.iter().skip(preferred()?) {
        match works(*mode) {
            Ok(true) => {
                keep(*mode);
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
