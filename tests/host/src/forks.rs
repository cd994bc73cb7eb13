//! A host that forks while its children live.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Barrier;
use std::task::{Context, Waker};
use std::time::Duration;

use process_manager::{ProcessError, ProcessManager, ProcessRunner, Stdin};

use super::{Children, SOON};

const ROUNDS: u64 = 200;

/// Runs `body` in a forked copy, which then ends without unwinding; its exit code.
fn in_copy(body: impl FnOnce() -> bool) -> i32 {
    // SAFETY: the copy runs on this thread's stack and leaves by _exit.
    unsafe {
        match libc::fork() {
            0 => libc::_exit(i32::from(!body())),
            pid => {
                let mut status = 0;
                assert_eq!(libc::waitpid(pid, &mut status, 0), pid);
                assert!(libc::WIFEXITED(status), "the copy died: {status}");
                libc::WEXITSTATUS(status)
            }
        }
    }
}

pub fn copy_owns_nothing(children: &Children) {
    let manager = ProcessManager::default();
    let runner = manager.start(children.command("ticker").arg("5")).expect("starts");
    let mut stream = runner.get_output_stream();
    assert_eq!(stream.next_blocking(SOON).expect("a line").as_deref(), Some("ready"));
    let copied = (manager.clone(), runner.clone());
    let code = in_copy(move || {
        let (manager, runner) = copied;
        let refused = [
            matches!(runner.stop_blocking(None), Err(ProcessError::Forked)),
            matches!(runner.kill(), Err(ProcessError::Forked)),
            matches!(runner.signal(9), Err(ProcessError::Forked)),
            matches!(runner.wait_blocking(SOON), Err(ProcessError::Forked)),
            matches!(manager.kill_process(runner.id()), Err(ProcessError::Forked)),
            manager.start(process_manager::Command::new("true")).is_err(),
        ];
        drop((manager, runner));
        refused.iter().all(|refused| *refused)
    });
    assert_eq!(code, 0, "a call in the copy was not refused");
    // The parent's process lives on, and so does its output.
    assert!(runner.is_running());
    while !stream.next_blocking(SOON).expect("no error").expect("a line").starts_with("tick 5") {}
    runner.stop_blocking(None).expect("stops");
}

/// A copy that lives on must not keep `cat` from seeing the end of its input.
pub fn copy_holds_no_pipe(children: &Children) {
    let manager = ProcessManager::default();
    let runner = manager.start(children.command("cat").stdin(Stdin::Pipe)).expect("starts");
    let copy = idle_copy();
    runner.write_stdin_blocking(b"word\n", SOON).expect("is written");
    runner.close_stdin().expect("closes");
    let lines: Vec<String> = runner.get_output_stream().lines().collect();
    let exit = runner.wait_blocking(SOON);
    end(copy);
    assert_eq!(lines, ["word"]);
    assert!(exit.expect("ends").success());
}

/// A copy is a host of its own.
pub fn copy_starts_its_own(children: &Children) {
    let manager = ProcessManager::default();
    let runner = manager.start(children.command("cat").stdin(Stdin::Pipe)).expect("starts");
    let code = in_copy(|| {
        let command = children.command("exit_code").arg("3");
        let own = ProcessRunner::start_command(command).expect("starts");
        let exit = own.wait_blocking(SOON);
        exit.is_ok_and(|exit| exit.code() == Some(3))
    });
    assert_eq!(code, 0);
    runner.close_stdin().expect("closes");
    assert!(runner.wait_blocking(SOON).expect("ends").success());
}

/// Whatever other threads were at when the copy was made, what it drops and polls does not hang.
pub fn while_others_hold_locks(children: &Children) {
    let manager = ProcessManager::default();
    let runner = manager.start(children.command("cat").stdin(Stdin::Pipe)).expect("starts");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let runner = runner.clone();
            scope.spawn(|| hammer(&manager, runner, &is_over));
        }
        for _ in 0..ROUNDS {
            let (manager, runner) = (manager.clone(), runner.clone());
            let (mut events, mut watch) = (manager.events(), manager.watch());
            let mut wait = Box::pin(runner.closed());
            let mut writer = runner.stdin_writer();
            let mut cx = Context::from_waker(Waker::noop());
            assert!(wait.as_mut().poll(&mut cx).is_pending());
            let code = in_copy(move || {
                // SAFETY: ends a copy that hangs.
                unsafe { libc::alarm(20) };
                let closed = wait.as_mut().poll(&mut cx).is_ready();
                let polled = runner.poll_closed(&mut cx).is_ready();
                let written = std::io::Write::write(&mut writer, b"x").is_err();
                let events = events.as_mut().map(|events| events.poll_event(&mut cx).is_ready());
                let watch = watch.as_mut().map(|watch| watch.poll_item(&mut cx).is_ready());
                drop((wait, writer, runner, manager));
                closed && polled && written && events.is_ok_and(|is| is) && watch.is_ok_and(|is| is)
            });
            assert_eq!(code, 0, "the copy sees what is not its own");
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

fn hammer(manager: &ProcessManager, runner: ProcessRunner, is_over: &AtomicBool) {
    let mut cx = Context::from_waker(Waker::noop());
    while !is_over.load(Ordering::Relaxed) {
        assert_eq!(manager.list_processes().len(), 1);
        let mut wait = Box::pin(runner.closed());
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        let _ = runner.poll_write_stdin(&mut cx, b"word\n");
    }
}

/// A copy made on one thread while another one starts holds no pipe either, at whatever step of
/// the start it was made.
pub fn during_a_start(children: &Children) {
    let manager = ProcessManager::default();
    let begin = Barrier::new(2);
    std::thread::scope(|scope| {
        let copies = scope.spawn(|| {
            let mut copies = Vec::new();
            for round in 0..ROUNDS {
                begin.wait();
                // The pause is the subject here: each round comes at another moment.
                std::thread::sleep(Duration::from_micros(round * 5));
                copies.push(idle_copy());
            }
            copies
        });
        for round in 0..ROUNDS {
            begin.wait();
            let command = children.command("cat").stdin(Stdin::Pipe);
            let runner = manager.start(command).expect("starts");
            runner.close_stdin().expect("closes");
            if let Err(error) = runner.wait_blocking(Some(Duration::from_secs(20))) {
                eprintln!("round {round}: a copy holds its input: {error}");
                std::process::exit(1);
            }
        }
        copies.join().expect("no panic").into_iter().for_each(end);
    });
}

/// A copy that waits for a signal.
fn idle_copy() -> libc::pid_t {
    // SAFETY: the copy makes async-signal-safe calls only, and goes with its parent.
    unsafe {
        let copy = libc::fork();
        if copy == 0 {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            loop {
                libc::pause();
            }
        }
        copy
    }
}

fn end(copy: libc::pid_t) {
    // SAFETY: our own child, unreaped.
    unsafe {
        libc::kill(copy, libc::SIGKILL);
        libc::waitpid(copy, std::ptr::null_mut(), 0);
    }
}
