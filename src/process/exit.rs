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

/// A readable pidfd whose process cannot be collected yet is looked at again after this.
const RETRY: Duration = Duration::from_millis(1);

impl Source for Process {
    fn on_ready(&self, slot: Slot, ready: Ready, turn: &mut Turn) {
        match slot {
            PIDFD => self.leader_ready(turn),
            1 | 2 => self.read_pipe(usize::from(slot) - 1, ready, turn),
            input::SLOT => self.input_ready(turn),
            _ => {}
        }
    }

    fn on_deadline(&self, now: Instant, turn: &mut Turn) {
        let due = self.lock().deadlines.take_due(now);
        for timer in due {
            match timer {
                Timer::Stall => self.stalled(now),
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
        if let Some(key) = self.key.get() {
            self.reactor.unwatch(*key, PIDFD, self.tree.pidfd());
        }
        let mut after = After::default();
        let mut inner = self.lock();
        self.collect(&mut inner, &mut after);
        self.rearm(&mut inner);
        drop(inner);
        after.tell(self, &mut |waker| turn.wake(waker));
    }

    /// Reaps the leader under the lock, so that no signal can meet a reused group number.
    fn collect(&self, inner: &mut Inner, after: &mut After) {
        if inner.state.ended().is_some() {
            return;
        }
        if self.tree.must_end_before_reap() && self.policy.descendants == Descendants::End {
            self.end_group_before_reap();
        }
        match self.tree.reap() {
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

    fn end_group_before_reap(&self) {
        if let Err(error) = self.tree.signal(libc::SIGKILL, false) {
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
        self.probe(&mut inner, &mut after);
        drop(inner);
        after.tell(self, &mut |waker| turn.wake(waker));
    }
}
