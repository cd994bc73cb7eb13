//! Control groups (v2): the strongest containment, where this host may make some of its own.
//!
//! [`Subtree`] is the host's own directory with one child cgroup per process; [`Cgroup`] is one of
//! those, from the moment before the process is cloned into it to the proof that it is empty. The
//! host's directory is registered with the watcher, so that all of it ends with the host.
//! Called by the process module on any thread; nothing here waits unless it says so.

mod files;
mod find;
mod group;
mod kill;
mod pool;
mod remove;
mod reserve;
mod subtree;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub(crate) use group::{Cgroup, Events};
pub(crate) use kill::Leader;
pub(crate) use subtree::Subtree;
