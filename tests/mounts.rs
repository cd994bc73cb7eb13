//! Cgroups are found where they can be made, wherever that is mounted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::process::Command;

use common::{command, CHILDREN, SOON};
use process_manager::{Containment, ProcessError, ProcessManager};

/// Set where the usual place is read-only and the hierarchy is mounted elsewhere too.
const ELSEWHERE: &str = "PM_TEST_ELSEWHERE";

/// In a mount namespace of its own: makes the usual places read-only, and mounts the hierarchy at
/// the directory `$0`. Ends with 77 where that is not allowed.
const MOUNT: &str = r#"
found=
for usual in /sys/fs/cgroup /sys/fs/cgroup/unified; do
    mountpoint -q "$usual" || continue
    mount -o remount,bind,ro "$usual" || exit 77
    found=1
done
[ "$found" ] || { echo "the hierarchy is at no usual place" >&2; exit 77; }
mount -t cgroup2 none "$0" || exit 77
exec "$@"
"#;

#[test]
fn a_read_only_place_is_passed_over() {
    if std::env::var_os(ELSEWHERE).is_some() {
        return try_cgroup().unwrap();
    }
    if let Some(why) = lacking() {
        return println!("skipped: {why}");
    }
    let place = tempfile::tempdir().unwrap();
    let mut namespace = Command::new("unshare");
    namespace.args(["--mount", "sh", "-c", MOUNT]).arg(place.path());
    namespace.arg(std::env::current_exe().unwrap());
    namespace.args(["--nocapture", "--exact", "a_read_only_place_is_passed_over"]);
    namespace.env(CHILDREN, common::child("exit_code").parent().unwrap()).env(ELSEWHERE, "1");
    let output = namespace.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(77) || errors.contains("unshare failed") {
        return println!("skipped: nothing can be mounted here ({})", errors.trim());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    // A name that is not this test's any more would run nothing, and succeed.
    assert!(output.status.success() && text.contains("1 passed"), "{text}{errors}");
}

/// Why this cannot be tried here.
fn lacking() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("not root, so nothing can be mounted".into());
    }
    match try_cgroup() {
        Err(ProcessError::Unsupported(reason)) => Some(format!("no cgroup here ({reason})")),
        other => other.map(|()| None).unwrap(),
    }
}

fn try_cgroup() -> Result<(), ProcessError> {
    let contained = command("exit_code").arg("0").containment(Containment::Cgroup);
    let runner = ProcessManager::default().start(contained)?;
    assert_eq!(runner.info().containment, Containment::Cgroup);
    runner.closed_blocking(SOON)
}
