//! One process: its state machine, its descriptors, and the handle that callers hold.
//!
//! `core` is the shared part and the reactor's source; `state` decides, `core` does; `runner` is
//! the public face.

mod core;
mod deadlines;
mod engine;
mod exit;
mod guarded;
mod handle;
mod hold;
mod input;
mod launch;
#[cfg(all(test, not(loom)))]
#[allow(clippy::unwrap_used)]
mod launch_tests;
mod observer;
mod pipes;
mod runner;
mod snapshots;
mod standalone;
mod state;
#[cfg(test)]
mod state_tests;
mod survivors;
mod tidier;
mod tree;
mod wait;
mod wakers;
mod widen;
mod write;
mod writer;

pub(crate) use self::core::Process;
pub(crate) use engine::Engine;
pub(crate) use handle::{detach, note_awaited, DROP_WAIT};
pub(crate) use launch::{launch, Launch, Origin};
pub(crate) use observer::{Notice, Observer};
pub use runner::ProcessRunner;
pub(crate) use wait::Moment;
pub use wait::{Closed, Exit, Stopped};
pub use writer::StdinWriter;
