//! Many trees at once, and guards that are killed under them.

use std::fs;
use std::io::Read;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use process_manager::{BinaryExtractor, Command, Containment, ProcessError, ProcessManager};

use super::{descriptors, left, Children, SOON};

/// Two hundred at each level: no control group, zombie, descriptor or directory is left.
pub fn two_hundred(children: &Children) {
    let levels = ["process", "group", "guard", "cgroup", "pidns"].map(level);
    for level in levels {
        let before = descriptors::open();
        let mut extractor = BinaryExtractor::new().expect("a directory");
        extractor.add_file("ticker", children.0.join("ticker")).expect("is added");
        let directory = extractor.temp_dir().to_owned();
        let manager = ProcessManager::new(extractor);
        let command = || Command::binary("ticker").containment(level);
        if let Err(ProcessError::Unsupported(reason)) = manager.start(command()) {
            eprintln!("  skipped: no {level} here ({reason})");
            continue;
        }
        let results = manager.start_each((1..200).map(|_| command()).collect());
        assert!(results.iter().all(Result::is_ok), "{level}: {results:?}");
        assert_eq!(manager.get_running_count(), 200);
        // What is not found now would not be found when it is left.
        assert!(level != Containment::Cgroup || !left::cgroups().is_empty(), "none is found");
        manager.stop_all_blocking(None).expect("all stop");
        drop(manager);
        assert_eq!(descriptors::open(), before, "{level}");
        assert!(!directory.exists(), "{level}: {} is left", directory.display());
        assert_eq!(left::cgroups(), [""; 0], "{level}");
        assert_no_child();
        assert_no_watcher();
    }
}

fn level(name: &str) -> Containment {
    match name {
        "process" => Containment::Process,
        "group" => Containment::Group,
        "guard" => Containment::Guard,
        "cgroup" => Containment::Cgroup,
        _ => Containment::PidNamespace,
    }
}

/// What watches this host ends when there is nothing left to watch.
fn assert_no_watcher() {
    let until = Instant::now() + Duration::from_secs(20);
    while left::processes().any(|process| left::is_watching(&process, std::process::id())) {
        assert!(Instant::now() < until, "a watcher is left");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn assert_no_child() {
    // SAFETY: asks for any child without waiting; none may be left, not even unreaped.
    let left = unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) };
    assert_eq!(left, -1, "a child is left");
}

/// So many meetings are as many moments at which a guard can be killed.
const MANY: usize = 100;

/// Guards that are killed at any moment: every start and every stop returns, and the commands go.
pub fn guards_killed_at_random(children: &Children) {
    let manager = ProcessManager::default();
    let before = descriptors::open();
    let (mut pipe, writer) = std::io::pipe().expect("a pipe");
    let (is_over, killed, mut started) = (AtomicBool::new(false), AtomicUsize::new(0), 0);
    std::thread::scope(|scope| {
        scope.spawn(|| kill_guards(&is_over, &killed));
        while started < MANY || killed.load(Ordering::Relaxed) < MANY {
            let copy = writer.as_fd().try_clone_to_owned().expect("a copy");
            let command = children.command("ticker").containment(Containment::Guard);
            // A guard that is killed before it has said that the command runs: an error.
            let Ok(runner) = manager.start(command.extra_fd(copy, 9)) else { continue };
            started += 1;
            let _ = runner.get_output_stream().next_blocking(SOON).expect("a line or the end");
            runner.stop_blocking(None).expect("stops, whatever its guard does");
            runner.closed_blocking(SOON).expect("closes");
        }
        is_over.store(true, Ordering::Relaxed);
    });
    drop(writer);
    assert_eq!(pipe.read(&mut [0; 1]).expect("no error"), 0);
    drop((pipe, manager));
    assert!(descriptors::open().len() <= before.len(), "{:?}", descriptors::open());
    assert_no_child();
}

/// Kills what calls itself a guard among the own children, each after a time of its own.
fn kill_guards(is_over: &AtomicBool, killed: &AtomicUsize) {
    for round in 0u64.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        std::thread::sleep(Duration::from_micros(round * 7919 % 4000));
        let guards = guards();
        killed.fetch_add(guards.len(), Ordering::Relaxed);
        for pid in guards {
            // SAFETY: a child of this program; if it has been reaped meanwhile, nobody has its
            // number yet, since numbers are given out in turn.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
    }
}

fn guards() -> Vec<i32> {
    let tasks = fs::read_dir("/proc/self/task").expect("/proc is mounted").flatten();
    let of_task = |task: fs::DirEntry| fs::read_to_string(task.path().join("children")).ok();
    let pids: Vec<i32> = tasks
        .filter_map(of_task)
        .flat_map(|text| {
            text.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<_>>()
        })
        .collect();
    let is_guard = |pid: &i32| {
        fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "pm-guard\n")
    };
    pids.into_iter().filter(is_guard).collect()
}
