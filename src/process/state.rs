//! The life of one process as a pure state machine: events in, effects out, no I/O.
//!
//! Called by `process::core` under its lock. The process itself (the *leader*), its descendants
//! (the *tree*) and its output end at different moments; each has its event here, and only their
//! last one closes the process.

use std::time::Duration;

use crate::command::StopLadder;
use crate::types::{ExitStatus, ProcessStatus, ResourceUsage};

/// Why a process is being ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A caller asked for it.
    Requested,
    /// Its own timeout passed.
    TimedOut,
    /// Its output log was full under the policy "kill".
    OutputLimit,
    /// Its leader ended by itself and left descendants.
    Leftover,
}

/// A stop under way: the ladder, and the next step to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stop {
    ladder: StopLadder,
    next: usize,
    cause: Cause,
}

/// Whether output may still come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    Open,
    Ended,
}

/// Where a process stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// The leader runs.
    Running(Output, Option<Stop>),
    /// The leader has ended, descendants are being ended.
    Leftover(Output, Ended, Stop),
    /// The tree is gone, output is still being read.
    Draining(Ended),
    /// Nothing more can happen.
    Closed(Ended),
    /// Left to itself: nothing more will be seen of it, whatever it does.
    Left(Option<Ended>),
}

/// How the leader ended, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    pub exit: ExitStatus,
    pub usage: Option<ResourceUsage>,
    pub cause: Option<Cause>,
}

/// What happened.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// Somebody or something wants the process to end.
    Stop(StopLadder, Cause),
    /// The grace of the current step is over.
    StepDue,
    /// The leader was reaped.
    LeaderEnded(ExitStatus, Option<ResourceUsage>),
    /// Descendants outlive the leader; this ladder ends them.
    TreeAlive(StopLadder),
    /// No descendant is left, or they are to be left alone.
    TreeGone,
    /// Both output streams have ended.
    OutputEnded,
    /// What is left of the tree is to be left to itself.
    Leave,
}

/// What the caller of the machine must do, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Send the signal to the tree.
    Signal(i32),
    /// Feed [`Event::StepDue`] after this time; `None`: nothing is left to escalate to.
    ArmStep(Option<Duration>),
    /// The stop was accepted: publish it.
    StopAccepted(Cause),
    /// The leader's end is known: publish it, then look whether the tree is gone.
    Exited,
    /// The tree is gone: answer those who wait for a stop.
    TreeDone,
    /// Wait for the end of output, bounded.
    Drain,
    /// All is over: publish it and let go of everything.
    Close,
    /// Let go of the tree without ending it, and answer everybody who waits.
    Leave,
}

impl Stop {
    fn new(ladder: StopLadder, cause: Cause) -> Self {
        Self { ladder, next: 0, cause }
    }

    /// Takes the next step; after the last one SIGKILL, which nothing follows.
    fn advance(&mut self, effects: &mut Vec<Effect>) {
        let step = self.ladder.steps.get(self.next).copied();
        self.next += 1;
        match step {
            Some(step) => {
                effects.push(Effect::Signal(step.signal));
                effects.push(Effect::ArmStep(Some(step.grace)));
            }
            None => {
                effects.push(Effect::Signal(libc::SIGKILL));
                effects.push(Effect::ArmStep(None));
            }
        }
    }

    /// A later request only shortens: a kill overtakes a ladder, anything else changes nothing.
    fn join(&mut self, ladder: StopLadder, cause: Cause, effects: &mut Vec<Effect>) {
        if self.cause == Cause::Leftover {
            self.cause = cause;
        }
        if ladder.steps.is_empty() && self.next <= self.ladder.steps.len() {
            self.next = self.ladder.steps.len();
            self.advance(effects);
        }
    }
}

impl State {
    /// A process that has just been started.
    pub(crate) fn started(output: Output) -> Self {
        Self::Running(output, None)
    }

    /// How the leader ended, once it has.
    pub(crate) fn ended(&self) -> Option<Ended> {
        match self {
            Self::Running(..) => None,
            Self::Leftover(_, ended, _) | Self::Draining(ended) | Self::Closed(ended) => {
                Some(*ended)
            }
            Self::Left(ended) => *ended,
        }
    }

    /// True once no descendant is left.
    pub(crate) fn is_tree_gone(&self) -> bool {
        matches!(self, Self::Draining(_) | Self::Closed(_))
    }

