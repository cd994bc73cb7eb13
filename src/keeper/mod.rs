//! The library's side of the keeper: its file, its control protocol, and those of its
//! modes that a host starts itself.
//!
//! [`Watcher`] is the one keeper per host that ends everything when the host is gone; [`Guard`]
//! the one per process where no cgroup can be had. Both are started through the spawn layer and
//! driven by a [`Channel`] whose descriptor the reactor can watch. Nothing here has a thread.

mod channel;
mod greeting;
mod guard;
mod image;
#[allow(dead_code, reason = "each side of the socket uses its part")]
pub(crate) mod protocol;
mod registration;
#[cfg(test)]
pub(crate) mod tests;
mod watcher;

pub(crate) use channel::{Channel, Incoming};
pub(crate) use greeting::Greeting;
pub(crate) use guard::{arguments as guard_arguments, Guard, GuardEvent, Relayed};
pub(crate) use image::{Image, Installed};
pub(crate) use registration::{Place, Registration};
pub(crate) use watcher::{Watched, Watcher};
