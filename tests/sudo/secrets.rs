//! Where the password must not be found.

use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Stdio};

use crate::users::User;
use crate::{able, lingering, ALL, PASSWORD};

#[test]
fn the_password_cannot_be_read_in_proc_or_logs() {
    if able() {
        // Of this test alone: hosts of the others have theirs in the environment.
        let own = b"a horse of its own";
        let user = User::new(Some(own), Some(ALL));
        user.write("secret", own);
        user.run("absent", b"");
    }
}

/// A host that holds the password for a start to come, and no copy of its own.
fn holder(user: &User, case: &str) -> Child {
    user.write("secret", PASSWORD);
    lingering(user.host(case, b"").stdin(Stdio::piped()))
}

#[test]
fn a_core_of_the_host_does_not_hold_the_password() {
    if !able() {
        return;
    }
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    if pattern.contains(['|', '/', '%']) {
        println!("skipped: cores go to {:?} here", pattern.trim());
        return;
    }
    let user = User::new(Some(PASSWORD), Some(ALL));
    let mut host = holder(&user, "core");
    host.stdin.take().unwrap().write_all(b"die\n").unwrap();
    host.wait().unwrap();
    let core = std::fs::read_dir(user.home()).unwrap().map(|entry| entry.unwrap().path());
    let is_core = |path: &std::path::PathBuf| {
        path.file_name().unwrap().to_string_lossy().starts_with(pattern.trim())
    };
    let core = std::fs::read(core.into_iter().find(is_core).expect("a core")).unwrap();
    assert!(memchr::memmem::find(&core, b"an ordinary word on the heap").is_some());
    assert!(memchr::memmem::find(&core, PASSWORD).is_none());
}

#[test]
fn a_forked_worker_does_not_have_the_password() {
    if !able() {
        return;
    }
    let user = User::new(Some(PASSWORD), Some(ALL));
    let mut host = holder(&user, "forked");
    let worker = std::fs::read_to_string(user.home().join("worker")).unwrap();
    assert!(occurrences(&host.id().to_string()) > 0, "the host itself should have it");
    assert_eq!(occurrences(&worker), 0);
    drop(host.stdin.take());
    host.wait().unwrap();
}

/// How often the password stands in the memory of a process.
fn occurrences(pid: &str) -> usize {
    let process = Path::new("/proc").join(pid);
    let memory = std::fs::File::open(process.join("mem")).unwrap();
    let maps = std::fs::read_to_string(process.join("maps")).unwrap();
    let writable = maps.lines().filter(|line| line.contains(" rw"));
    let count = |line: &str| {
        let (start, rest) = line.split_once('-').unwrap();
        let end = rest.split(' ').next().unwrap();
        let [start, end] = [start, end].map(|number| u64::from_str_radix(number, 16).unwrap());
        let mut bytes = vec![0; (end - start) as usize];
        let length = memory.read_at(&mut bytes, start).unwrap_or(0);
        memchr::memmem::find_iter(&bytes[..length], PASSWORD).count()
    };
    writable.map(count).sum()
}
