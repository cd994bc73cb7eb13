//! What killed hosts leave is removed by the next one, and nothing else ever is.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use process_manager::{BinaryExtractor, ProcessError};
use rustix::fs::{flock, FlockOperation};
use rustix::io::Errno;

use crate::hosts::{self, Host};
use crate::{add, names_in, run, script, Base};

/// A host that has an extractor over `base`, and lives until it is killed.
fn host(name: &str, base: &Base) -> (Host, PathBuf) {
    let mut host = Host::start(hosts::command(name, base.path()));
    let directory = PathBuf::from(host.next_report());
    (host, directory)
}

fn live_as_host(base: &str) {
    let mut extractor = BinaryExtractor::builder().base_directory(base).build().unwrap();
    add(&mut extractor, "tool", &script(9));
    hosts::report(extractor.temp_dir().to_str().unwrap());
    hosts::wait_for_test();
}

#[test]
fn the_directory_of_a_killed_host_goes_and_that_of_a_live_one_stays() {
    if let Some(base) = hosts::base() {
        return live_as_host(&base);
    }
    let name = "sweep::the_directory_of_a_killed_host_goes_and_that_of_a_live_one_stays";
    let base = Base::new();
    let (dead, stale) = host(name, &base);
    let (mut live, kept) = host(name, &base);
    dead.kill();
    assert!(stale.is_dir());
    let extractor = base.extractor();
    assert!(!stale.exists());
    assert_eq!(run(&kept.join("tool")), 9);
    drop(extractor);
    live.go_on();
    assert_eq!(live.wait(), Some(0));
}

#[test]
fn the_children_of_a_killed_host_do_not_keep_its_directory() {
    if let Some(base) = hosts::base() {
        let mut child = Command::new("/bin/cat").spawn().unwrap();
        hosts::report(&child.id().to_string());
        live_as_host(&base);
        return assert!(child.wait().unwrap().success());
    }
    let name = "sweep::the_children_of_a_killed_host_do_not_keep_its_directory";
    let base = Base::new();
    let mut dead = Host::start(hosts::command(name, base.path()));
    let child = dead.next_report();
    let stale = PathBuf::from(dead.next_report());
    let input = dead.kill_and_keep_input();
    assert!(Path::new("/proc").join(child).exists());
    drop(base.extractor());
    assert!(!stale.exists());
    drop(input);
}

#[test]
fn the_directory_itself_is_locked_by_its_owner() {
    let base = Base::new();
    let extractor = base.extractor();
    let directory = fs::File::open(extractor.temp_dir()).unwrap();
    let locked = flock(&directory, FlockOperation::NonBlockingLockShared);
    assert_eq!(locked, Err(Errno::WOULDBLOCK));
}

#[test]
fn only_unlocked_directories_of_our_form_are_swept() {
    let base = Base::new();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("precious"), "data").unwrap();
    let at = |name: &str| base.path().join(name);
    fs::create_dir(at("process_manager-abcdefABCD12")).unwrap();
    fs::write(at("process_manager-abcdefABCD12").join("tool"), "left").unwrap();
    let spared = [
        "process_manager-short",
        "process_manager-abcdef_BCD12",
        "process_managerXabcdefABCD12",
        "other-abcdefABCD12",
    ];
    spared.iter().for_each(|name| fs::create_dir(at(name)).unwrap());
    fs::write(at("process_manager-aaaaaaaaaaaa"), "a file").unwrap();
    symlink(outside.path(), at("process_manager-bbbbbbbbbbbb")).unwrap();
    let locked = at("process_manager-cccccccccccc");
    fs::create_dir(&locked).unwrap();
    let lock = fs::File::open(&locked).unwrap();
    flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();

    drop(base.extractor());
    assert_eq!(names_in(base.path()).len(), spared.len() + 3);
    assert!(!at("process_manager-abcdefABCD12").exists());
    assert_eq!(names_in(outside.path()), ["precious"]);

    spared.iter().for_each(|name| fs::remove_dir(at(name)).unwrap());
    fs::remove_file(at("process_manager-aaaaaaaaaaaa")).unwrap();
    fs::remove_file(at("process_manager-bbbbbbbbbbbb")).unwrap();
    // Unlocked rather than closed: another test may be forking, and its copy would still hold it.
    flock(&lock, FlockOperation::Unlock).unwrap();
    drop(base.extractor());
}

fn come_and_go(base: &Path) {
    for round in 0..30 {
        let mut extractor = BinaryExtractor::builder().base_directory(base).build().unwrap();
        let path = add(&mut extractor, "tool", &script(round));
        assert_eq!(run(&path), round);
    }
}

#[test]
fn hosts_that_come_and_go_at_once_never_sweep_a_live_directory() {
    let together = |base: &Path| {
        std::thread::scope(|scope| {
            (0..4).for_each(|_| drop(scope.spawn(|| come_and_go(base))));
        });
    };
    if let Some(base) = hosts::base() {
        return together(Path::new(&base));
    }
    let name = "sweep::hosts_that_come_and_go_at_once_never_sweep_a_live_directory";
    let base = Base::new();
    let other = Host::start(hosts::command(name, base.path()));
    together(base.path());
    assert_eq!(other.wait(), Some(0));
}

#[test]
fn a_forked_copy_removes_nothing_and_is_told_so() {
    let Some(base) = hosts::base() else {
        let base = Base::new();
        let name = "sweep::a_forked_copy_removes_nothing_and_is_told_so";
        return hosts::run(hosts::command(name, base.path()));
    };
    let mut extractor = BinaryExtractor::builder().base_directory(base).build().unwrap();
    let path = add(&mut extractor, "tool", &script(2));
    let mut held = Some(extractor);
    let status = hosts::fork(|| {
        let mut extractor = held.take().unwrap();
        let refused = matches!(extractor.add_binary("x", b"x"), Err(ProcessError::Forked));
        refused
            && extractor.list_binaries().is_empty()
            && extractor.get_binary_path("tool").is_none()
    });
    assert_eq!(status, Some(0));
    assert_eq!(run(&path), 2);
}
