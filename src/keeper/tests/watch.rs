//! Mode watch, and the ends of hosts: whatever way the host goes, what it started goes too.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use rustix::process::{waitid, Pid, PidfdFlags, Signal, WaitId, WaitIdOptions};

use super::host::{place, users, Host, NOBODY};
use super::{wait_readable, Output, PATIENCE};
use crate::command::{Command, Stdout};
use crate::keeper::channel::Incoming;
use crate::keeper::{Registration, Watched, Watcher};
use crate::spawn::{self, SpawnContext};

fn pidfd(pid: i32) -> OwnedFd {
    rustix::process::pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()).unwrap()
}

fn sleeper() -> (Registration, Output) {
    let command = Command::new("/bin/sh").args(["-c", "sleep 1000 & echo ready; wait"]);
    let command = command.stderr(Stdout::Inherit);
    let context = SpawnContext {
        program: "/bin/sh".as_ref(),
        exec_fd: None,
        cgroup: None,
        pid_namespace: false,
    };
    let mut spawned = spawn::spawn(&command, &context).unwrap();
    let mut output = Output::new(spawned.stdout.take().unwrap());
    output.line("ready");
    let leader = Arc::new(spawned.pidfd);
    (Registration::Group { pgid: spawned.pid, leader }, output)
}

fn leader_of(registration: &Registration) -> &Arc<OwnedFd> {
    let Registration::Group { leader, .. } = registration else { panic!("not a group") };
    leader
}

fn kill(registration: &Registration) {
    let Registration::Group { pgid, leader } = registration else { return };
    rustix::process::kill_process_group(Pid::from_raw(*pgid).unwrap(), Signal::KILL).unwrap();
    reap(leader);
}

/// A zombie leader is a member of its group: only its reaping lets the watcher finish.
fn reap(leader: &Arc<OwnedFd>) {
    waitid(WaitId::PidFd(leader.as_fd()), WaitIdOptions::EXITED).unwrap();
}

#[test]
fn a_killed_host_takes_everything_with_it() {
    for uid in users() {
        for kind in ["guard", "group"] {
            let mut host = Host::start(&format!("{kind}/wait"), uid);
            host.kill();
            host.output.end();
        }
    }
}

#[test]
fn a_host_that_ends_by_itself_takes_everything_with_it() {
    for kind in ["guard/exit", "group/exit", "guard/abort", "group/abort"] {
        let mut host = Host::start(kind, None);
        host.go();
        host.output.end();
        host.child.wait().unwrap();
    }
}

#[test]
fn a_host_that_executes_another_program_takes_everything_with_it() {
    for kind in ["guard/exec", "group/exec"] {
        let mut host = Host::start(kind, None);
        host.go();
        host.output.end();
        host.kill();
    }
}

#[test]
fn a_copy_of_the_socket_elsewhere_does_not_hide_the_end() {
    for kind in ["guard/forked", "group/forked"] {
        let mut host = Host::start(kind, None);
        host.output.line("held");
        let holder = pidfd(host.output.number("holder"));
        host.kill();
        host.output.end();
        rustix::process::pidfd_send_signal(&holder, Signal::KILL).unwrap();
    }
}

#[test]
fn what_nobody_has_read_yet_holds_no_end_up() {
    for uid in users() {
        for kind in ["unread/wait", "unread/exit"] {
            let mut host = Host::start(kind, uid);
            match kind {
                "unread/wait" => host.kill(),
                _ => host.go(),
            }
            host.output.end();
        }
    }
}

/// It takes the end of its channel for that of the host: it may not see it.
#[test]
fn a_watcher_that_does_not_answer_is_ended_before_it_is_replaced() {
    let watcher = Arc::new(Watcher::start().unwrap());
    let (registration, output) = sleeper();
    let mut watched = vec![watcher.watch(registration.clone()).unwrap()];
    let (number, old) = (watcher.pid(), pidfd(watcher.pid()));
    rustix::process::pidfd_send_signal(&old, Signal::STOP).unwrap();
    while watcher.pid() == number {
        watched.push(watcher.watch(registration.clone()).unwrap());
    }
    let _ = rustix::process::pidfd_send_signal(&old, Signal::CONT);
    wait_readable(&old, Instant::now() + PATIENCE);
    assert!(!output.ended(), "the old one has killed what it watched");
    drop(watched);
    kill(&registration);
}

