//! What meets a start half-way: the process is entered before the reactor knows it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::engine::Engine;
use super::handle::detach;
use super::launch::{launch, Launch, Origin};
use super::state::Cause;
use super::wait::Moment;
use crate::command::{Command, StopLadder, StopStep};
use crate::process::Process;

fn start(announce: &mut dyn FnMut(&Arc<Process>)) -> Arc<Process> {
    let (engine, program) = (Engine::new().unwrap(), Path::new("/bin/sleep"));
    let (observer, origin) = (None, Origin::Attended);
    let parts = Launch { engine: &engine, program, exec_fd: None, observer, origin, announce };
    launch(&Command::new(program).arg("1000"), parts).unwrap()
}

#[test]
fn a_stop_during_the_start_escalates() {
    // It does nothing to the child: only the step after it ends it.
    let step = StopStep { signal: libc::SIGWINCH, grace: Duration::from_millis(20) };
    let ladder = StopLadder { steps: vec![step] };
    let process = start(&mut |process| {
        process.request_stop(Some(ladder.clone()), Cause::Requested);
    });
    process.block_until(Moment::Closed, Some(Duration::from_secs(20))).unwrap();
}

#[test]
fn what_is_left_to_itself_during_the_start_is_let_go_of() {
    let process = start(&mut |process| detach(process));
    process.block_until(Moment::Closed, None).unwrap();
    let pid = rustix::process::Pid::from_raw(process.pid).unwrap();
    let weak = Arc::downgrade(&process);
    drop(process);
    assert!(weak.upgrade().is_none(), "the reactor keeps it");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}
