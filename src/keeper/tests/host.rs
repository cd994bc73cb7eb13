//! Hosts that die: this test program, started again in a role, as root or as somebody else.

use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Instant;

use rustix::process::{waitid, WaitId, WaitIdOptions};

use super::{helper, wait_readable, Output, PATIENCE};
use crate::cgroup::{Cgroup, Subtree};
use crate::command::{Command, Stdout};
use crate::keeper::{Guard, Watched, Watcher};
use crate::keeper::{Place, Registration};
use crate::spawn::{self, SpawnContext, Spawned};

pub(crate) const ROLE: &str = "PROCESS_MANAGER_TEST_ROLE";
pub(crate) const ROLE_ARGS: [&str; 4] =
    ["--exact", "keeper::tests::host::role", "--nocapture", "--test-threads=1"];
pub(crate) const NOBODY: u32 = 65534;

/// A host in another process; its output ends when it and all that inherited it are gone.
pub(crate) struct Host {
    pub(crate) child: Child,
    pub(crate) output: Output,
}

impl Host {
    /// Starts a host and waits until its tree stands and is registered: a host that is killed
    /// between the two leaves what the group level cannot hold.
    pub(crate) fn start(role: &str, uid: Option<u32>) -> Host {
        let test = std::env::current_exe().unwrap();
        let mut command = std::process::Command::new(test);
        command.args(ROLE_ARGS);
        command.env(ROLE, role).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(uid) = uid {
            command.uid(uid).gid(uid);
        }
        helper("tree");
        let mut child = command.spawn().unwrap();
        let mut output = Output::new(child.stdout.take().unwrap());
        output.line("ready");
        if !role.starts_with("refused") {
            output.line("standing");
        }
        Host { child, output }
    }

