//! `pm_event`: what happened to a process of a manager.

use core_api::{EventKind, ProcessEvent};

use crate::convert;
use crate::types::{pm_exit, pm_id};

/// What happened.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum pm_event_kind {
    /// Something that this version of the C interface has no name for.
    PM_EVENT_OTHER = 0,
    /// The process was started.
    PM_EVENT_STARTED = 1,
    /// A stop was accepted.
    PM_EVENT_STOP_REQUESTED = 2,
    /// Nobody read its output in time; the oldest of it is being dropped.
    PM_EVENT_STALLED = 3,
    /// The process itself ended; `exit` says how. Output may still come.
    PM_EVENT_EXITED = 4,
    /// A silent output pipe was given up after the end: somebody else still holds it.
    PM_EVENT_OUTPUT_HELD = 5,
    /// Process, descendants and output have ended: nothing more will come.
    PM_EVENT_CLOSED = 6,
    /// `missed` events went because they were not polled in time; `process` is all zero.
    PM_EVENT_MISSED = 7,
    /// The guard of the process was killed; what could be found of its tree was killed too.
    PM_EVENT_CONTAINMENT_LOST = 8,
}

/// One event. This library makes it; fields may be added at its end.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct pm_event {
    /// The process.
    pub process: pm_id,
    /// What happened.
    pub kind: pm_event_kind,
    /// How the process ended; of kind `PM_EXIT_NONE` unless this is `PM_EVENT_EXITED`.
    pub exit: pm_exit,
    /// Events that went; 0 unless this is `PM_EVENT_MISSED`.
    pub missed: u64,
    /// When this library saw it, in nanoseconds since 1970 (UTC).
    pub time: i64,
}

impl From<ProcessEvent> for pm_event {
    fn from(event: ProcessEvent) -> Self {
        let (kind, exit, missed) = match event.kind {
            EventKind::Started => (pm_event_kind::PM_EVENT_STARTED, pm_exit::NONE, 0),
            EventKind::StopRequested => (pm_event_kind::PM_EVENT_STOP_REQUESTED, pm_exit::NONE, 0),
            EventKind::Stalled => (pm_event_kind::PM_EVENT_STALLED, pm_exit::NONE, 0),
            EventKind::Exited(exit) => (pm_event_kind::PM_EVENT_EXITED, exit.into(), 0),
            EventKind::OutputHeld => (pm_event_kind::PM_EVENT_OUTPUT_HELD, pm_exit::NONE, 0),
            EventKind::Closed => (pm_event_kind::PM_EVENT_CLOSED, pm_exit::NONE, 0),
            EventKind::ContainmentLost => {
                (pm_event_kind::PM_EVENT_CONTAINMENT_LOST, pm_exit::NONE, 0)
            }
            EventKind::Missed(count) => (pm_event_kind::PM_EVENT_MISSED, pm_exit::NONE, count),
            _ => (pm_event_kind::PM_EVENT_OTHER, pm_exit::NONE, 0),
        };
        let (process, time) = (event.id.into(), convert::nanoseconds(Some(event.time)));
        Self { process, kind, exit, missed, time }
    }
}
