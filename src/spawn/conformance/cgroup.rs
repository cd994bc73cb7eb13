//! Starting in a control group. Needs a writable cgroup2 mount; says so where it is skipped.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use super::bench::{finish, Bench};
use super::{case, Case};
use crate::command::{Command, UserSpec};
use crate::error::{ProcessError, StartStep};
use crate::spawn::SpawnContext;

pub(super) const CASES: &[Case] = &[
    case("a child starts in its control group", placed),
    case("also as another user, who may not enter it", placed_as_user),
    case("a control group that is gone is a clear error", gone),
];

/// A control group of this test, removed with the guard.
struct Group {
    path: PathBuf,
}

impl Group {
    fn new() -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let mount = mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2"));
        let Some(mount) = mount.and_then(|line| line.split(' ').nth(1)) else {
            println!("  skipped: no cgroup2 is mounted");
            return None;
        };
        let name = format!("pm-conformance-{}", uuid::Uuid::now_v7());
        let path = Path::new(mount).join(name);
        match fs::create_dir(&path) {
            Ok(()) => Some(Self { path }),
            Err(error) => {
                println!("  skipped: {mount} is not writable: {error}");
                None
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.path);
    }
}

fn where_it_is(bench: &Bench, group: &Group, command: Command) -> String {
    let directory = File::open(&group.path).unwrap();
    let context = SpawnContext {
        program: Path::new("/bin/cat"),
        exec_fd: None,
        cgroup: Some(directory.as_fd()),
        pid_namespace: false,
    };
    finish(bench.start_with(&command, &context).unwrap()).text()
}

fn assert_placed(bench: &Bench, command: Command) {
    let Some(group) = Group::new() else { return };
    let text = where_it_is(bench, &group, command);
    let line = text.lines().find(|line| line.starts_with("0::")).unwrap();
    assert!(line.ends_with(group.path.file_name().unwrap().to_str().unwrap()), "{text}");
}

fn report_cgroup() -> Command {
    Command::new("/bin/cat").arg("/proc/self/cgroup")
}

fn placed(bench: &Bench) {
    assert_placed(bench, report_cgroup());
}

fn placed_as_user(bench: &Bench) {
    if !rustix::process::geteuid().is_root() {
        println!("  skipped: changing the user needs root");
        return;
    }
    let user = UserSpec { uid: Some(65534), gid: Some(65534), groups: None };
    assert_placed(bench, report_cgroup().user(user));
}

fn gone(bench: &Bench) {
    let Some(group) = Group::new() else { return };
    let directory = File::open(&group.path).unwrap();
    drop(group);
    let program = Path::new("/bin/cat");
    let context = SpawnContext {
        program,
        exec_fd: None,
        cgroup: Some(directory.as_fd()),
        pid_namespace: false,
    };
    let Err(ProcessError::StartFailed(error)) = bench.start_with(&report_cgroup(), &context) else {
        panic!("a start in a removed control group must fail");
    };
    assert_eq!(error.step, StartStep::Contain, "{error}");
}
