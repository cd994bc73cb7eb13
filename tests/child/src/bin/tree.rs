//! A tree of four that all hold the inherited descriptors: itself, a child in its group, a child
//! in a session of its own, and a double-forked daemon whose parent is gone.
//!
//! Prints "root PID", "child PID", "session PID", "daemon PID" and "ready", then stays.

use process_manager_child::{fork, say, wait_for_end};

fn main() -> std::io::Result<()> {
    let root = std::process::id();
    let child = fork();
    if child == 0 {
        wait_for_end();
    }
    let session = fork();
    if session == 0 {
        new_session();
        wait_for_end();
    }
    let daemon = daemon()?;
    say(&format!("root {root}\nchild {child}\nsession {session}\ndaemon {daemon}\nready"));
    wait_for_end()
}

/// Starts the daemon and waits for the middle process, which passes the pid on through a pipe.
fn daemon() -> std::io::Result<i32> {
    let (mut reader, mut writer) = std::io::pipe()?;
    let middle = fork();
    if middle == 0 {
        new_session();
        let daemon = fork();
        if daemon == 0 {
            drop((reader, writer));
            wait_for_end();
        }
        let sent = std::io::Write::write_all(&mut writer, &daemon.to_ne_bytes());
        std::process::exit(i32::from(sent.is_err()));
    }
    drop(writer);
    let mut bytes = [0; 4];
    std::io::Read::read_exact(&mut reader, &mut bytes)?;
    // SAFETY: the status pointer may be null; the pid is our child's.
    unsafe { libc::waitpid(middle, std::ptr::null_mut(), 0) };
    Ok(i32::from_ne_bytes(bytes))
}

fn new_session() {
    // SAFETY: setsid(2) takes nothing and touches no memory of ours.
    unsafe { libc::setsid() };
}
