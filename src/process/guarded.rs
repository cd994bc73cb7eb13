//! What a guard says, as events of the process.
//!
//! A guard is a child of the host that ends after its last word. So its pidfd is what proves the
//! end of the tree: a guard that has ended after "empty" leaves nothing; one that was killed
//! leaves what can still be found through the command's own pidfd.

use std::os::fd::AsFd;
use std::time::Instant;

use super::core::{After, Inner, Process};
use super::deadlines::Timer;
use super::exit::{GUARD, HOLDER, RETRY};
use super::observer::Notice;
use super::state::Event;
use crate::keeper::GuardEvent;
use crate::reactor::Turn;

impl Process {
    /// The guard's socket is readable: takes what it says.
    pub(super) fn guard_ready(&self, turn: &mut Turn) {
        let mut after = After::default();
        let mut inner = self.lock();
        self.listen(&mut inner, &mut after);
        self.rearm(&mut inner);
        drop(inner);
        after.tell(self, &mut |waker| turn.wake(waker));
    }

    fn listen(&self, inner: &mut Inner, after: &mut After) {
        while !inner.guard_proved {
            let Some(event) = inner.tree.guard().and_then(|guard| guard.next_event()) else {
                return;
            };
            match event {
                GuardEvent::Exited { status, usage, empty } => {
                    inner.guard_proved |= empty;
                    self.run(inner, Event::LeaderEnded(status, Some(usage)), after);
                }
                GuardEvent::Empty | GuardEvent::Left => inner.guard_proved = true,
                GuardEvent::Alive { pids } => {
                    inner.alive = Some(pids);
                    after.wakers.append(&mut inner.waiters.take());
                }
                // A closed socket stays readable; the guard's pidfd says the rest.
                GuardEvent::Gone => return self.unwatch_holder(inner),
            }
        }
        // Its socket could only tell once more what the pidfd is about to tell.
        self.unwatch_holder(inner);
    }

    /// The guard has ended.
    pub(super) fn guard_ended(&self, turn: &mut Turn) {
        let mut after = After::default();
        let mut inner = self.lock();
        self.listen(&mut inner, &mut after);
        self.collect_guard(&mut inner, &mut after);
        self.rearm(&mut inner);
        drop(inner);
        after.tell(self, &mut |waker| turn.wake(waker));
    }

    /// Reaps the guard, if it has said its last word or has been killed.
    pub(super) fn collect_guard(&self, inner: &mut Inner, after: &mut After) {
        let Some(guard) = inner.tree.guard() else { return };
        if !guard.has_ended() {
            return;
        }
        if let Some(key) = self.key.get() {
            self.reactor().unwatch(*key, GUARD, guard.pidfd.as_fd());
        }
        if !guard.reap() {
            return inner.deadlines.set(Timer::Probe, Instant::now().checked_add(RETRY));
        }
        if inner.guard_proved {
            self.run(inner, Event::TreeGone, after);
        } else {
            self.guard_lost(inner, after);
        }
    }

    /// The guard was killed, and the command with it: what is left of its group is killed, and
    /// what has left the group is out of reach.
    fn guard_lost(&self, inner: &mut Inner, after: &mut After) {
        log::error!("{}: its guard was killed", self.describe());
        self.note(Notice::ContainmentLost, after);
        self.unwatch_holder(inner);
        inner.tree.degrade();
        if let Err(error) = inner.tree.signal(libc::SIGKILL, false) {
            log::warn!("{}: {error}", self.describe());
        }
        inner.deadlines.set(Timer::Probe, Some(Instant::now()));
    }

    /// Asks the reactor to forget what announces the end of the tree.
    pub(super) fn unwatch_holder(&self, inner: &Inner) {
        if let (Some(key), Some(announcer)) = (self.key.get(), inner.tree.announcer()) {
            self.reactor().unwatch(*key, HOLDER, announcer);
        }
    }
}
