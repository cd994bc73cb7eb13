//! Prints who and how it is, "name value" a line: pid, ppid, pgid, sid, real and effective ids,
//! groups, nice value, umask, allowed CPUs and the limit of open files.

use process_manager_child::say;

fn main() -> std::io::Result<()> {
    // SAFETY: these calls take numbers only and touch no memory of ours.
    let ids = unsafe {
        let ids = [libc::getpid(), libc::getppid(), libc::getpgid(0), libc::getsid(0)];
        ids.into_iter().chain([libc::getpriority(libc::PRIO_PROCESS, 0)])
    };
    for (name, id) in ["pid", "ppid", "pgid", "sid", "nice"].into_iter().zip(ids) {
        say(&format!("{name} {id}"));
    }
    for line in std::fs::read_to_string("/proc/self/status")?.lines() {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let name = match name {
            "Uid" | "Gid" | "Groups" | "Umask" => name.to_lowercase(),
            "Cpus_allowed_list" => "cpus".to_owned(),
            _ => continue,
        };
        say(&format!("{name} {}", value.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    say(&format!("nofile {}", nofile()));
    Ok(())
}

fn nofile() -> String {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call writes one rlimit to a live value.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    format!("{} {}", limit.rlim_cur, limit.rlim_max)
}
