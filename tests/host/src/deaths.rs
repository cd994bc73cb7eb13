//! A host that starts trees and dies. What must die with it holds the pipe at descriptor 9.
//!
//! Set by environment: `PM_LEVEL` the containment, `PM_DEATH` how to die, `PM_UID` a user to
//! become first. Prints the extractor's directory, then "ready", then dies or waits to be killed.

use std::fmt::Debug;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use process_manager::{BinaryExtractor, Command, Containment, ProcessManager, ProcessRunner};

use super::{Children, SOON};

pub fn die(children: &Children) {
    become_user();
    // SAFETY: what this program becomes by exec must not hold the pipe.
    unsafe { libc::fcntl(9, libc::F_SETFD, libc::FD_CLOEXEC) };
    let mut extractor = checked(BinaryExtractor::new());
    checked(extractor.add_file("tree", children.0.join("tree")));
    let directory = extractor.temp_dir().to_owned();
    let manager = ProcessManager::new(extractor);
    let runners =
        [start(&manager, Command::binary("tree")), start(&manager, children.command("ticker"))];
    let worker = fork_worker();
    println!("{}\n{worker}\nready", directory.display());
    checked(std::io::stdout().flush());
    act(&var("PM_DEATH"));
    drop(runners);
}

fn checked<T, E: Debug>(result: Result<T, E>) -> T {
    result.expect("works")
}

fn var(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn become_user() {
    if let Ok(uid) = var("PM_UID").parse() {
        // SAFETY: gives up privileges of this process, groups first.
        unsafe {
            assert_eq!(libc::setgroups(0, std::ptr::null()), 0);
            assert_eq!(libc::setresgid(uid, uid, uid), 0);
            assert_eq!(libc::setresuid(uid, uid, uid), 0);
        }
    }
}

fn start(manager: &ProcessManager, command: Command) -> ProcessRunner {
    let command = match var("PM_LEVEL").as_str() {
        "group" => command.containment(Containment::Group),
        "guard" => command.containment(Containment::Guard),
        "cgroup" => command.containment(Containment::Cgroup),
        "pidns" => command.containment(Containment::PidNamespace),
        _ => command,
    };
    let runner = checked(manager.start(command.extra_fd(pipe(), 9)));
    let mut stream = runner.get_output_stream();
    while checked(stream.next_blocking(SOON)).as_deref() != Some("ready") {}
    runner
}

fn pipe() -> OwnedFd {
    // SAFETY: the test has passed an open descriptor at 9.
    let inherited = unsafe { BorrowedFd::borrow_raw(9) };
    checked(inherited.as_fd().try_clone_to_owned())
}

/// A forked worker that outlives the host: it must hold nothing that tells of the host's life.
fn fork_worker() -> i32 {
    // SAFETY: the copy makes system calls only, and the test ends it.
    unsafe {
        let pid = libc::fork();
        if pid == 0 {
            libc::close(9);
            libc::alarm(300);
            loop {
                libc::pause();
            }
        }
        pid
    }
}

fn act(death: &str) {
    // SAFETY: each of these ends this program, which is the point.
    unsafe {
        match death {
            "exit" => libc::_exit(0),
            "abort" => libc::abort(),
            "segv" => drop(libc::raise(libc::SIGSEGV)),
            "exec" => {
                let args = [c"/bin/sleep".as_ptr(), c"300".as_ptr(), std::ptr::null()];
                libc::execv(args[0], args.as_ptr());
            }
            _ => drop(libc::pause()),
        }
    }
}
