//! Readiness: which descriptors and deadlines of the engine are due, and who looks after them.
//!
//! A reactor knows sources, never processes. One epoll per reactor; a thread that waits drives it
//! (`wait`), or an event loop does (`outlet`, `Reactor::turn`), or the one background thread of the
//! host (`host`); `driver` decides who. Callbacks of sources run on the thread that drives, with no
//! lock of the reactor held.

mod core;
mod deadlines;
mod driver;
mod hold;
mod host;
mod lease;
#[cfg(all(test, loom))]
#[allow(clippy::unwrap_used)]
mod loom_tests;
mod outlet;
mod poller;
mod table;
#[cfg(all(test, not(loom)))]
#[allow(clippy::unwrap_used)]
mod tests;
mod turn;
mod wait;
mod waiter;

use std::os::fd::BorrowedFd;
use std::sync::atomic::AtomicUsize;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use once_cell::sync::OnceCell;
use rustix::event::epoll::EventFlags;

use self::core::Core;
use crate::error::Result;

pub(crate) use hold::Hold;
pub(crate) use host::{park, unpark};
pub(crate) use turn::Turn;
pub(crate) use wait::Unfinished;

/// Names a source to its reactor. A key of a removed source names nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    index: u32,
    generation: u32,
}

/// Which of its descriptors a source means: 0 to 7, as it likes.
pub(crate) type Slot = u8;

/// What to watch a descriptor for. Errors and hang-ups are always reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interest(EventFlags);

impl Interest {
    /// Errors and hang-ups only.
    pub(crate) const NONE: Self = Self(EventFlags::empty());
    pub(crate) const READ: Self = Self(EventFlags::IN);
    pub(crate) const WRITE: Self = Self(EventFlags::OUT);
}

/// What a descriptor is ready for. Level-triggered: it comes again until it is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ready {
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    pub(crate) hangup: bool,
    pub(crate) error: bool,
}

impl Ready {
    /// What a source assumes that reads without having been told: read until nothing is left.
    pub(crate) const HANGUP: Self =
        Self { readable: true, writable: false, hangup: true, error: false };
}

impl From<EventFlags> for Ready {
    fn from(flags: EventFlags) -> Self {
        Self {
            readable: flags.contains(EventFlags::IN),
            writable: flags.contains(EventFlags::OUT),
            hangup: flags.contains(EventFlags::HUP),
            error: flags.contains(EventFlags::ERR),
        }
    }
}

/// Something with descriptors and at most one deadline.
///
/// Called on whichever thread drives, never on two at once, with no lock of the reactor held; it
/// must not wait. It bounds what it does in one call, so that turns are fair.
pub(crate) trait Source: Send + Sync {
    /// A watched descriptor is ready, or was a moment ago.
    fn on_ready(&self, slot: Slot, ready: Ready, turn: &mut Turn);
    /// The deadline has passed, and is forgotten.
    fn on_deadline(&self, now: Instant, turn: &mut Turn);
}

/// The handle of one reactor, shared through `Arc`. All methods: any thread.
pub(crate) struct Reactor {
    core: Arc<Core>,
    outlet: outlet::Outlet,
    /// How many [`Hold`]s there are.
    holds: AtomicUsize,
    /// Set by the first source; its drop ends the thread, if there is one, with the last.
    membership: OnceCell<host::Membership>,
}

impl Reactor {
    /// Makes the descriptors. There is no thread before the first source that needs it.
    pub(crate) fn new() -> Result<Arc<Self>> {
        let core = Arc::new(Core::new()?);
        let (outlet, membership) = (outlet::Outlet::default(), OnceCell::new());
        Ok(Arc::new(Self { core, outlet, holds: AtomicUsize::new(0), membership }))
    }

    /// `Forked` in a forked copy of the process that made the reactor.
    pub(crate) fn check_fork(&self) -> Result<()> {
        self.core.check_fork()
    }

    fn is_forked(&self) -> bool {
        self.check_fork().is_err()
    }

    /// Adds a source; the reactor keeps it until `remove`. The first one starts the thread.
    pub(crate) fn insert(&self, source: Arc<dyn Source>) -> Result<Key> {
        self.attend()?;
        self.core.table().insert(source)
    }

