//! What /proc says about processes: which belong to the demo, and whether any is left.

use std::fs;
use std::path::{Path, PathBuf};

use process_manager::ProcessInfo;

/// The variable that every process of the demo carries in its environment and hands down.
pub const MARK: &str = "PROCESS_MANAGER_DEMO";

/// This run's value of [`MARK`].
pub fn mark() -> String {
    std::process::id().to_string()
}

/// The pids of the running processes and everything below them that can be seen.
pub fn trees(infos: &[ProcessInfo]) -> Vec<u32> {
    let running = infos.iter().filter(|info| info.exit.is_none()).filter_map(|info| info.pid);
    let mut pids: Vec<u32> = running.chain(marked()).collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// The pids that carry the demo's mark.
pub fn marked() -> Vec<u32> {
    pids().filter(|pid| is_ours(*pid)).collect()
}

/// Whether the process lives and carries the demo's mark; a reused number does not.
pub fn is_ours(pid: u32) -> bool {
    let wanted = format!("{MARK}={}", mark());
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())
}

/// This process's own children, zombies included.
pub fn children() -> Vec<u32> {
    let own = std::process::id();
    pids().filter(|pid| parent(*pid) == Some(own)).collect()
}

/// The control groups that this process has made, as paths.
pub fn cgroups() -> Vec<PathBuf> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let path = own.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let mine = format!("process_manager.{}.", std::process::id());
    let roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(|root| Path::new(root).join(path));
    let entries = roots.into_iter().flat_map(fs::read_dir).flatten().flatten();
    let paths = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&mine));
    paths.map(|entry| entry.path()).collect()
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything: what follows its end is state, then parent.
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}
