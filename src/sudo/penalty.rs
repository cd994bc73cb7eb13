//! Whether sudo has slept since it was given the password, as it does after a wrong one.
//!
//! Where sudoers allows more than one attempt, a wrong password shows by the next prompt. Where it
//! allows one, sudo ends in the same way as when it takes the password and refuses the command; but
//! PAM lets it sleep for 1 to 3 seconds after a wrong one (pam_fail_delay(3)). The kernel tells
//! whether a process has been asleep all the time between two looks, so neither a busy machine nor a
//! slow disk changes anything.

use std::time::{Duration, Instant};

use super::error::SudoErrorKind;
use super::started::sleeps_of;

/// Clearly less than the shortest delay, because a look may come late, and clearly more than
/// anything that a refusal waits for.
const SHORTEST: Duration = Duration::from_millis(500);
/// How often to look.
pub(super) const LOOK: Duration = Duration::from_millis(20);

/// Sudo's sleep since it was given the password.
pub(super) struct Penalty {
    pid: i32,
    /// The sleep that it was last seen in, by number, and the first look at it.
    sleep: Option<(u64, Instant)>,
    longest: Duration,
}

impl Penalty {
    /// Counts from now on.
    pub(super) fn new(pid: i32) -> Self {
        Self { pid, sleep: None, longest: Duration::ZERO }
    }

    /// Takes what the kernel says now.
    pub(super) fn look(&mut self) {
        let before = Instant::now();
        match (sleeps_of(self.pid), self.sleep) {
            (Some(number), Some((same, since))) if number == same => {
                self.longest = self.longest.max(before.saturating_duration_since(since));
            }
            (number, _) => self.sleep = number.map(|number| (number, Instant::now())),
        }
    }

    fn is_served(&self) -> bool {
        self.longest >= SHORTEST
    }
}

/// What it means that sudo has ended without starting anything; `answered` since it was given the
/// password, if it was.
pub(super) fn meaning_of_end(answered: Option<&Penalty>) -> SudoErrorKind {
    match answered {
        None => SudoErrorKind::NotPermitted,
        Some(penalty) if penalty.is_served() => SudoErrorKind::PasswordRejected,
        Some(_) => SudoErrorKind::Refused,
    }
}
