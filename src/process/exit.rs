//! The process as a source of readiness: what each descriptor and deadline means.

use std::time::{Duration, Instant};

use super::core::{After, Inner, Process};
use super::deadlines::Timer;
use super::input;
use super::state::{Cause, Event};
use crate::command::Descendants;
use crate::reactor::{Ready, Slot, Source, Turn};
use crate::sys::pidfd::Reaped;
use crate::types::ExitStatus;

/// The reactor slot of the pidfd; 1 and 2 are standard output and error.
pub(super) const PIDFD: Slot = 0;
/// The slot of what announces the end of the tree: a guard's socket, a cgroup's events.
pub(super) const HOLDER: Slot = 4;
/// The slot of a guard's own pidfd.
pub(super) const GUARD: Slot = 5;

/// A readable pidfd whose process cannot be collected yet is looked at again after this.
pub(super) const RETRY: Duration = Duration::from_millis(1);

impl Source for Process {
    fn on_ready(&self, slot: Slot, ready: Ready, turn: &mut Turn) {
        match slot {
            PIDFD => self.leader_ready(turn),
            1 | 2 => self.read_pipe(usize::from(slot) - 1, ready, turn),
            input::SLOT => self.input_ready(turn),
            HOLDER => self.holder_ready(turn),
            GUARD => self.guard_ended(turn),
            _ => {}
        }
    }

    fn on_deadline(&self, now: Instant, turn: &mut Turn) {
        let due = self.lock().deadlines.take_due(now);
        for timer in due {
            match timer {
                Timer::Stall => self.stalled(now, turn),
                Timer::Drain => self.drain_due(now, turn),
                Timer::Timeout => self.timed_out(turn),
                Timer::Step => {
                    self.decide(Event::StepDue).tell(self, &mut |waker| turn.wake(waker));
                }
                Timer::Probe => self.probe_due(turn),
            }
        }
        let mut inner = self.lock();
        self.rearm(&mut inner);
    }
}

impl Process {
    /// The pidfd leaves the epoll first: a zombie keeps it readable.
    fn leader_ready(&self, turn: &mut Turn) {
        let mut after = After::default();
        let mut inner = self.lock();
        if let (Some(key), Some(pidfd)) = (self.key.get(), inner.tree.pidfd()) {
            self.reactor().unwatch(*key, PIDFD, pidfd);
        }
        self.collect(&mut inner, &mut after);
        self.rearm(&mut inner);
        drop(inner);
        after.tell(self, &mut |waker| turn.wake(waker));
    }

    /// A guard speaks, or a cgroup has changed.
    fn holder_ready(&self, turn: &mut Turn) {
        let guarded = self.lock().tree.guard().is_some();
        if guarded {
            self.guard_ready(turn)
        } else {
            self.probe_due(turn)
        }
    }

    /// Reaps the leader under the lock, so that no signal can meet a reused group number.
    fn collect(&self, inner: &mut Inner, after: &mut After) {
        if inner.state.ended().is_some() || inner.tree.guard().is_some() {
            return;
        }
        if inner.tree.must_end_before_reap() && self.policy.descendants == Descendants::End {
            self.end_group_before_reap(inner);
        }
        match inner.tree.reap() {
            Ok(Reaped::Ended(exit, usage)) => {
                self.run(inner, Event::LeaderEnded(exit, usage), after);
            }
            Ok(Reaped::NotYet) => {
                inner.deadlines.set(Timer::Probe, Instant::now().checked_add(RETRY));
            }
            Err(error) => {
                log::error!("process {}: its end cannot be collected: {error}", self.id);
                self.run(inner, Event::LeaderEnded(ExitStatus::Unknown, None), after);
            }
        }
    }

    fn end_group_before_reap(&self, inner: &Inner) {
        if let Err(error) = inner.tree.signal(libc::SIGKILL, false) {
            log::warn!("process {}: its group was not ended: {error}", self.id);
        }
    }

    fn timed_out(&self, turn: &mut Turn) {
        let ladder = self.policy.ladder.clone();
        let after = self.decide(Event::Stop(ladder, Cause::TimedOut));
        after.tell(self, &mut |waker| turn.wake(waker));
    }

    fn probe_due(&self, turn: &mut Turn) {
        let mut after = After::default();
        let mut inner = self.lock();
        self.collect(&mut inner, &mut after);
        self.collect_guard(&mut inner, &mut after);
        self.probe(&mut inner, &mut after);
        self.rearm(&mut inner);
        drop(inner);
        after.tell(self, &mut |waker| turn.wake(waker));
    }
}
