//! Whether sudo has slept since it was given the password, as it does after a wrong one.
//!
//! Where sudoers allows more than one attempt, a wrong password shows by the next prompt. Where it
//! allows one, sudo ends in the same way as when it takes the password and refuses the command; but
//! PAM lets it sleep for 1 to 3 seconds after a wrong one (pam_fail_delay(3)). The kernel tells how
//! long a process ran and waited for a CPU, the rest is sleep, so a busy machine changes nothing.

use std::time::{Duration, Instant};

use super::error::SudoErrorKind;
use super::started::line_of;

/// Clearly less than the shortest delay, because the end may be noticed late, and clearly more than
/// a refusal takes.
const SHORTEST: Duration = Duration::from_millis(600);
/// How often to look.
pub(super) const LOOK: Duration = Duration::from_millis(20);

/// Sudo's use of time since it was given the password.
pub(super) struct Penalty {
    pid: i32,
    since: Instant,
    /// When sudo was last seen alive.
    until: Instant,
    /// The time that was no sleep: at `since`, and at `until`.
    busy: [Duration; 2],
}

impl Penalty {
    /// Counts from now on.
    pub(super) fn new(pid: i32) -> Self {
        let (now, busy) = (Instant::now(), busy(pid).unwrap_or_default());
        Self { pid, since: now, until: now, busy: [busy; 2] }
    }

    /// Takes what the kernel says now, if sudo lives: a process that has ended has no command line.
    pub(super) fn look(&mut self) {
        let now = Instant::now();
        if let (false, Some(busy)) = (line_of(self.pid).is_empty(), busy(self.pid)) {
            (self.until, self.busy[1]) = (now, busy);
        }
    }

    fn is_served(&self) -> bool {
        let [before, after] = self.busy;
        let lived = self.until.saturating_duration_since(self.since);
        lived.saturating_sub(after.saturating_sub(before)) >= SHORTEST
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

/// Time on a CPU and waiting for one: the first two numbers, in nanoseconds (proc(5), schedstat).
fn busy(pid: i32) -> Option<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?;
    let mut numbers = text.split_whitespace().filter_map(|number| number.parse().ok());
    let (ran, waited): (u64, u64) = (numbers.next()?, numbers.next()?);
    Some(Duration::from_nanos(ran.saturating_add(waited)))
}