    /// The same for a source that the caller serves itself, by waiting for it, or that needs no
    /// service before there is another one: it starts no thread.
    pub(crate) fn insert_unattended(&self, source: Arc<dyn Source>) -> Result<Key> {
        self.membership()?;
        self.core.table().insert(source)
    }

    /// From now on the engine's thread is there for what nobody else serves.
    pub(crate) fn attend(&self) -> Result<()> {
        self.membership()?.link().attend()
    }

    fn membership(&self) -> Result<&host::Membership> {
        self.check_fork()?;
        self.membership.get_or_try_init(|| {
            let member = host::join(&self.core)?;
            self.core.admit(member.link().clone());
            Ok(member)
        })
    }

    /// Forgets a source and its deadline. Its descriptors must have been unwatched. A callback
    /// that has begun on another thread ends after this returns.
    pub(crate) fn remove(&self, key: Key) {
        if self.is_forked() {
            return;
        }
        // Dropped as the last thing, when the lock is gone.
        let _gone = self.core.table().remove(key);
    }

    /// Watches a descriptor of a source, from now until `unwatch`.
    pub(crate) fn watch(
        &self,
        key: Key,
        slot: Slot,
        fd: BorrowedFd<'_>,
        interest: Interest,
    ) -> Result<()> {
        self.check_fork()?;
        self.core.watch(key, slot, fd, interest.0)
    }

    /// Ends a watch; always before the descriptor is closed, since a forked copy may keep its
    /// description alive. Events that are under way are dropped.
    pub(crate) fn unwatch(&self, key: Key, slot: Slot, fd: BorrowedFd<'_>) {
        if !self.is_forked() {
            self.core.unwatch(key, slot, fd);
        }
    }

    /// Sets or forgets the one deadline of a source.
    pub(crate) fn set_deadline(&self, key: Key, at: Option<Instant>) {
        if !self.is_forked() {
            self.core.set_deadline(key, at);
        }
    }

    /// Polls on this thread until ready, and drives the reactor while pending. A deadline that has
    /// passed already still makes one turn. Blocks without a system call beyond epoll_wait.
    pub(crate) fn block_on<T>(
        &self,
        deadline: Option<Instant>,
        poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Result<T, Unfinished> {
        self.check_fork().map_err(Unfinished::Refused)?;
        wait::block_on(&*self.core, deadline, poll)
    }

    /// Called before sources are added by a thread that will probably wait for them: for a moment
    /// the engine's thread does not compete for them.
    pub(crate) fn hold_off(&self) {
        if !self.is_forked() {
            self.core.hold_off();
        }
    }

    /// Called by a thread that has waited in a loop of its own: it will wait again.
    pub(crate) fn expect_return(&self) {
        if !self.is_forked() {
            self.core.expect_return();
        }
    }

    /// Called by a thread that has waited and is about to work on what it got: what comes meanwhile
    /// is taken from its source at once.
    pub(crate) fn read_ahead(&self) {
        if !self.is_forked() {
            self.core.read_ahead();
        }
    }

    /// Called by a future before it is pending: makes sure that somebody serves the reactor.
    pub(crate) fn serve(&self) {
        if !self.is_forked() {
            self.core.serve();
        }
    }

    /// The descriptor for event loops: readable when a turn would find something, or while raised.
    pub(crate) fn fd(&self) -> Result<BorrowedFd<'_>> {
        self.check_fork()?;
        self.core.expect_loop();
        self.outlet.fd(self.core.epoll())
    }

    /// Makes the descriptor for event loops readable until `lower`.
    pub(crate) fn raise(&self) {
        if !self.is_forked() {
            self.outlet.set(true);
        }
    }

    /// Takes `raise` back.
    pub(crate) fn lower(&self) {
        if !self.is_forked() {
            self.outlet.set(false);
        }
    }
}

impl Drop for Reactor {
    /// The sources go on this thread, and the thread, if this was the last reactor, before this
    /// returns. A forked copy leaves everything alone.
    fn drop(&mut self) {
        if !self.is_forked() {
            drop(self.membership.take());
            let _sources = self.core.table().clear();
        }
    }
}
