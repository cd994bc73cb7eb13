//! The shared part of a process: runs the state machine and carries out its effects.
//!
//! Events come from the driving thread (readiness, deadlines) and from callers (stop, kill). Each
//! is decided and carried out under the process lock, so signals, the reap and the published
//! facts have one order, and so have the notices; wakers go out after the lock is gone.

use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use chrono::Utc;
use uuid::Uuid;

use super::deadlines::{Deadlines, Timer};
use super::engine::Engine;
use super::exit::{GUARD, HOLDER, PIDFD};
use super::input::Input;
use super::observer::{Notice, Observer};
use super::pipes::Pipe;
use super::snapshots::Snapshots;
use super::state::{Cause, Effect, Ended, Event, State};
use super::tree::{Members, Tree};
use super::wakers::WakerSet;
use crate::command::{Descendants, DropPolicy, OutputOptions, StopLadder};
use crate::error::{ProcessError, Result};
use crate::output::OutputLog;
use crate::reactor::{Hold, Interest, Key, Reactor};

/// How soon a tree that cannot announce its end is looked at again: doubled from the first value
/// to the second.
const PROBE: (Duration, Duration) = (Duration::from_micros(500), Duration::from_millis(20));

/// What a process keeps of its command.
#[derive(Debug)]
pub(crate) struct Policy {
    pub ladder: StopLadder,
    pub output: OutputOptions,
    pub descendants: Descendants,
    pub on_drop: DropPolicy,
}

/// One process, shared by its handles, the manager and the reactor.
pub(crate) struct Process {
    pub(super) id: Uuid,
    pub(super) engine: Arc<Engine>,
    pub(super) key: OnceLock<Key>,
    pub(super) pid: i32,
    pub(super) log: Arc<OutputLog>,
    pub(super) pipes: [Pipe; 2],
    pub(super) input: Input,
    pub(super) policy: Policy,
    pub(super) snapshots: Snapshots,
    pub(super) observer: Option<Arc<dyn Observer>>,
    /// No handle is left.
    pub(super) is_let_go: AtomicBool,
    /// Its end was waited for as long as a drop may wait.
    pub(super) is_awaited: AtomicBool,
    pub(super) inner: Mutex<Inner>,
}

/// What changes, under one lock.
pub(super) struct Inner {
    pub state: State,
    pub tree: Tree,
    /// The guard has said that nothing is left.
    pub guard_proved: bool,
    /// The guard's last answer to who is alive.
    pub alive: Option<Vec<i32>>,
    pub deadlines: Deadlines,
    pub waiters: WakerSet,
    pub probe: Duration,
}

impl Inner {
    pub(super) fn new(state: State, tree: Tree) -> Self {
        Self {
            state,
            tree,
            guard_proved: false,
            alive: None,
            deadlines: Deadlines::default(),
            waiters: WakerSet::default(),
            probe: PROBE.0,
        }
    }
}

/// What must be done once the lock is gone.
#[derive(Default)]
pub(super) struct After {
    pub wakers: Vec<Waker>,
    is_closed: bool,
}

impl Process {
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Feeds one event, then tells everybody on this thread.
    pub(super) fn feed(&self, event: Event) {
        self.decide(event).tell(self, &mut |waker| waker.wake());
    }

    /// Feeds one event and what follows from it, and carries the effects out.
    pub(super) fn decide(&self, event: Event) -> After {
        let mut after = After::default();
        let mut inner = self.lock();
        self.run(&mut inner, event, &mut after);
        self.rearm(&mut inner);
        after
    }

