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
        let sleep = sleeps_of(self.pid);
        self.note(sleep, before, Instant::now());
    }

    /// One sleep counts from the end of the first look at it to the beginning of the last.
    fn note(&mut self, sleep: Option<u64>, before: Instant, after: Instant) {
        match (sleep, self.sleep) {
            (Some(number), Some((same, since))) if number == same => {
                self.longest = self.longest.max(before.saturating_duration_since(since));
            }
            (number, _) => self.sleep = number.map(|number| (number, after)),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What sudo's end means after looks at these times (ms), each of which saw this sleep.
    fn meaning(looks: &[(u64, Option<u64>)]) -> SudoErrorKind {
        let start = Instant::now();
        let mut penalty = Penalty::new(0);
        for (at, sleep) in looks {
            let at = start + Duration::from_millis(*at);
            penalty.note(*sleep, at, at);
        }
        meaning_of_end(Some(&penalty))
    }

    #[test]
    fn one_long_sleep_is_the_penalty_for_a_wrong_password() {
        let looks = [(0, None), (20, Some(7)), (300, Some(7)), (520, Some(7)), (540, None)];
        assert_eq!(meaning(&looks), SudoErrorKind::PasswordRejected);
    }

    #[test]
    fn short_sleeps_do_not_add_up() {
        let looks = [(0, Some(7)), (400, Some(7)), (420, Some(8)), (820, Some(8))];
        assert_eq!(meaning(&looks), SudoErrorKind::Refused);
        let awake_between = [(0, Some(7)), (400, None), (420, Some(7)), (820, Some(7))];
        assert_eq!(meaning(&awake_between), SudoErrorKind::Refused);
        assert_eq!(meaning(&[]), SudoErrorKind::Refused);
    }

    #[test]
    fn without_a_password_it_is_a_matter_of_permission() {
        assert_eq!(meaning_of_end(None), SudoErrorKind::NotPermitted);
    }
}
