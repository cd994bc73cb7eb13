//! From a prepared plan to a running child: the clone, the child's life up to exec, the report.
//!
//! `launch` is the door; `src/spawn` prepares the plan and explains failures. Everything runs on
//! the starting thread. `child`, `descriptors`, `identity` and `proc_fds` run in the child and
//! use `raw` only.

mod child;
mod clone;
mod descriptors;
mod errors;
mod identity;
mod launch;
mod low;
mod mask;
pub(crate) mod pipes;
mod plan;
mod probe;
mod proc_fds;
mod raw;
mod stack;
mod strings;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use clone::Launched;
pub(crate) use launch::launch;
pub(crate) use low::{LowNumbers, SharedNull};
pub(crate) use plan::{ExecFd, Failure, Mapping, Plan};
pub(crate) use probe::works;
pub(crate) use raw::Errno;
pub(crate) use strings::{StringTable, StringTableBuilder};

/// How children are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloneMode {
    /// clone3(2), vfork style; can place the child into a control group.
    Clone3,
    /// clone(2), vfork style.
    Clone,
    /// A copy of the host as with fork(2): for valgrind, emulators and sandboxes.
    Fork,
}
