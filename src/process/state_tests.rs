//! The transition table of the process state machine.

use std::time::Duration;

use super::state::{Cause, Effect, Event, Output, State};
use crate::command::{StopLadder, StopStep};
use crate::types::{ExitStatus, ProcessStatus};

const GRACE: Duration = Duration::from_secs(7);

fn exited(code: i32) -> Event {
    Event::LeaderEnded(ExitStatus::Code(code), None)
}

fn killed() -> Event {
    let signal = libc::SIGKILL;
    Event::LeaderEnded(ExitStatus::Signal { signal, core_dumped: false }, None)
}

fn stop() -> Event {
    Event::Stop(StopLadder::term_then_kill(GRACE), Cause::Requested)
}

fn kill() -> Event {
    Event::Stop(StopLadder::kill(), Cause::Requested)
}

fn status(state: &State) -> Option<ProcessStatus> {
    state.ended().map(|ended| ended.status())
}

#[test]
fn a_natural_end_with_code_zero_is_stopped_and_drains() {
    let mut state = State::started(Output::Open);
    assert_eq!(state.on(exited(0)), [Effect::Exited]);
    assert_eq!(state.on(Event::TreeGone), [Effect::TreeDone, Effect::Drain]);
    assert_eq!(state.on(Event::OutputEnded), [Effect::Close]);
    assert_eq!(status(&state), Some(ProcessStatus::Stopped));
    assert!(state.is_over() && !state.is_left());
}

#[test]
fn another_code_or_a_foreign_signal_is_failed() {
    for event in [exited(3), killed()] {
        let mut state = State::started(Output::Ended);
        state.on(event);
        assert_eq!(state.on(Event::TreeGone), [Effect::TreeDone, Effect::Close]);
        assert_eq!(status(&state), Some(ProcessStatus::Failed));
    }
}

#[test]
fn the_ladder_ends_in_kill_and_then_in_nothing() {
    let mut state = State::started(Output::Open);
    let term = [
        Effect::StopAccepted(Cause::Requested),
        Effect::Signal(libc::SIGTERM),
        Effect::ArmStep(Some(GRACE)),
    ];
    assert_eq!(state.on(stop()), term);
    assert!(!state.is_killing());
    let kill = [Effect::Signal(libc::SIGKILL), Effect::ArmStep(None)];
    assert_eq!(state.on(Event::StepDue), kill);
    assert!(state.is_killing());
}

#[test]
fn a_second_stop_changes_nothing_and_a_kill_overtakes() {
    let mut state = State::started(Output::Open);
    state.on(stop());
    assert_eq!(state.on(stop()), []);
    assert_eq!(state.on(kill()), [Effect::Signal(libc::SIGKILL), Effect::ArmStep(None)]);
    assert_eq!(state.on(kill()), []);
}

#[test]
fn a_requested_end_is_stopped_whatever_the_status() {
    for end in [exited(0), exited(9), killed()] {
        let mut state = State::started(Output::Open);
        state.on(stop());
        state.on(end);
        assert_eq!(status(&state), Some(ProcessStatus::Stopped));
    }
}

#[test]
fn a_timeout_is_failed() {
    let mut state = State::started(Output::Open);
    state.on(Event::Stop(StopLadder::kill(), Cause::TimedOut));
    state.on(killed());
    assert_eq!(status(&state), Some(ProcessStatus::Failed));
}

#[test]
fn escalation_goes_on_when_only_the_leader_has_ended() {
    let mut state = State::started(Output::Open);
    state.on(stop());
    state.on(exited(0));
    assert_eq!(state.on(Event::TreeAlive(StopLadder::kill())), []);
    let kill = [Effect::Signal(libc::SIGKILL), Effect::ArmStep(None)];
    assert_eq!(state.on(Event::StepDue), kill);
    assert_eq!(state.on(Event::TreeGone), [Effect::TreeDone, Effect::Drain]);
}

#[test]
fn what_a_leader_leaves_is_ended_by_the_ladder_without_changing_its_status() {
    let mut state = State::started(Output::Open);
    state.on(exited(0));
    let ladder = StopLadder { steps: vec![StopStep { signal: libc::SIGHUP, grace: GRACE }] };
    let effects = [Effect::Signal(libc::SIGHUP), Effect::ArmStep(Some(GRACE))];
    assert_eq!(state.on(Event::TreeAlive(ladder.clone())), effects);
    assert_eq!(state.on(Event::TreeAlive(ladder)), []);
    assert_eq!(status(&state), Some(ProcessStatus::Stopped));
}

#[test]
fn a_kill_reaches_what_a_leader_left() {
    let mut state = State::started(Output::Open);
    state.on(exited(1));
    state.on(Event::TreeAlive(StopLadder::term_then_kill(GRACE)));
    assert_eq!(state.on(kill()), [Effect::Signal(libc::SIGKILL), Effect::ArmStep(None)]);
    assert_eq!(status(&state), Some(ProcessStatus::Failed));
}

#[test]
fn output_may_end_before_the_process() {
    let mut state = State::started(Output::Open);
    assert_eq!(state.on(Event::OutputEnded), []);
    state.on(exited(0));
    assert_eq!(state.on(Event::TreeGone), [Effect::TreeDone, Effect::Close]);
}

#[test]
fn nothing_happens_after_the_end() {
    let mut state = State::started(Output::Ended);
    state.on(exited(0));
    state.on(Event::TreeGone);
    for event in [stop(), kill(), Event::StepDue, exited(1), Event::TreeGone, Event::OutputEnded] {
        assert_eq!(state.on(event), []);
    }
    assert_eq!(status(&state), Some(ProcessStatus::Stopped));
}

#[test]
fn what_is_left_to_itself_answers_and_does_nothing_more() {
    let mut running = State::started(Output::Open);
    assert_eq!(running.on(Event::Leave), [Effect::Leave]);
    assert!(running.is_over() && running.is_left() && running.ended().is_none());
    for event in [stop(), exited(0), Event::TreeGone, Event::OutputEnded, Event::Leave] {
        assert_eq!(running.on(event), []);
    }
    let mut leftover = State::started(Output::Open);
    leftover.on(exited(3));
    assert_eq!(leftover.on(Event::Leave), [Effect::Leave]);
    assert_eq!(status(&leftover), Some(ProcessStatus::Failed));
    leftover = State::started(Output::Open);
    leftover.on(exited(0));
    leftover.on(Event::TreeGone);
    assert_eq!(leftover.on(Event::Leave), []);
    assert!(!leftover.is_left());
}
