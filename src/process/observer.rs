//! What a process tells of itself to whoever keeps it: the manager.

use std::task::Waker;

use uuid::Uuid;

use crate::types::ExitStatus;

/// What an observer (the manager) is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// A stop was accepted.
    StopRequested,
    /// The leader ended.
    Exited(ExitStatus),
    /// Its reader did not consume in time; output is being dropped.
    Stalled,
    /// Its guard was killed: what could be found of its tree was killed too.
    ContainmentLost,
    /// A silent pipe was given up: somebody else still holds it.
    OutputHeld,
    /// Nothing more will happen.
    Closed,
}

/// Who is told.
pub(crate) trait Observer: Send + Sync {
    /// Notes it, on the thread that caused or saw it, under the process lock: so the notices of a
    /// process have one order. Gives back who is to be woken once the lock is gone.
    fn note(&self, id: Uuid, notice: Notice, wakers: &mut Vec<Waker>);
    /// The process is closed; called without locks.
    fn closed(&self, id: Uuid);
}