    /// The loop of [`decide`](Self::decide), for callers that hold the lock already.
    pub(super) fn run(&self, inner: &mut Inner, event: Event, after: &mut After) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in inner.state.on(event) {
                self.carry_out(inner, effect, &mut events, after);
            }
        }
    }

    fn carry_out(
        &self,
        inner: &mut Inner,
        effect: Effect,
        events: &mut VecDeque<Event>,
        after: &mut After,
    ) {
        match effect {
            Effect::Signal(signal) => self.signal_locked(inner, signal),
            Effect::ArmStep(grace) => self.arm_step(inner, grace),
            Effect::StopAccepted(cause) => self.publish_stop(cause, after),
            Effect::Exited => {
                self.publish_exit(inner, after);
                // A guard that has said its last word ends by itself, and nobody else is left.
                if !inner.guard_proved {
                    events.push_back(self.look_at_tree(inner));
                }
            }
            Effect::TreeDone => self.release_tree(inner, after),
            Effect::Drain => {
                let until = Instant::now().checked_add(self.policy.output.drain);
                inner.deadlines.set(Timer::Drain, until);
            }
            Effect::Close => self.close(inner, after),
            Effect::Leave => {
                self.leave_reactor(inner);
                inner.tree.detach();
                after.wakers.append(&mut inner.waiters.take());
            }
        }
    }

    fn release_tree(&self, inner: &mut Inner, after: &mut After) {
        inner.deadlines.set(Timer::Step, None);
        inner.deadlines.set(Timer::Probe, None);
        self.unwatch_holder(inner);
        inner.tree.release();
        self.engine.given_back();
        after.wakers.append(&mut inner.waiters.take());
    }

    fn signal_locked(&self, inner: &mut Inner, signal: i32) {
        if let Err(error) = inner.tree.signal(signal, inner.state.ended().is_some()) {
            log::warn!("process {}: signal {signal} not sent: {error}", self.id);
        }
    }

    fn arm_step(&self, inner: &mut Inner, grace: Option<Duration>) {
        let until = grace.and_then(|grace| Instant::now().checked_add(grace));
        inner.deadlines.set(Timer::Step, until);
    }

    fn publish_stop(&self, cause: Cause, after: &mut After) {
        self.snapshots.publish(|info| info.stop_requested = cause == Cause::Requested);
        self.note(Notice::StopRequested, after);
    }

    fn publish_exit(&self, inner: &mut Inner, after: &mut After) {
        let Some(ended) = inner.state.ended() else { return };
        inner.deadlines.set(Timer::Timeout, None);
        self.snapshots.publish(|info| fill_in(info, &ended));
        after.wakers.append(&mut inner.waiters.take());
        self.note(Notice::Exited(ended.exit), after);
        after.wakers.append(&mut self.input.close(self));
    }

    /// Whether descendants are left, as the event that says so.
    pub(super) fn look_at_tree(&self, inner: &mut Inner) -> Event {
        let leaves = self.policy.descendants == Descendants::Leave;
        match inner.tree.members() {
            _ if leaves && inner.tree.guard().is_none() => Event::TreeGone,
            Members::None | Members::Unknown => Event::TreeGone,
            Members::Some => self.await_tree(inner),
        }
    }

    /// Waits for the end of the tree: by what announces it, else by looking again and again.
    fn await_tree(&self, inner: &mut Inner) -> Event {
        if inner.tree.guard().is_none() && inner.tree.announcer().is_none() {
            if let Err(error) = self.watch_events(inner) {
                inner.tree.close_events();
                log::warn!("{}: looked at in turns: {error}", self.describe());
            }
            // It may have emptied before the watch began.
            if inner.tree.members() == Members::None {
                return Event::TreeGone;
            }
        }
        if inner.tree.announcer().is_none() {
            inner.deadlines.set(Timer::Probe, Some(Instant::now() + inner.probe));
        }
        Event::TreeAlive(self.policy.ladder.clone())
    }

    fn watch_events(&self, inner: &mut Inner) -> Result<()> {
        let opened = inner.tree.open_events();
        opened.map_err(|error| ProcessError::io("watch a cgroup", error))?;
        match (self.key.get(), inner.tree.announcer()) {
            (Some(key), Some(fd)) => self.reactor().watch(*key, HOLDER, fd, Interest::NONE),
            _ => Ok(()),
        }
    }

    fn close(&self, inner: &mut Inner, after: &mut After) {
        inner.deadlines.clear();
        if let Some(key) = self.key.get() {
            self.reactor().remove(*key);
        }
        after.wakers.append(&mut inner.waiters.take());
        self.note(Notice::Closed, after);
        after.is_closed = true;
    }

    /// Tells the reactor the earliest deadline.
    pub(super) fn rearm(&self, inner: &mut Inner) {
        if let (Some(key), false) = (self.key.get(), inner.state.is_over()) {
            self.reactor().set_deadline(*key, inner.deadlines.earliest());
        }
    }

    /// Looks at the tree again, less and less often, and kills again what a kill has missed.
    pub(super) fn probe(&self, inner: &mut Inner, after: &mut After) {
        if !matches!(inner.state, State::Leftover(..)) {
            return;
        }
        let event = self.look_at_tree(inner);
        // Asked once looking has become rare: it reads all of /proc.
        let are_zombies = || inner.probe == PROBE.1 && inner.tree.has_only_zombies();
        match event {
            Event::TreeGone => self.run(inner, Event::TreeGone, after),
            _ if are_zombies() => self.run(inner, Event::TreeGone, after),
            _ => {
                if inner.state.is_killing() {
                    self.signal_locked(inner, libc::SIGKILL);
                }
                inner.probe = (inner.probe * 2).min(PROBE.1);
                inner.deadlines.set(Timer::Probe, Some(Instant::now() + inner.probe));
            }
        }
    }

    /// Asks for an end by `ladder`, or by the process's own.
    pub(super) fn request_stop(&self, ladder: Option<StopLadder>, cause: Cause) {
        let ladder = ladder.unwrap_or_else(|| self.policy.ladder.clone());
        self.feed(Event::Stop(ladder, cause));
    }
}

