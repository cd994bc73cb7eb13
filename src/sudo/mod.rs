//! Starting as another user: sudo starts the keeper's relay, the relay starts the command.
//!
//! [`authenticate`] runs sudo up to the relay's hello; [`Relay::start`] hands the command over, and
//! from then on the relay is a guard. In direct mode sudo starts the command itself, and [`Direct`]
//! answers its question. All block the calling thread, bounded, until [`Cancel`] says
//! that nobody waits any more.

mod askpass;
mod cancel;
mod connect_back;
mod direct;
mod environment;
mod error;
mod exchange;
mod hand_over;
mod listener;
mod locate;
mod options;
mod penalty;
mod relay;
mod secret;
mod started;

pub(crate) use cancel::Cancel;
pub(crate) use direct::Direct;
pub use error::{SudoError, SudoErrorKind};
pub use options::{SudoMode, SudoOptions};
pub(crate) use relay::{authenticate, Relay};