#[test]
fn the_end_of_one_host_does_not_touch_another() {
    let mut first = Host::start("group/wait", None);
    let mut second = Host::start("group/wait", users().pop().unwrap());
    let watcher = pidfd(second.output.number("watcher"));
    first.kill();
    first.output.end();
    assert!(second.child.try_wait().unwrap().is_none());
    assert!(rustix::process::pidfd_send_signal(&watcher, Signal::CONT).is_ok());
    second.kill();
    second.output.end();
    wait_readable(watcher, Instant::now() + PATIENCE);
}

#[test]
fn a_directory_goes_with_the_host_and_links_are_not_followed() {
    for uid in users() {
        let mut host = Host::start("directory/wait", uid);
        let directory = host.output.word("directory");
        let outside = host.output.word("outside");
        host.kill();
        host.output.end();
        let deadline = Instant::now() + PATIENCE;
        while std::path::Path::new(&directory).exists() {
            assert!(Instant::now() < deadline, "{directory} is still there");
            std::thread::yield_now();
        }
        assert!(std::path::Path::new(&outside).join("precious").exists());
        std::fs::remove_dir_all(outside).unwrap();
    }
}

#[test]
fn a_directory_that_somebody_else_has_locked_stays() {
    let directory = tempfile::tempdir().unwrap();
    let locked = place(directory.path());
    let mut other = place_unlocked(directory.path());
    other.parent = Arc::clone(&locked.parent);
    let watcher = Arc::new(Watcher::start().unwrap());
    watcher.watch(Registration::Directory(other)).unwrap().finish();
    finished(&watcher);
    assert!(directory.path().exists());
}

fn place_unlocked(path: &std::path::Path) -> crate::keeper::Place {
    let open = |path: &std::path::Path| Arc::new(std::fs::File::open(path).unwrap().into());
    let (parent, directory) = (open(path.parent().unwrap()), open(path));
    let name = path.file_name().unwrap().to_owned();
    crate::keeper::Place { parent, name, directory }
}

/// Waits for the watcher to say something, and takes it.
fn finished(watcher: &Watcher) {
    wait_readable(&*watcher.channel(), Instant::now() + PATIENCE);
    assert!(!watcher.tend().unwrap());
}

