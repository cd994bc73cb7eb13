//! Starting as another user: sudo starts the keeper's relay, the relay starts the command.
//!
//! [`authenticate`] runs sudo up to the relay's hello; [`Relay::start`] hands the command over, and
//! from then on the relay is a guard. Both block the calling thread, bounded.

mod connect_back;
mod environment;
mod error;
mod exchange;
mod hand_over;
mod listener;
mod locate;
mod options;
mod relay;
mod secret;

pub use error::{SudoError, SudoErrorKind};
pub use options::SudoOptions;
pub(crate) use relay::{authenticate, Relay};
