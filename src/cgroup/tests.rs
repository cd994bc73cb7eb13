//! What cgroups promise, with real ones where this machine lets us make some.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{poll, PollFd, PollFlags, Timespec};

use super::pool::MOST_SPARE;
use super::{find, kill, subtree, Cgroup, Subtree};
use crate::command::{Command, Stdin, Stdout, UserSpec};
use crate::keeper::tests::host::{users, Host, NOBODY, ROLE, ROLE_ARGS};
use crate::keeper::tests::{helper, Output, PATIENCE};
use crate::spawn::{self, SpawnContext, Spawned};
use crate::sys::pidfd::{self, Reaped};
use crate::types::ExitStatus;

const HYBRID: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:4 - cgroup2 cgroup2 rw
";

fn located(mounts: &str, membership: &str) -> Result<PathBuf, String> {
    find::locate(mounts.as_bytes(), &find::own_path(membership.as_bytes())?)
}

#[test]
fn finds_the_own_cgroup_beside_version_1() {
    let found = located(HYBRID, "9:name=systemd:/x\n0::/user.slice/a\n");
    assert_eq!(found.unwrap(), Path::new("/sys/fs/cgroup/unified/user.slice/a"));
    assert_eq!(located(HYBRID, "0::/\n").unwrap(), Path::new("/sys/fs/cgroup/unified"));
}

#[test]
fn finds_the_own_cgroup_below_a_bind_mount_with_odd_characters() {
    let mounts = "36 35 0:30 /pod/one /mnt/a\\040b rw - cgroup2 none rw\n";
    assert_eq!(located(mounts, "0::/pod/one/x\n").unwrap(), Path::new("/mnt/a b/x"));
    assert!(located(mounts, "0::/pod/other\n").is_err());
}

#[test]
fn says_why_there_is_no_cgroup() {
    assert!(located("", "0::/\n").unwrap_err().contains("not mounted"));
    assert!(located(HYBRID, "1:cpu:/\n").unwrap_err().contains("no cgroup"));
    assert!(located(HYBRID, "0::/../x\n").unwrap_err().contains("namespace"));
}

#[test]
fn finds_what_the_mount_table_leads_to_without_it() {
    let read = |path| std::fs::read(path).unwrap();
    let Ok(own) = find::own_path(&read("/proc/self/cgroup")) else {
        return println!("skipped: this process is in no cgroup of version 2");
    };
    let found = find::usual_directory(&own);
    assert_eq!(find::usual_directory(&own.join("other")), None);
    let Some(found) = found else {
        return println!("skipped: before Linux 6.13, or not mounted where it mostly is");
    };
    assert_eq!(found, find::locate(&read("/proc/self/mountinfo"), &own).unwrap());
}

/// The host's subtree, or the reason why this machine gives us none.
fn own() -> Option<Arc<Subtree>> {
    let made = find::own_directory().and_then(|own| Subtree::make(&own));
    made.map(Arc::new).map_err(|reason| println!("skipped: {reason}")).ok()
}

fn start_in(cgroup: &Cgroup, command: Command) -> (Spawned, Output) {
    let crate::Program::Path(program) = command.program.clone() else { panic!("a path") };
    let context = SpawnContext {
        program: &program,
        exec_fd: None,
        cgroup: Some(cgroup.directory().unwrap()),
        pid_namespace: false,
    };
    let command = command.stderr(Stdout::Inherit);
    let mut spawned = spawn::spawn(&command, &context).unwrap();
    let mut output = Output::new(spawned.stdout.take().unwrap());
    output.line("ready");
    (spawned, output)
}

fn tree_in(cgroup: &Cgroup) -> (Spawned, Output) {
    start_in(cgroup, Command::new(helper("tree")))
}

fn later() -> Instant {
    Instant::now() + PATIENCE
}

#[test]
fn kills_the_whole_tree_and_proves_it() {
    let Some(subtree) = own() else { return };
    let cgroup = subtree.take().unwrap();
    assert!(!cgroup.is_populated().unwrap());
    let (_, mut output) = tree_in(&cgroup);
    assert_eq!(cgroup.members().unwrap().len(), 4);
    cgroup.kill().unwrap();
    assert!(cgroup.wait_empty(later()).unwrap());
    output.end();
}

#[test]
fn catches_hop_forkers_with_and_without_cgroup_kill() {
    let Some(subtree) = own() else { return };
    for lines in ["1", "8"] {
        for one_by_one in [false, true] {
            let cgroup = subtree.take().unwrap();
            let (_, mut output) = start_in(&cgroup, Command::new(helper("hop_forker")).arg(lines));
            let end = later();
            while !cgroup.wait_empty(Instant::now() + Duration::from_millis(1)).unwrap() {
                assert!(Instant::now() < end, "the hop-forkers are still there");
                match one_by_one {
                    true => kill::kill_each(cgroup.directory().unwrap()).unwrap(),
                    false => cgroup.kill().unwrap(),
                }
            }
            output.end();
        }
    }
}