#[test]
fn the_watcher_is_a_stranger_to_the_host() {
    let watcher = Watcher::start().unwrap();
    let pid = Pid::from_raw(watcher.pid()).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/stat", watcher.pid())).unwrap();
    let parent: i32 =
        status.rsplit(')').next().unwrap().split(' ').nth(2).unwrap().parse().unwrap();
    assert_ne!(parent, rustix::process::getpid().as_raw_nonzero().get());
    assert_eq!(rustix::process::getsid(Some(pid)).unwrap(), pid);
    let link = |name: &str| std::fs::read_link(format!("/proc/{}/{name}", watcher.pid())).unwrap();
    assert_eq!(link("cwd").as_os_str(), "/");
    let fds = std::fs::read_dir(format!("/proc/{}/fd", watcher.pid())).unwrap();
    // It may close one meanwhile.
    let kinds = fds.filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok());
    let strange = kinds.filter(|kind| {
        let kind = kind.to_string_lossy();
        !["socket:", "pidfd", "[eventfd]"].iter().any(|known| kind.contains(known))
    });
    assert_eq!(strange.collect::<Vec<_>>(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_watcher_that_is_let_go_while_it_comes_up_ends_too() {
    for _ in 0..20 {
        let watcher = Watcher::start().unwrap();
        let channel = watcher.channel();
        drop(watcher);
        let mut last = channel.receive_until(Instant::now() + PATIENCE);
        if matches!(last, Incoming::Record(..)) {
            last = channel.receive_until(Instant::now() + PATIENCE);
        }
        assert!(matches!(last, Incoming::Closed));
    }
}

#[test]
fn what_is_handed_over_ends_while_the_host_lives() {
    let watcher = Arc::new(Watcher::start().unwrap());
    let (registration, mut output) = sleeper();
    let watched = watcher.watch(registration.clone()).unwrap();
    watched.finish();
    output.end();
    reap(leader_of(&registration));
    finished(&watcher);
}

#[test]
fn what_is_forgotten_is_left_alone() {
    let watcher = Arc::new(Watcher::start().unwrap());
    let (registration, output) = sleeper();
    let (other, mut other_output) = sleeper();
    drop(watcher.watch(registration.clone()).unwrap());
    watcher.watch(other.clone()).unwrap().finish();
    other_output.end();
    reap(leader_of(&other));
    finished(&watcher);
    let gone = pidfd(watcher.pid());
    drop(watcher);
    wait_readable(gone, Instant::now() + PATIENCE);
    assert!(rustix::process::pidfd_send_signal(leader_of(&registration), Signal::CONT).is_ok());
    assert!(!output.ended(), "still running");
    kill(&registration);
}

#[test]
fn a_killed_watcher_is_noticed_and_its_successor_knows_as_much() {
    let watcher = Arc::new(Watcher::start().unwrap());
    let (registration, mut output) = sleeper();
    let watched = watcher.watch(registration).unwrap();
    let first = watcher.pid();
    rustix::process::pidfd_send_signal(pidfd(first), Signal::KILL).unwrap();
    wait_readable(&*watcher.channel(), Instant::now() + PATIENCE);
    assert!(watcher.tend().unwrap(), "restarted");
    assert_ne!(watcher.pid(), first);
    watched.finish();
    output.end();
}

/// Kills it, unless it is gone already.
fn strike(watcher: &Watcher) {
    let pid = Pid::from_raw(watcher.pid()).unwrap();
    if let Ok(pidfd) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
        let _ = rustix::process::pidfd_send_signal(pidfd, Signal::KILL);
    }
}

#[test]
fn a_watcher_killed_again_and_again_loses_nothing() {
    let watcher = Arc::new(Watcher::start().unwrap());
    let mut standing = Vec::new();
    for round in 0..10 {
        let (registration, output) = sleeper();
        if round % 2 == 0 {
            watcher.tend().unwrap();
            strike(&watcher);
        }
        standing.push((watcher.watch(registration).unwrap(), output));
        if round % 2 == 1 {
            strike(&watcher);
        }
    }
    let finish = |(watched, output): (Watched, Output)| {
        watched.finish();
        output
    };
    let outputs: Vec<_> = standing.into_iter().map(finish).collect();
    let deadline = Instant::now() + PATIENCE;
    for mut output in outputs {
        while !output.ended() {
            watcher.tend().unwrap();
            assert!(Instant::now() < deadline, "an entry was lost");
            std::thread::yield_now();
        }
        output.end();
    }
}

#[test]
fn ten_thousand_entries_are_watched() {
    if rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum < Some(11_000) {
        println!("skipped: the limit of open descriptors is below 11000");
        return;
    }
    let watcher = Arc::new(Watcher::start().unwrap());
    let (registration, mut output) = sleeper();
    let mut watched: Vec<_> =
        (0..10_000).map(|_| watcher.watch(registration.clone()).unwrap()).collect();
    watched.pop().unwrap().finish();
    output.end();
    drop(watched);
}

/// One that is preempted on its way to sleep looks asleep, but is not counted yet.
fn has_gone_to_sleep(pid: i32) -> bool {
    let call = std::fs::read_to_string(format!("/proc/{pid}/syscall"));
    call.map_or(true, |call| !call.starts_with("running"))
}

/// How often the watcher has gone to sleep, once it sleeps.
fn sleeps(watcher: &Watcher) -> u64 {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let has_gone_to_sleep = has_gone_to_sleep(watcher.pid());
        let status = std::fs::read_to_string(format!("/proc/{}/status", watcher.pid())).unwrap();
        let value = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        if has_gone_to_sleep && value("State:\t").starts_with('S') {
            return value("voluntary_ctxt_switches:\t").parse().unwrap();
        }
        assert!(Instant::now() < deadline, "the watcher does not rest");
    }
}

#[test]
fn groups_come_and_go_without_waking_the_watcher() {
    let watcher = Arc::new(Watcher::start().unwrap());
    let (registration, mut output) = sleeper();
    let before = sleeps(&watcher);
    (0..30).for_each(|_| drop(watcher.watch(registration.clone()).unwrap()));
    assert_eq!(sleeps(&watcher), before);
    let many: Vec<_> = (0..100).map(|_| watcher.watch(registration.clone()).unwrap()).collect();
    assert_ne!(sleeps(&watcher), before, "the socket would be full one day");
    drop(many);
    watcher.watch(registration).unwrap().finish();
    output.end();
}

#[test]
fn another_users_watcher_starts_too() {
    if users().len() > 1 {
        Host::start("group/wait", Some(NOBODY)).kill();
    }
}
