//! Hosts that are killed leave nothing, and nobody.

use std::path::Path;

use crate::users::User;
use crate::{able, eventually, lingering, ALL, PASSWORD};

#[test]
fn a_killed_host_leaves_no_tree_of_root() {
    if !able() {
        return;
    }
    let user = User::new(Some(PASSWORD), Some(ALL));
    let mut host = lingering(&mut user.host("linger", PASSWORD));
    let mark = format!("PM_USER={}", user.name);
    assert!(!carriers(&mark).is_empty());
    host.kill().unwrap();
    host.wait().unwrap();
    eventually(|| carriers(&mark), Vec::is_empty);
}

#[test]
fn a_host_killed_at_the_prompt_leaves_nothing() {
    if !able() {
        return;
    }
    let user = User::new(Some(PASSWORD), Some(ALL));
    let mut host = lingering(&mut user.host("at the prompt", PASSWORD));
    let left = || {
        let entries = std::fs::read_dir(user.home()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("process_manager")).collect::<Vec<_>>()
    };
    let sudos = processes_of(&user);
    assert!(!left().is_empty() && sudos.len() > 1, "{sudos:?}");
    host.kill().unwrap();
    host.wait().unwrap();
    eventually(left, Vec::is_empty);
    let is_there = |pid: &&String| Path::new("/proc").join(pid).exists();
    eventually(|| sudos.iter().filter(is_there).collect::<Vec<_>>(), Vec::is_empty);
}

/// The processes that this user has started, of whichever user they are.
fn processes_of(user: &User) -> Vec<String> {
    let id = std::process::Command::new("/usr/bin/id").args(["-u", &user.name]).output().unwrap();
    let id = String::from_utf8(id.stdout).unwrap();
    let started_by = |pid: &String| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let ids = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap_or_default();
        ids.split_whitespace().next() == Some(id.trim())
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.filter_map(|entry| entry.file_name().into_string().ok()).filter(started_by).collect()
}

/// The processes with this in their environment, zombies aside.
fn carriers(mark: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let carries = |pid: &String| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    processes.filter_map(|entry| entry.file_name().into_string().ok()).filter(carries).collect()
}
