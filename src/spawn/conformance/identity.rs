//! User and groups. Needs root; says so where it is skipped.

use std::os::unix::fs::PermissionsExt;

use super::bench::{shell, Bench};
use super::{case, Case};
use crate::command::{Command, UserSpec};
use crate::error::{StartErrorKind, StartStep};

pub(super) const CASES: &[Case] = &[
    case("user, group and groups are taken on", all_ids),
    case("a user without named groups has none", no_groups),
    case("a group alone changes nothing else", group_alone),
    case("the user's own rights decide about the working directory", own_rights),
    case("a user's own identity cannot be regained", not_regained),
];

const NOBODY: u32 = 65534;

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("  skipped: changing the user needs root");
    }
    root
}

fn ids(bench: &Bench, user: UserSpec) -> String {
    bench.run(&shell("id -u; id -g; id -G").user(user)).text().replace('\n', "|")
}

fn all_ids(bench: &Bench) {
    if is_root() {
        let groups = Some(vec![7, 9]);
        let user = UserSpec { uid: Some(NOBODY), gid: Some(5), groups };
        assert_eq!(ids(bench, user), "65534|5|5 7 9");
    }
}

fn no_groups(bench: &Bench) {
    if is_root() {
        let user = UserSpec { uid: Some(NOBODY), gid: Some(NOBODY), groups: None };
        assert_eq!(ids(bench, user), "65534|65534|65534");
    }
}

fn group_alone(bench: &Bench) {
    if is_root() {
        let user = UserSpec { gid: Some(5), ..UserSpec::default() };
        assert!(ids(bench, user).starts_with("0|5|5"));
    }
}

fn own_rights(bench: &Bench) {
    if is_root() {
        let directory = tempfile::tempdir().unwrap();
        let mode = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(directory.path(), mode).unwrap();
        let user = UserSpec { uid: Some(NOBODY), gid: Some(NOBODY), groups: None };
        let error = bench.refusal(&shell("exit 0").user(user).current_dir(directory.path()));
        assert_eq!((error.step, error.errno), (StartStep::Chdir, libc::EACCES));
        assert_eq!(error.kind, StartErrorKind::WorkingDirectory);
    }
}

fn not_regained(bench: &Bench) {
    if is_root() {
        let user = UserSpec { uid: Some(NOBODY), gid: Some(NOBODY), groups: None };
        let command = Command::new("/bin/cat").arg("/proc/self/status").user(user);
        let text = bench.run(&command).text();
        assert!(text.contains("Uid:\t65534\t65534\t65534\t65534"), "{text}");
        assert!(text.contains("Gid:\t65534\t65534\t65534\t65534"), "{text}");
    }
}