    /// True once the last step, SIGKILL, was taken and members are left.
    pub(crate) fn is_killing(&self) -> bool {
        match self {
            Self::Running(_, Some(stop)) | Self::Leftover(_, _, stop) => {
                stop.next > stop.ladder.steps.len()
            }
            _ => false,
        }
    }

    /// True once nothing more will be seen.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Closed(_) | Self::Left(_))
    }

    /// True once the tree was left to itself.
    pub(crate) fn is_left(&self) -> bool {
        matches!(self, Self::Left(_))
    }

    /// The one transition function.
    pub(crate) fn on(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Stop(ladder, cause) => self.on_stop(ladder, cause, &mut effects),
            Event::StepDue => self.on_step(&mut effects),
            Event::LeaderEnded(exit, usage) => self.on_leader_ended(exit, usage, &mut effects),
            Event::TreeAlive(ladder) => self.on_tree_alive(ladder, &mut effects),
            Event::TreeGone => self.on_tree_gone(&mut effects),
            Event::OutputEnded => self.on_output_ended(&mut effects),
            Event::Leave => self.on_leave(&mut effects),
        }
        effects
    }

    fn on_stop(&mut self, ladder: StopLadder, cause: Cause, effects: &mut Vec<Effect>) {
        match self {
            Self::Running(_, stop @ None) => {
                effects.push(Effect::StopAccepted(cause));
                stop.insert(Stop::new(ladder, cause)).advance(effects);
            }
            Self::Running(_, Some(stop)) | Self::Leftover(_, _, stop) => {
                stop.join(ladder, cause, effects);
            }
            Self::Draining(_) | Self::Closed(_) | Self::Left(_) => {}
        }
    }

    fn on_step(&mut self, effects: &mut Vec<Effect>) {
        if let Self::Running(_, Some(stop)) | Self::Leftover(_, _, stop) = self {
            stop.advance(effects);
        }
    }

    fn on_leader_ended(
        &mut self,
        exit: ExitStatus,
        usage: Option<ResourceUsage>,
        effects: &mut Vec<Effect>,
    ) {
        let Self::Running(output, stop) = self else { return };
        let ended = Ended { exit, usage, cause: stop.as_ref().map(|stop| stop.cause) };
        let stop = stop.take().unwrap_or(Stop::new(StopLadder::kill(), Cause::Leftover));
        *self = Self::Leftover(*output, ended, stop);
        effects.push(Effect::Exited);
    }

    /// Only a leader that ended by itself starts a ladder here; one under way goes on.
    fn on_tree_alive(&mut self, ladder: StopLadder, effects: &mut Vec<Effect>) {
        if let Self::Leftover(_, Ended { cause: None, .. }, stop) = self {
            if stop.next == 0 {
                *stop = Stop::new(ladder, stop.cause);
                stop.advance(effects);
            }
        }
    }

    fn on_tree_gone(&mut self, effects: &mut Vec<Effect>) {
        let Self::Leftover(output, ended, _) = self else { return };
        effects.push(Effect::TreeDone);
        let (next, effect) = match output {
            Output::Open => (Self::Draining(*ended), Effect::Drain),
            Output::Ended => (Self::Closed(*ended), Effect::Close),
        };
        *self = next;
        effects.push(effect);
    }

    fn on_output_ended(&mut self, effects: &mut Vec<Effect>) {
        match self {
            Self::Running(output, _) | Self::Leftover(output, ..) => *output = Output::Ended,
            Self::Draining(ended) => {
                *self = Self::Closed(*ended);
                effects.push(Effect::Close);
            }
            Self::Closed(_) | Self::Left(_) => {}
        }
    }

    /// Where the tree is gone already, the end comes as it would have.
    fn on_leave(&mut self, effects: &mut Vec<Effect>) {
        if let Self::Running(..) | Self::Leftover(..) = self {
            *self = Self::Left(self.ended());
            effects.push(Effect::Leave);
        }
    }
}

impl Ended {
    /// The public status that this end amounts to.
    pub(crate) fn status(&self) -> ProcessStatus {
        match (self.cause, self.exit) {
            (Some(Cause::Requested), _) => ProcessStatus::Stopped,
            (Some(Cause::TimedOut | Cause::OutputLimit), _) => ProcessStatus::Failed,
            (None | Some(Cause::Leftover), exit) if exit.success() => ProcessStatus::Stopped,
            (None | Some(Cause::Leftover), _) => ProcessStatus::Failed,
        }
    }
}