#[test]
fn kills_what_is_frozen() {
    let Some(subtree) = own() else { return };
    let cgroup = subtree.take().unwrap();
    let (_, mut output) = tree_in(&cgroup);
    cgroup.freeze(true).unwrap();
    cgroup.kill().unwrap();
    assert!(cgroup.wait_empty(later()).unwrap());
    output.end();
}

/// The child gets no exit signal before its exec, so that it is found by asking for all children.
#[test]
fn a_child_that_is_killed_before_its_exec_is_collected() {
    let Some(subtree) = own() else { return };
    let cgroup = subtree.take().unwrap();
    cgroup.freeze(true).unwrap();
    let started = std::thread::scope(|scope| {
        let start = scope.spawn(|| {
            let context = SpawnContext {
                program: Path::new("/bin/true"),
                exec_fd: None,
                cgroup: Some(cgroup.directory().unwrap()),
                pid_namespace: false,
            };
            spawn::spawn(&Command::new("/bin/true"), &context)
        });
        while cgroup.members().unwrap().is_empty() {
            std::thread::yield_now();
        }
        cgroup.kill().unwrap();
        start.join().unwrap()
    });
    let spawned = started.unwrap();
    assert!(pidfd::ends_within(spawned.pidfd.as_fd(), PATIENCE));
    let Ok(Reaped::Ended(status, Some(_))) = pidfd::reap(spawned.pidfd.as_fd()) else {
        panic!("it is still there, or somebody else has it");
    };
    assert_eq!(status, ExitStatus::Signal { signal: libc::SIGKILL, core_dumped: false });
}

#[test]
fn one_that_somebody_else_has_removed_is_empty() {
    let Some(subtree) = own() else { return };
    let cgroup = subtree.take().unwrap();
    assert!(!cgroup.is_populated().unwrap(), "opens its events");
    std::fs::remove_dir(subtree.path().join(cgroup.name())).unwrap();
    assert!(!cgroup.is_populated().unwrap());
}

#[test]
fn signals_every_member() {
    let Some(subtree) = own() else { return };
    let cgroup = subtree.take().unwrap();
    let (_, mut output) = tree_in(&cgroup);
    cgroup.signal(&[libc::SIGTERM], None).unwrap();
    assert!(cgroup.wait_empty(later()).unwrap());
    output.end();
}

#[test]
fn the_end_of_the_last_process_can_be_waited_for() {
    let Some(subtree) = own() else { return };
    let cgroup = subtree.take().unwrap();
    let (mut spawned, _) = start_in(
        &cgroup,
        Command::new("/bin/sh").args(["-c", "echo ready; read x"]).stdin(Stdin::Pipe),
    );
    let events = cgroup.events().unwrap();
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let changed = |time: &Timespec| {
        poll(&mut [PollFd::new(&events, PollFlags::empty())], Some(time)).unwrap() > 0
    };
    assert!(events.is_populated().unwrap());
    assert!(!changed(&at_once), "armed, and nothing has changed");
    drop(spawned.stdin.take());
    assert!(changed(&Timespec { tv_sec: 20, tv_nsec: 0 }));
    assert!(!events.is_populated().unwrap());
    assert!(!changed(&at_once), "asking re-arms");
}

#[test]
fn empty_ones_are_reused_and_others_are_not() {
    let Some(subtree) = own() else { return };
    let name = |cgroup: &Cgroup| cgroup.name();
    let first = subtree.take().unwrap();
    let first_name = name(&first);
    drop(first);
    let again = subtree.take().unwrap();
    assert_eq!(name(&again), first_name, "reused");
    let nested = rustix::fs::Mode::from_raw_mode(0o755);
    rustix::fs::mkdirat(again.directory().unwrap(), "nested", nested).unwrap();
    drop(again);
    assert_ne!(name(&subtree.take().unwrap()), first_name, "it had children");
    assert!(!subtree.path().join(first_name).exists(), "removed with its children");
}

#[test]
fn one_that_was_killed_is_not_reused() {
    let Some(subtree) = own() else { return };
    for _ in 0..3 {
        let cgroup = subtree.take().unwrap();
        let (_, mut output) = tree_in(&cgroup);
        cgroup.kill().unwrap();
        assert!(cgroup.wait_empty(later()).unwrap());
        output.end();
    }
}

#[test]
fn more_than_are_kept_are_removed_when_somebody_has_the_time() {
    let Some(subtree) = own() else { return };
    let count = || subtree.children();
    let taken: Vec<_> = (0..MOST_SPARE + 20).map(|_| subtree.take().unwrap()).collect();
    assert!(!subtree.has_surplus(), "they are in use");
    drop(taken);
    assert_eq!(count(), MOST_SPARE + 20, "nobody waits for their removal");
    assert!(subtree.trim(15) && !subtree.trim(15) && !subtree.has_surplus());
    assert_eq!(count(), MOST_SPARE);
}

#[test]
fn dropping_a_busy_one_kills_what_is_in_it() {
    let Some(subtree) = own() else { return };
    let cgroup = subtree.take().unwrap();
    let (_, mut output) = tree_in(&cgroup);
    drop(cgroup);
    output.end();
}

