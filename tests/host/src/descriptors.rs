//! The host's descriptors.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use process_manager::{
    BinaryExtractor, Command, Containment, ExitStatus, ProcessManager, ProcessRunner, StopLadder,
};

use super::{run_short, Children, SOON};

/// The open descriptors and what they refer to.
pub fn open() -> Vec<(String, String)> {
    let entries = std::fs::read_dir("/proc/self/fd").expect("/proc is mounted");
    let describe = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.ok()?.path();
        let target = std::fs::read_link(&path).ok()?;
        let target = target.to_string_lossy().into_owned();
        let name = path.file_name()?.to_string_lossy().into_owned();
        // The listing's own descriptor is gone by now.
        (!target.contains("/proc/")).then_some((name, target))
    };
    let mut open: Vec<_> = entries.filter_map(describe).collect();
    open.sort();
    open
}

pub fn are_as_before(children: &Children) {
    let at_first = open();
    let manager = ProcessManager::default();
    run_short(children, &manager, 10);
    let warm = open();
    run_short(children, &manager, 1000);
    for _ in 0..1000 {
        assert!(manager.start(Command::new("/no/such/program")).is_err());
    }
    assert_eq!(open(), warm);
    drop(manager);
    assert_eq!(open(), at_first);
}

pub fn limit_in_mid_batch(children: &Children) {
    let limit = libc::rlimit { rlim_cur: 64, rlim_max: 64 };
    // SAFETY: lowers this process's own limit.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) };
    let manager = ProcessManager::default();
    let before = open();
    let commands = (0..40).map(|_| children.command("ticker")).collect();
    let results = manager.start_each(commands);
    let started = results.iter().filter(|result| result.is_ok()).count();
    assert!((5..40).contains(&started), "{started} started");
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        assert_eq!(error.errno(), Some(libc::EMFILE), "{error}");
    }
    assert_eq!(manager.get_running_count(), started);
    manager.stop_all_blocking(Some(StopLadder::kill())).expect("all stop");
    drop(manager);
    assert_eq!(open(), before);
}

/// Ending what runs needs no descriptor: who has none left can stop its processes to get some.
pub fn used_up(children: &Children) {
    let limit = libc::rlimit { rlim_cur: 256, rlim_max: 256 };
    // SAFETY: lowers this process's own limit.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) };
    let manager = ProcessManager::default();
    let before = open();
    // Longer than this program's life: who is not asked to end by a signal is waited for until then.
    let patient = StopLadder::term_then_kill(Duration::from_secs(600));
    let start = |_| {
        let tree = children.command("tree").stop_ladder(patient.clone());
        let runner = manager.start(tree).expect("starts");
        let members = members(&runner);
        (runner, members)
    };
    let trees: Vec<_> = (0..3).map(start).collect();
    let ignoring = manager.start(children.command("ignore_term")).expect("starts");
    assert_eq!(ignoring.get_output_stream().lines().next().as_deref(), Some("ready"));
    let filler: Vec<_> =
        std::iter::from_fn(|| std::io::stderr().as_fd().try_clone_to_owned().ok()).collect();
    trees[0].0.kill().expect("is killed");
    trees[1].0.stop_blocking(None).expect("is stopped");
    let soon = StopLadder::term_then_kill(Duration::from_millis(100));
    ignoring.stop_blocking(Some(soon)).expect("is killed in the end");
    drop(trees[2].0.clone());
    manager.stop_all_blocking(None).expect("all stop");
    drop(filler);
    let signal = |runner: &ProcessRunner| runner.info().exit.and_then(|exit| exit.signal());
    let signals = trees.iter().map(|(runner, _)| signal(runner)).chain([signal(&ignoring)]);
    let expected = [libc::SIGKILL, libc::SIGTERM, libc::SIGTERM, libc::SIGKILL];
    assert_eq!(signals.collect::<Vec<_>>(), expected.map(Some));
    for pid in trees.iter().flat_map(|(_, members)| members) {
        await_end(*pid);
    }
    drop((trees, ignoring, manager));
    assert!(open().len() <= before.len(), "{:?}", open());
}

/// A process leaves its cgroup a moment before it is a zombie.
fn await_end(pid: u32) {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if state.is_empty() || state.contains(") Z ") || state.contains(") X ") {
            return;
        }
        assert!(Instant::now() < until, "left: {state}");
        std::thread::yield_now();
    }
}

/// The pids that the helper `tree` tells.
fn members(runner: &ProcessRunner) -> Vec<u32> {
    let lines = runner.get_output_stream().lines().take_while(|line| line != "ready");
    let pid = |line: String| line.split(' ').nth(1).and_then(|pid| pid.parse().ok());
    lines.map(|line| pid(line).expect("a pid")).collect()
}

/// Every subset of 0, 1 and 2 closed: the child still gets its three, its output arrives, and the
/// numbers stay free for the host, which may open a log there or print into it.
pub fn standard_ones_closed(children: &Children) {
    for closed in (0..8u32).rev() {
        for level in [None, Some(Containment::Guard), Some(Containment::Group)] {
            let saved: Vec<i32> = (0..3).map(move_up).collect();
            (0..3).filter(|fd| closed & (1 << fd) != 0).for_each(close);
            let ran = run_listed(children, level);
            let all_open = (0..3).filter(|fd| is_open(*fd)).fold(0, |set, fd| set | 1 << fd);
            drop(ran.manager);
            saved.iter().enumerate().for_each(|(fd, copy)| move_back(*copy, fd));
            assert_eq!(ran.exit, ExitStatus::Code(0));
            assert_eq!(ran.numbers, ["0", "1", "2"], "closed {closed:03b}, {level:?}");
            assert_eq!(all_open, 7 & !closed, "{level:?}: what is open of 0, 1 and 2");
        }
    }
}

struct Ran {
    manager: ProcessManager,
    exit: ExitStatus,
    numbers: Vec<String>,
}

/// Extracts the lister of descriptors and runs it; nothing may be asserted before the host has its
/// own descriptors again.
fn run_listed(children: &Children, level: Option<Containment>) -> Ran {
    let mut extractor = BinaryExtractor::new().expect("there is a directory");
    extractor.add_file("list_fds", children.0.join("list_fds")).expect("is extracted");
    let manager = ProcessManager::new(extractor);
    let command = Command::binary("list_fds");
    let command = level.into_iter().fold(command, Command::containment);
    let runner = manager.start(command).expect("starts");
    let lines: Vec<String> = runner.get_output_stream().lines().collect();
    let exit = runner.wait_blocking(SOON).expect("ends");
    let number = |line: &String| line.split_whitespace().next().unwrap_or_default().to_owned();
    Ran { manager, exit, numbers: lines.iter().map(number).collect() }
}

fn is_open(fd: i32) -> bool {
    // SAFETY: asks about a number.
    unsafe { libc::fcntl(fd, libc::F_GETFD) != -1 }
}

fn move_up(fd: i32) -> i32 {
    // SAFETY: duplicates a standard descriptor of this program.
    unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 200) }
}

fn close(fd: i32) {
    // SAFETY: a standard descriptor, of which a copy is kept.
    unsafe { libc::close(fd) };
}

fn move_back(copy: i32, fd: usize) {
    // SAFETY: puts the copy back in its place.
    unsafe {
        libc::dup2(copy, fd as i32);
        libc::close(copy);
    }
}
