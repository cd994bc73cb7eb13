//! The library's side of the keeper: its file, its control protocol, its two modes.
//!
//! [`Watcher`] is the one keeper per host that ends everything when the host is gone; [`Guard`]
//! the one per process where no cgroup can be had. Both are started through the spawn layer and
//! driven by a [`Channel`] whose descriptor the reactor can watch. Nothing here has a thread.

// Until `process` starts its first guard.
#![allow(dead_code, unused_imports)]

mod channel;
mod guard;
mod image;
pub(crate) mod protocol;
#[cfg(test)]
pub(crate) mod tests;
mod watcher;

pub(crate) use channel::Channel;
pub(crate) use guard::{Guard, GuardEvent, Reach};
pub(crate) use image::Image;
pub(crate) use watcher::{Place, Registration, Watched, Watcher};
