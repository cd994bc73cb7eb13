//! Eight threads that start, stop, kill, read, write and drop at random; run by hand:
//!
//! `STRESS_SECONDS=60 cargo test --test stress -- --ignored --nocapture`, also under `taskset -c 0`.
//! No call may hang, and at the end nothing may be left: no process, no descriptor, no thread, no
//! control group.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Mutex;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use common::{left, open_descriptors, threads, SOON};
use futures::executor::block_on;
use futures::FutureExt;
use process_manager::{
    Command, Containment, DropPolicy, OutputOptions, OutputPolicy, ProcessError, ProcessManager,
    ProcessRunner, RunOptions, Stdin, StopLadder,
};

const THREADS: usize = 8;
/// No operation takes as long on a machine that works.
const HANGS: Duration = Duration::from_secs(60);

/// Xorshift: the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

struct Worker {
    manager: ProcessManager,
    random: Random,
}

type Operation = (&'static str, fn(&mut Worker));

const OPERATIONS: &[Operation] = &[
    ("run to the end", Worker::run_to_the_end),
    ("stop what ends", Worker::stop_what_ends),
    ("stop what ignores", Worker::stop_what_ignores),
    ("kill a tree", Worker::kill_a_tree),
    ("start and drop", Worker::start_and_drop),
    ("drop a reader", Worker::drop_a_reader),
    ("stop anything", Worker::stop_anything),
    ("kill anything", Worker::kill_anything),
    ("cancel futures", Worker::cancel_futures),
    ("own manager", Worker::own_manager),
    ("suspend and stop", Worker::suspend_and_stop),
    ("pipeline", Worker::pipeline),
    ("run with a timeout", Worker::run_with_a_timeout),
    ("standalone", Worker::standalone),
    ("two stops at once", Worker::two_stops),
    ("events", Worker::events),
    ("missing program", Worker::missing_program),
];

/// At the strongest level that there is.
fn contained(name: &str) -> Command {
    common::command(name).env("PM_STRESS", std::process::id().to_string())
}

impl Worker {
    fn command(&mut self, name: &str) -> Command {
        let command = contained(name);
        match self.random.below(8) {
            0 => command.containment(Containment::Group),
            1 => command.containment(Containment::Guard),
            2 => command.containment(Containment::Process),
            _ => command,
        }
    }

    fn start(&mut self, command: Command) -> ProcessRunner {
        self.manager.start(command).expect("starts")
    }

    fn run_to_the_end(&mut self) {
        let command = self.command("exit_code").arg("7");
        let runner = self.start(command);
        // Somebody else may stop it first.
        let exit = runner.wait_blocking(SOON).expect("ends");
        assert!(exit.code() == Some(7) || runner.info().stop_requested, "{:?}", runner.info());
        runner.closed_blocking(SOON).expect("closes");
    }

    fn stop_what_ends(&mut self) {
        let command = self.command("exit_code").arg("0");
        let runner = self.start(command);
        runner.stop_blocking(None).expect("stops");
        assert!(!runner.is_running());
    }

    fn stop_what_ignores(&mut self) {
        let command = self.command("ignore_term");
        let runner = self.start(command);
        let ladder = StopLadder::term_then_kill(Duration::from_millis(5));
        runner.stop_blocking(Some(ladder)).expect("stops");
        assert!(!common::is_alive(runner.pid() as i32));
    }

    fn kill_a_tree(&mut self) {
        let runner = self.start(contained("tree"));
        let lines = runner.get_output_stream().lines().take_while(|line| line != "ready");
        let pid = |line: String| line.split(' ').nth(1).and_then(|pid| pid.parse().ok());
        let pids: Vec<i32> = lines.filter_map(pid).collect();
        runner.kill().expect("is killed");
        assert!(!pids.iter().any(|pid| common::is_alive(*pid)), "{pids:?}");
    }

    fn start_and_drop(&mut self) {
        let command = self.command("ticker").arg("1");
        let id = self.start(command).id();
        drop(self.manager.take_process(id));
    }

    fn drop_a_reader(&mut self) {
        let policies = [OutputPolicy::Auto, OutputPolicy::Block, OutputPolicy::DropOldest];
        let policy = policies[self.random.below(3)];
        let output = OutputOptions { limit: 8 << 10, policy, ..OutputOptions::default() };
        let command = self.command("flood").args(["lines", "5000", "50"]).output(output);
        let runner = self.start(command);
        let mut stream = runner.get_output_stream();
        for _ in 0..self.random.below(200) {
            if stream.next_blocking(SOON).expect("no error").is_none() {
                break;
            }
        }
        if self.random.below(2) == 0 {
            drop(stream);
            runner.kill().expect("is killed");
        } else {
            drop(self.manager.take_process(runner.id()));
            drop(runner);
            while stream.next_blocking(SOON).expect("no error").is_some() {}
        }
    }

    fn anything(&mut self) -> Option<uuid::Uuid> {
        let all = self.manager.list_processes();
        (!all.is_empty()).then(|| all[self.random.below(all.len())].id)
    }

    fn stop_anything(&mut self) {
        let Some(id) = self.anything() else { return };
        let ladder = Some(StopLadder::term_then_kill(Duration::from_millis(20)));
        match self.manager.stop_process_blocking(id, ladder) {
            Ok(()) | Err(ProcessError::ProcessNotFound(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn kill_anything(&mut self) {
        let Some(id) = self.anything() else { return };
        match self.manager.kill_process(id) {
            Ok(()) | Err(ProcessError::ProcessNotFound(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn cancel_futures(&mut self) {
        let command = self.command("cat").stdin(Stdin::Pipe);
        let runner = self.start(command);
        let mut cx = Context::from_waker(Waker::noop());
        let bytes = vec![b'x'; 300_000];
        for _ in 0..self.random.below(4) {
            let _ = runner.wait().poll_unpin(&mut cx);
            let _ = runner.closed().poll_unpin(&mut cx);
            let _ = Box::pin(runner.write_stdin(&bytes)).poll_unpin(&mut cx);
        }
        let _ = Box::pin(runner.stop()).poll_unpin(&mut cx);
        if self.random.below(2) == 0 {
            block_on(runner.stop()).expect("stops");
        }
        drop(self.manager.take_process(runner.id()));
    }

    fn own_manager(&mut self) {
        let manager = ProcessManager::default();
        let commands: Vec<_> = (0..3).map(|_| self.command("ticker")).collect();
        let started = manager.start_each(commands);
        let streams: Vec<_> = started
            .into_iter()
            .filter_map(|id| manager.get_output_stream(id.expect("starts")))
            .collect();
        if self.random.below(2) == 0 {
            manager.stop_all_blocking(None).expect("all stop");
        }
        drop(manager);
        drop(streams);
    }

    fn suspend_and_stop(&mut self) {
        let command = self.command("ticker").arg("1");
        let runner = self.start(command);
        let _ = runner.suspend();
        runner.stop_blocking(None).expect("stops");
    }

    fn pipeline(&mut self) {
        let commands = vec![self.command("echo_args").args(["b", "a"]), self.command("cat")];
        let pipeline = self.manager.start_pipeline(commands).expect("starts");
        pipeline.wait_blocking(SOON).expect("ends");
    }

    fn run_with_a_timeout(&mut self) {
        let timeout = Some(Duration::from_millis(self.random.below(30) as u64));
        let options = RunOptions { timeout, ..RunOptions::default() };
        let command = self.command("ticker");
        match self.manager.run(command, options) {
            // Somebody else may have stopped it.
            Err(ProcessError::RunFailed(_)) | Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn standalone(&mut self) {
        let command = self.command("ticker").arg("1");
        let runner = common::start(command);
        let stream = runner.get_output_stream();
        drop(runner);
        drop(stream);
        let command = self.command("exit_code").arg("0").on_drop(DropPolicy::Detach);
        let detached = common::start(command.containment(Containment::Group));
        let exit = detached.wait();
        drop(detached);
        let _ = block_on(exit);
    }

    fn two_stops(&mut self) {
        let command = self.command("ticker");
        let runner = self.start(command);
        std::thread::scope(|scope| {
            scope.spawn(|| runner.stop_blocking(None).expect("stops"));
            scope.spawn(|| runner.kill().expect("is killed"));
            scope.spawn(|| runner.closed_blocking(SOON).expect("closes"));
        });
    }

    fn events(&mut self) {
        let mut watch = self.manager.watch().expect("no error");
        for _ in 0..self.random.below(50) {
            let _ = watch.next_blocking(Some(Duration::from_millis(1)));
        }
    }

    fn missing_program(&mut self) {
        let command = Command::new("/no/such/program").containment(Containment::Group);
        assert!(self.manager.start(command).is_err());
    }
}

/// What each thread is doing, and since when.
type Board = Mutex<BTreeMap<usize, (&'static str, Instant)>>;

fn work(worker: &mut Worker, place: usize, board: &Board, is_over: &AtomicBool) -> u64 {
    let mut count = 0;
    while !is_over.load(Ordering::Relaxed) {
        let (name, operation) = OPERATIONS[worker.random.below(OPERATIONS.len())];
        board.lock().unwrap().insert(place, (name, Instant::now()));
        operation(worker);
        count += 1;
    }
    board.lock().unwrap().remove(&place);
    count
}

/// Ends this program when an operation hangs or a thread has panicked.
fn watch(board: &Board, until: Instant, is_over: &AtomicBool) {
    loop {
        std::thread::sleep(Duration::from_millis(200));
        let board = board.lock().unwrap();
        if let Some((name, _)) = board.values().find(|(_, since)| since.elapsed() > HANGS) {
            eprintln!("{name} hangs: {board:?}");
            std::process::abort();
        }
        is_over.fetch_or(Instant::now() > until, Ordering::Relaxed);
        if board.is_empty() {
            return;
        }
    }
}

fn children_left() -> Vec<String> {
    let mark = format!("PM_STRESS={}\0", std::process::id());
    let is_ours = |path: &std::path::Path| {
        let environ = std::fs::read(path.join("environ")).unwrap_or_default();
        environ.windows(mark.len()).any(|window| window == mark.as_bytes())
    };
    let entries = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    entries.filter(|path| is_ours(path)).map(|path| path.display().to_string()).collect()
}

/// What is given up late, by the engine itself, has a moment for it.
fn eventually<T: std::fmt::Debug>(look: impl Fn() -> T, is_right: impl Fn(&T) -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !is_right(&look()) {
        assert!(Instant::now() < until, "left: {:?}", look());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
#[ignore = "takes a minute: run by hand"]
fn nothing_hangs_and_nothing_is_left() {
    let seconds = std::env::var("STRESS_SECONDS").ok().and_then(|text| text.parse().ok());
    let until = Instant::now() + Duration::from_secs(seconds.unwrap_or(60));
    common::child("cat");
    let (descriptors, before) = (open_descriptors(), threads());
    let (manager, is_over, board) =
        (ProcessManager::default(), AtomicBool::new(false), Board::default());
    manager.set_retention(50);
    let total = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for place in 0..THREADS {
            let (manager, board, is_over, total) = (manager.clone(), &board, &is_over, &total);
            board.lock().unwrap().insert(place, ("begin", Instant::now()));
            scope.spawn(move || {
                let random = Random(0x9e37_79b9_7f4a_7c15 ^ (place as u64 + 1) << 32);
                let mut worker = Worker { manager, random };
                total.fetch_add(work(&mut worker, place, board, is_over), Ordering::Relaxed);
            });
        }
        watch(&board, until, &is_over);
    });
    drop(manager);
    eprintln!("{} operations", total.into_inner());
    eventually(children_left, Vec::is_empty);
    eventually(threads, |threads| threads.len() == before.len());
    eventually(left::cgroups, Vec::is_empty);
    // The last detached ones are collected by the next start.
    common::start(common::command("exit_code").arg("0")).wait_blocking(SOON).unwrap();
    eventually(open_descriptors, |open| *open == descriptors);
    // SAFETY: looks whether there is a child, without waiting.
    let waited = unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) };
    assert_eq!(waited, -1, "a child is left");
}
