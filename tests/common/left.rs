//! What this library may leave outside of its host: shared by the suites and the host program.

use std::fs;
use std::path::{Path, PathBuf};

/// The processes of the machine, as directories.
pub fn processes() -> impl Iterator<Item = PathBuf> {
    fs::read_dir("/proc").expect("/proc is mounted").flatten().map(|entry| entry.path())
}

/// Whether a process watches this host, for which it holds a pidfd of it.
pub fn is_watching(process: &Path, host: u32) -> bool {
    let mark = format!("\nPid:\t{host}\n");
    let infos = fs::read_dir(process.join("fdinfo")).into_iter().flatten().flatten();
    let mut infos = infos.filter_map(|info| fs::read_to_string(info.path()).ok());
    infos.any(|info| info.contains(&mark))
}

/// This process's directories below its own control group.
pub fn cgroups() -> Vec<String> {
    let prefix = format!("process_manager.{}.", std::process::id());
    let entries = own_cgroup().and_then(|own| fs::read_dir(own).ok()).into_iter().flatten();
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(&prefix)).collect()
}

/// The second version's, wherever that is mounted: beside the first it is not at the usual place.
fn own_cgroup() -> Option<PathBuf> {
    let (own, mounts) =
        (fs::read_to_string("/proc/self/cgroup"), fs::read_to_string("/proc/mounts"));
    let (own, mounts) = (own.ok()?, mounts.ok()?);
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let place = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        (words[2] == "cgroup2").then(|| PathBuf::from(words[1]))
    };
    Some(mounts.lines().find_map(place)?.join(own))
}