#[test]
fn the_directory_goes_with_the_last_holder() {
    let Some(subtree) = own() else { return };
    let path = subtree.path();
    let cgroup = subtree.take().unwrap();
    drop(subtree);
    assert!(path.exists());
    drop(cgroup);
    assert!(!path.exists());
}

#[test]
fn directories_of_dead_hosts_are_swept_and_live_ones_are_not() {
    let Some(outer) = own() else { return };
    // Apart from the tests beside this one, which sweep too.
    let parent = outer.path().join("host");
    std::fs::create_dir(&parent).unwrap();
    let live = Subtree::make(&parent).unwrap();
    let stale = parent.join("process_manager.1.stale");
    std::fs::create_dir_all(stale.join("p1/nested")).unwrap();
    subtree::sweep(std::fs::File::open(&parent).unwrap().as_fd());
    assert!(!stale.exists());
    assert!(live.path().exists());
    drop(live);
    std::fs::remove_dir(&parent).unwrap();
}

#[test]
fn hosts_that_sweep_at_once_do_not_harm_each_other() {
    if own().is_none() {
        return;
    }
    let host = || {
        for _ in 0..10 {
            let subtree = own().unwrap();
            let cgroup = subtree.take().unwrap();
            let (_, mut output) =
                start_in(&cgroup, Command::new("/bin/sh").args(["-c", "echo ready; sleep 1000"]));
            assert!(cgroup.is_populated().unwrap(), "not swept");
            cgroup.kill().unwrap();
            assert!(cgroup.wait_empty(later()).unwrap());
            output.end();
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(host))));
}

#[test]
fn a_killed_host_takes_its_cgroups_with_it() {
    if own().is_none() {
        return;
    }
    for role in ["cgroup/wait", "cgroup/exit", "cgroup/abort", "cgroup/exec"] {
        let mut host = Host::start(role, None);
        let path = PathBuf::from(host.output.word("subtree"));
        host.go();
        if role == "cgroup/wait" {
            host.kill();
        }
        host.output.end();
        gone(&path);
    }
}

fn gone(path: &Path) {
    let end = later();
    while path.exists() {
        assert!(Instant::now() < end, "{} is still there", path.display());
        std::thread::yield_now();
    }
}

#[test]
fn a_user_without_a_cgroup_is_told_why() {
    let Some(uid) = users().pop().unwrap() else { return };
    let mut host = Host::start("refused/", Some(uid));
    let reason = host.output.word("refused");
    assert!(reason.contains("not supported") && reason.len() > 20, "{reason}");
    host.child.wait().unwrap();
}

#[test]
fn a_delegated_cgroup_serves_an_unprivileged_host() {
    let Some(subtree) = own() else { return };
    if users().len() < 2 {
        return;
    }
    let cgroup = subtree.take().unwrap();
    let path = subtree.path().join(cgroup.name());
    for name in ["", "cgroup.procs", "cgroup.subtree_control"] {
        std::os::unix::fs::chown(path.join(name), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let user = UserSpec { uid: Some(NOBODY), gid: Some(NOBODY), groups: None };
    let host = Command::new(std::env::current_exe().unwrap()).args(ROLE_ARGS);
    let host = host.env(ROLE, "cgroup/wait").user(user);
    let (spawned, mut output) = start_in(&cgroup, host);
    let made = PathBuf::from(output.word("subtree"));
    assert!(made.starts_with(&path));
    let kill = rustix::process::Signal::KILL;
    rustix::process::pidfd_send_signal(&spawned.pidfd, kill).unwrap();
    output.end();
    gone(&made);
}

#[test]
fn where_many_run_none_of_them_costs_a_descriptor() {
    let Some(subtree) = own() else { return };
    let mut many: Vec<Cgroup> = (0..80).map(|_| subtree.take().unwrap()).collect();
    many.iter_mut().for_each(Cgroup::settle);
    let last = many.pop().unwrap();
    assert!(last.directory().is_err(), "it does without");
    assert!(!last.is_populated().unwrap());
    assert_eq!(last.members().unwrap(), []);
    let name = last.name();
    drop(last);
    let again = subtree.take().unwrap();
    assert_eq!(again.name(), name, "it is reused");
    assert!(again.directory().is_ok(), "and open for the next start");
}

#[test]
fn where_many_run_members_further_down_are_found() {
    let Some(subtree) = own() else { return };
    let mut many: Vec<Cgroup> = (0..80).map(|_| subtree.take().unwrap()).collect();
    let mut last = many.pop().unwrap();
    let (spawned, mut output) = tree_in(&last);
    last.settle();
    assert!(last.directory().is_err(), "it does without");
    assert_eq!(last.members().unwrap().len(), 4);
    let below = subtree.path().join(last.name()).join("below");
    std::fs::create_dir(&below).unwrap();
    std::fs::write(below.join("cgroup.procs"), spawned.pid.to_string()).unwrap();
    let members = last.members().unwrap();
    assert!(members.len() == 4 && members.contains(&spawned.pid), "{members:?}");
    last.signal(&[libc::SIGKILL], None).unwrap();
    assert!(last.wait_empty(later()).unwrap());
    output.end();
}
