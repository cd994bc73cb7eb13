//! Group, session, limits, nice value, CPUs, file mode mask.

use super::bench::{limit, shell, Bench};
use super::{case, native, Case};
use crate::command::{Affinity, Command, GroupMode};

pub(super) const CASES: &[Case] = &[
    case("a child leads a group of its own", own_group),
    case("a child leads a session of its own", own_session),
    case("a child stays in the group of its host", host_group),
    case("limits are set", limits),
    native("the limit of descriptors does not hinder the start", descriptor_limit),
    case("the nice value is set", nice),
    case("the CPUs are set", cpus),
    case("the file mode mask is set", umask),
];

/// Fields of /proc/PID/stat after the name: state, parent, group, session, …
fn stat(text: &str) -> Vec<i64> {
    let (_, fields) = text.rsplit_once(") ").unwrap();
    fields.split(' ').skip(1).map_while(|field| field.trim().parse().ok()).collect()
}

/// Pid, group and session of a child in this mode.
fn standing(bench: &Bench, mode: GroupMode) -> (i64, Option<i32>, i64, i64) {
    let command = Command::new("/bin/cat").arg("/proc/self/stat").group(mode);
    let spawned = bench.start(&command).unwrap();
    let (pid, pgid) = (spawned.pid, spawned.pgid);
    let fields = stat(&super::bench::finish(spawned).text());
    (pid.into(), pgid, fields[1], fields[2])
}

fn host() -> (i64, i64) {
    let fields = stat(&std::fs::read_to_string("/proc/self/stat").unwrap());
    (fields[1], fields[2])
}

fn own_group(bench: &Bench) {
    let (pid, pgid, group, session) = standing(bench, GroupMode::Own);
    assert_eq!((group, session), (pid, host().1));
    assert_eq!(pgid.map(i64::from), Some(pid));
}

fn own_session(bench: &Bench) {
    let (pid, pgid, group, session) = standing(bench, GroupMode::Session);
    assert_eq!((group, session), (pid, pid));
    assert_eq!(pgid.map(i64::from), Some(pid));
}

fn host_group(bench: &Bench) {
    let (_, pgid, group, session) = standing(bench, GroupMode::Host);
    assert_eq!((group, session), host());
    assert_eq!(pgid, None);
}

fn limits(bench: &Bench) {
    let command = shell("ulimit -S -c; ulimit -H -c; ulimit -t")
        .rlimit(limit(libc::RLIMIT_CORE), 512, 1024)
        .rlimit(limit(libc::RLIMIT_CPU), 7, u64::MAX);
    assert_eq!(bench.run(&command).text(), "1\n2\n7");
}

fn descriptor_limit(bench: &Bench) {
    let file = std::fs::File::open("/dev/null").unwrap();
    let command = shell("ulimit -n; readlink /proc/self/fd/30").extra_fd(file.into(), 30).rlimit(
        limit(libc::RLIMIT_NOFILE),
        10,
        10,
    );
    assert_eq!(bench.run(&command).text(), "10\n/dev/null");
}

fn nice(bench: &Bench) {
    let text = bench.run(&Command::new("/bin/cat").arg("/proc/self/stat").nice(7)).text();
    assert_eq!(stat(&text)[15], 7);
}

fn cpus(bench: &Bench) {
    let allowed = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("Cpus_allowed_list:")).unwrap();
        line.split_whitespace().nth(1).unwrap().to_string()
    };
    let host = allowed(&std::fs::read_to_string("/proc/self/status").unwrap());
    let first: usize = host.split(['-', ',']).next().unwrap().parse().unwrap();
    let command = Command::new("/bin/cat").arg("/proc/self/status");
    let text = bench.run(&command.affinity(Affinity::cpus([first]))).text();
    assert_eq!(allowed(&text), first.to_string());
}

fn umask(bench: &Bench) {
    assert_eq!(bench.run(&shell("umask").umask(0o027)).text(), "0027");
}