    /// Lets the host go on to the end it has chosen itself.
    pub(crate) fn go(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Kills the host the hard way.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The users to be tried: whoever runs the tests and, from root, an unprivileged one.
pub(crate) fn users() -> Vec<Option<u32>> {
    if rustix::process::geteuid().is_root() {
        return vec![None, Some(NOBODY)];
    }
    println!("  skipped: only root can try another user");
    vec![None]
}

/// Not a test by itself: what the other process of a test does.
#[test]
fn role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let (kind, way) = role.split_once('/').unwrap();
    println!();
    let kept = match kind {
        "guard" => Kept::Guard(guarded()),
        "group" => Kept::Group(grouped()),
        "unread" => Kept::Group(unread()),
        "directory" => Kept::Directory(directory()),
        "cgroup" => Kept::Cgroup(contained()),
        "refused" => return println!("refused {}\nready", Subtree::shared().unwrap_err()),
        other => panic!("no role {other}"),
    };
    println!("standing");
    end(way, &kept);
}

#[allow(dead_code, reason = "held until the host dies")]
enum Kept {
    Guard((Guard, Spawned)),
    Group((Watched, Arc<Watcher>)),
    Directory((Watched, Arc<Watcher>)),
    Cgroup((Cgroup, Spawned)),
}

fn end(way: &str, kept: &Kept) -> ! {
    match way {
        "wait" => loop {
            std::thread::park();
        },
        "exit" => {
            wait_for_word();
            std::process::exit(0)
        }
        "abort" => {
            wait_for_word();
            std::process::abort()
        }
        "exec" => {
            wait_for_word();
            let mut command = std::process::Command::new("/bin/sleep");
            panic!("{}", command.arg("1000").stdout(Stdio::null()).exec());
        }
        "forked" => {
            hold_socket(kept);
            loop {
                std::thread::park();
            }
        }
        other => panic!("no way {other}"),
    }
}

fn wait_for_word() {
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// Stands in for a forked copy of the host: another process that holds the host's socket.
fn hold_socket(kept: &Kept) {
    let socket = match kept {
        Kept::Guard((guard, _)) => guard.as_fd().try_clone_to_owned().unwrap(),
        Kept::Group((_, watcher)) | Kept::Directory((_, watcher)) => {
            watcher.channel().as_fd().try_clone_to_owned().unwrap()
        }
        Kept::Cgroup(_) => {
            Watcher::shared().unwrap().channel().as_fd().try_clone_to_owned().unwrap()
        }
    };
    let holder = Command::new("/bin/sleep").arg("1000").extra_fd(socket, 9);
    let holder = holder.stdout(Stdout::Null).stderr(Stdout::Null);
    let spawned = start_plain(&holder, "/bin/sleep".as_ref());
    println!("holder {}\nheld", spawned.pid);
}

fn start_plain(command: &Command, program: &Path) -> Spawned {
    let context = SpawnContext { program, exec_fd: None, cgroup: None, pid_namespace: false };
    spawn::spawn(command, &context).unwrap()
}

fn inherit(command: Command) -> Command {
    command.stdout(Stdout::Inherit).stderr(Stdout::Inherit)
}

fn guarded() -> (Guard, Spawned) {
    let program = helper("tree");
    let context =
        SpawnContext { program: &program, exec_fd: None, cgroup: None, pid_namespace: false };
    Guard::start(&inherit(Command::new(&program)), &context).unwrap()
}

/// Members of one group only: that is what this level promises.
fn grouped() -> (Watched, Arc<Watcher>) {
    let script = "sleep 1000 & sh -c 'kill -STOP $$' & echo ready; wait";
    let command = inherit(Command::new("/bin/sh").args(["-c", script]));
    let watcher = Watcher::shared().unwrap();
    println!("watcher {}", watcher.pid());
    let spawned = start_plain(&command, "/bin/sh".as_ref());
    let leader = Arc::new(spawned.pidfd);
    let registration = Registration::Group { pgid: spawned.pid, leader };
    (watcher.watch(registration).unwrap(), watcher)
}

/// The host's end has a record that nobody has read when the group is registered: a socket that is
/// closed so is an error to the other end, before what it has to read.
fn unread() -> (Watched, Arc<Watcher>) {
    let watcher = Watcher::shared().unwrap();
    let ended = start_plain(&inherit(Command::new("/bin/true")), "/bin/true".as_ref());
    let leader = Arc::new(ended.pidfd);
    waitid(WaitId::PidFd(leader.as_fd()), WaitIdOptions::EXITED).unwrap();
    watcher.watch(Registration::Group { pgid: ended.pid, leader }).unwrap().finish();
    wait_readable(&*watcher.channel(), Instant::now() + PATIENCE);
    grouped()
}

fn contained() -> (Cgroup, Spawned) {
    let program = helper("tree");
    let subtree = Subtree::shared().unwrap();
    println!("subtree {}", subtree.path().display());
    let cgroup = subtree.take().unwrap();
    let command = inherit(Command::new(&program));
    let context = SpawnContext {
        program: &program,
        exec_fd: None,
        cgroup: Some(cgroup.directory().unwrap()),
        pid_namespace: false,
    };
    let spawned = spawn::spawn(&command, &context).unwrap();
    (cgroup, spawned)
}

fn directory() -> (Watched, Arc<Watcher>) {
    let watcher = Watcher::shared().unwrap();
    let path = tempfile::tempdir().unwrap().keep();
    std::fs::create_dir_all(path.join("a/b/c")).unwrap();
    std::fs::write(path.join("a/b/file"), "text").unwrap();
    let outside = tempfile::tempdir().unwrap().keep();
    std::fs::write(outside.join("precious"), "text").unwrap();
    std::os::unix::fs::symlink(&outside, path.join("a/link")).unwrap();
    let watched = watcher.watch(Registration::Directory(place(&path))).unwrap();
    println!("directory {}\noutside {}\nready", path.display(), outside.display());
    (watched, watcher)
}

/// A directory as it is registered, with the owner's lock on it.
pub(crate) fn place(path: &Path) -> Place {
    let open = |path: &Path| Arc::new(std::fs::File::open(path).unwrap().into());
    let directory: Arc<std::os::fd::OwnedFd> = open(path);
    rustix::fs::flock(&*directory, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let name = path.file_name().unwrap().to_owned();
    Place { parent: open(path.parent().unwrap()), name, directory }
}