impl Process {
    /// Sends a signal that a caller asked for.
    pub(super) fn send_signal(&self, signal: i32) -> Result<()> {
        let inner = self.lock();
        // A guard takes signals until it ends, a moment after its last word.
        if inner.guard_proved {
            return Err(self.gone(&inner));
        }
        let ended = inner.state.ended().is_some();
        match inner.tree.signal(signal, ended) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.gone(&inner)),
            Err(error) => Err(ProcessError::io(format!("send signal {signal}"), error)),
        }
    }

    /// Refuses a process that was left to itself.
    pub(super) fn check_left(&self) -> Result<()> {
        let inner = self.lock();
        if inner.state.is_left() {
            Err(self.gone(&inner))
        } else {
            Ok(())
        }
    }

    fn gone(&self, inner: &Inner) -> ProcessError {
        let what = if inner.state.is_left() { "was left to itself" } else { "has ended" };
        ProcessError::Closed(format!("{} {what}", self.describe()))
    }

    /// The reactor that watches it.
    pub(crate) fn reactor(&self) -> &Arc<Reactor> {
        self.engine.reactor()
    }

    /// A user's share in the reactor.
    pub(crate) fn hold(&self) -> Hold {
        Hold::new(self.reactor())
    }

    /// The ladder that a stop without one takes.
    pub(crate) fn ladder(&self) -> &StopLadder {
        &self.policy.ladder
    }

    /// What dropping its last handle does.
    pub(crate) fn drop_policy(&self) -> DropPolicy {
        self.policy.on_drop
    }

    /// True once nothing more can come of it.
    pub(crate) fn is_over(&self) -> bool {
        self.lock().state.is_over()
    }

    /// True once no descendant is left.
    pub(crate) fn is_tree_gone(&self) -> bool {
        self.lock().state.is_tree_gone()
    }

    /// Tells the observer; the caller holds the lock.
    pub(super) fn note(&self, notice: Notice, after: &mut After) {
        if let Some(observer) = &self.observer {
            observer.note(self.id, notice, &mut after.wakers);
        }
    }

    /// Tells the observer of what is no event of the state machine; the caller holds no lock.
    pub(super) fn notify(&self, notice: Notice, wake: &mut dyn FnMut(Waker)) {
        let mut after = After::default();
        let inner = self.lock();
        // Nothing comes after the closing notice.
        if !inner.state.is_over() {
            self.note(notice, &mut after);
        }
        drop(inner);
        after.tell(self, wake);
    }

    /// Takes everything that tells of the end out of the reactor.
    pub(super) fn leave_reactor(&self, inner: &mut Inner) {
        inner.deadlines.clear();
        let Some(key) = self.key.get() else { return };
        self.unwatch_holder(inner);
        if let Some(guard) = inner.tree.guard() {
            self.reactor().unwatch(*key, GUARD, guard.pidfd.as_fd());
        }
        if let Some(pidfd) = inner.tree.pidfd() {
            self.reactor().unwatch(*key, PIDFD, pidfd);
        }
        self.reactor().remove(*key);
    }
}

impl After {
    /// Wakes. The observer goes first: who is woken finds the manager up to date.
    pub(super) fn tell(self, process: &Process, wake: &mut dyn FnMut(Waker)) {
        if let (true, Some(observer)) = (self.is_closed, &process.observer) {
            observer.closed(process.id);
        }
        self.wakers.into_iter().for_each(wake);
    }
}

fn fill_in(info: &mut crate::types::ProcessInfo, ended: &Ended) {
    info.exit = Some(ended.exit);
    info.usage = ended.usage;
    info.status = ended.status();
    info.timed_out = ended.cause == Some(Cause::TimedOut);
    info.stopped_at = Some(Utc::now());
}
