//! The deadlines of one process; the reactor is told only the earliest.

use std::time::Instant;

/// What a deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The process's own timeout.
    Timeout,
    /// The grace of the current stop step.
    Step,
    /// A silent pipe that somebody else holds after the end.
    Drain,
    /// A reader that does not consume while the log is full.
    Stall,
    /// The next look at what cannot announce itself: a group's emptiness, an uncollectable end.
    Probe,
}

const ALL: [Timer; 5] = [Timer::Timeout, Timer::Step, Timer::Drain, Timer::Stall, Timer::Probe];

/// The deadlines that are set.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    at: [Option<Instant>; ALL.len()],
}

impl Deadlines {
    /// Sets or clears one.
    pub(crate) fn set(&mut self, timer: Timer, at: Option<Instant>) {
        self.at[timer as usize] = at;
    }

    /// Clears all.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The earliest one.
    pub(crate) fn earliest(&self) -> Option<Instant> {
        self.at.iter().flatten().min().copied()
    }

    /// Takes out those that have passed.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<Timer> {
        let is_due = |timer: &Timer| self.at[*timer as usize].is_some_and(|at| at <= now);
        let due: Vec<Timer> = ALL.into_iter().filter(is_due).collect();
        due.iter().for_each(|timer| self.set(*timer, None));
        due
    }
}
