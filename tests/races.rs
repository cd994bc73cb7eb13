//! Calls that meet at a bad moment: nothing hangs, nothing is told twice or in the wrong order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::mpsc;
use std::time::Duration;

use common::{command, line};
use process_manager::{Command, Containment, ProcessManager};

/// Fails instead of hanging.
fn within(body: impl FnOnce() + Send + 'static) {
    let (done, told) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        body();
        let _ = done.send(());
    });
    let hangs = Err(mpsc::RecvTimeoutError::Timeout);
    assert_ne!(told.recv_timeout(Duration::from_secs(60)), hangs, "it hangs");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn killing_the_last_handle_of_a_held_pipe_ends() {
    within(|| {
        let manager = ProcessManager::default();
        let script = "setsid sleep 1000 & echo $!; exec sleep 1000";
        let command = Command::new("sh").args(["-c", script]).containment(Containment::Process);
        let id = manager.start(command).unwrap().id();
        let left = line(&mut manager.get_output_stream(id).unwrap());
        manager.kill_process(id).unwrap();
        assert_eq!(manager.get_process_count(), 0);
        let left = rustix::process::Pid::from_raw(left.parse().unwrap()).unwrap();
        rustix::process::kill_process(left, rustix::process::Signal::KILL).unwrap();
    });
}

#[test]
fn a_pipeline_keeps_its_processes_where_the_manager_keeps_none() {
    let manager = ProcessManager::default();
    manager.set_retention(0);
    for _ in 0..20 {
        let commands = vec![command("exit_code").arg("3"), command("exit_code").arg("0")];
        let pipeline = manager.start_pipeline(commands).unwrap();
        assert_eq!(pipeline.runners().len(), 2);
    }
}
