//! The manager: entries, counts, batches, events, retention, and what its end leaves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use common::{child, command, line, wait_for_line, SOON};
use futures::executor::block_on;
use process_manager::{
    BinaryExtractor, Command, EventKind, ExitStatus, ProcessConfig, ProcessError, ProcessManager,
    ProcessStatus, Stdin, StopLadder, WatchItem,
};

fn manager() -> ProcessManager {
    ProcessManager::new(BinaryExtractor::default())
}

fn config(binary: &str, args: &[&str]) -> ProcessConfig {
    ProcessConfig {
        name: format!("my {binary}"),
        binary_name: binary.into(),
        args: args.iter().map(ToString::to_string).collect(),
        env: HashMap::new(),
        working_dir: None,
    }
}

#[test]
fn the_main_job_leaves_nothing() {
    let mut extractor = BinaryExtractor::new().unwrap();
    let bytes = std::fs::read(child("ticker")).unwrap();
    extractor.add_binary("ticker", &bytes).unwrap();
    let directory = extractor.temp_dir().to_owned();
    let manager = ProcessManager::new(extractor);
    let id = block_on(manager.start_process(config("ticker", &["1"]))).unwrap();
    let mut stream = manager.get_output_stream(id).unwrap();
    wait_for_line(&mut stream, "tick 1");
    let info = manager.get_process_info(id).unwrap();
    assert_eq!((info.status, info.name.as_str()), (ProcessStatus::Running, "my ticker"));
    block_on(manager.stop_process(id)).unwrap();
    assert_eq!(manager.get_process_info(id).unwrap().status, ProcessStatus::Stopped);
    drop((manager, stream));
    assert!(!common::is_alive(info.pid.unwrap() as i32));
    assert!(!directory.exists());
}

#[test]
fn counts_and_lists_follow_natural_exits() {
    let manager = manager();
    let ticker = manager.start(command("ticker")).unwrap();
    let short = manager.start(command("exit_code").arg("2")).unwrap();
    short.wait_blocking(SOON).unwrap();
    assert_eq!((manager.get_process_count(), manager.get_running_count()), (2, 1));
    let ids: Vec<_> = manager.list_processes().iter().map(|info| info.id).collect();
    assert_eq!(ids, [ticker.id(), short.id()]);
    assert_eq!(manager.get_running_processes()[0].id, ticker.id());
    let removed = manager.remove_process(short.id()).unwrap();
    assert_eq!(removed.exit, Some(ExitStatus::Code(2)));
    assert!(manager.remove_process(ticker.id()).is_err());
    assert_eq!(manager.get_process_count(), 1);
}

#[test]
fn a_killed_process_is_gone_and_removed() {
    let manager = manager();
    let runner = manager.start(command("ignore_term")).unwrap();
    manager.kill_process(runner.id()).unwrap();
    assert_eq!(manager.get_process_count(), 0);
    assert!(!common::is_alive(runner.pid() as i32));
    let again = manager.kill_process(runner.id());
    assert!(matches!(again, Err(ProcessError::ProcessNotFound(_))), "{again:?}");
}

#[test]
fn a_batch_has_a_result_for_each_item() {
    let manager = manager();
    let batch = vec![command("ticker"), Command::new("/no/such/program"), command("ticker")];
    let results = block_on(manager.start_multiple_processes(batch));
    assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(manager.get_process_count(), 2);
    block_on(manager.stop_all_processes()).unwrap();
    assert_eq!(manager.get_running_count(), 0);
}

#[test]
fn all_or_none_rolls_back() {
    let manager = manager();
    let batch = vec![command("ticker"), Command::new("/no/such/program")];
    assert!(manager.start_all_or_none(batch).is_err());
    assert_eq!(manager.get_process_count(), 0);
    let ids = manager.start_all_or_none(vec![command("ticker"), command("ticker")]).unwrap();
    assert_eq!(ids.len(), 2);
}

/// None of them ends before all are told: to wait for one before the next is told is for ever.
#[test]
fn stop_all_signals_everything_first() {
    let manager = manager();
    let patient = StopLadder::term_then_kill(SOON.unwrap() * 10);
    let tells = command("tells_term").stdin(Stdin::Pipe).stop_ladder(patient);
    let runners: Vec<_> = (0..20).map(|_| manager.start(tells.clone()).unwrap()).collect();
    let mut streams: Vec<_> = runners.iter().map(|runner| runner.get_output_stream()).collect();
    streams.iter_mut().for_each(|stream| wait_for_line(stream, "ready"));
    std::thread::scope(|scope| {
        let stop = scope.spawn(|| manager.stop_all_blocking(None));
        let next = streams.iter_mut().map(|stream| stream.next_blocking(SOON));
        let told = next.take_while(|line| matches!(line, Ok(Some(line)) if line == "told")).count();
        // Before anything is asserted, so that the stop ends whatever was found.
        runners.iter().for_each(|runner| runner.close_stdin().unwrap());
        stop.join().unwrap().unwrap();
        assert_eq!(told, 20);
    });
    assert!(runners.iter().all(|runner| runner.info().exit == Some(ExitStatus::Code(0))));
}

#[test]
fn the_end_of_a_manager_ends_its_processes() {
    let manager = manager();
    let start = |_| manager.start(command("ignore_term")).unwrap().pid() as i32;
    let pids: Vec<i32> = (0..10).map(start).collect();
    drop(manager);
    pids.into_iter().for_each(common::await_end);
}

#[test]
fn a_process_that_somebody_holds_outlives_the_manager() {
    let manager = manager();
    let runner = manager.start(command("ticker").arg("1")).unwrap();
    drop(manager);
    wait_for_line(&mut runner.get_output_stream(), "tick 3");
    runner.stop_blocking(None).unwrap();
}

#[test]
fn ended_entries_are_kept_up_to_the_limit() {
    let manager = manager();
    manager.set_retention(3);
    for _ in 0..10 {
        let runner = manager.start(command("exit_code").arg("0")).unwrap();
        runner.closed_blocking(SOON).unwrap();
    }
    assert_eq!(manager.get_process_count(), 3);
    manager.set_retention(0);
    assert_eq!(manager.get_process_count(), 0);
}

#[test]
fn events_tell_the_whole_life_in_order() {
    let manager = manager();
    let mut events = manager.events().unwrap();
    let runner = manager.start(command("ticker")).unwrap();
    line(&mut runner.get_output_stream());
    runner.stop_blocking(None).unwrap();
    let expected = [
        EventKind::Started,
        EventKind::StopRequested,
        EventKind::Exited(ExitStatus::Code(0)),
        EventKind::Closed,
    ];
    for kind in expected {
        let event = events.next_blocking(SOON).unwrap().unwrap();
        assert_eq!((event.id, event.kind), (runner.id(), kind));
    }
    drop((manager, runner));
    assert_eq!(events.next_blocking(SOON).unwrap(), None);
}

#[test]
fn tokens_become_ready_behind_one_descriptor() {
    let manager = manager();
    let ready = manager.ready().unwrap();
    let runner = manager.start(command("exit_code").arg("0")).unwrap();
    let waker = ready.waker(7);
    let mut cx = std::task::Context::from_waker(&waker);
    while runner.poll_wait(&mut cx).is_pending() {
        assert_eq!(manager.poll_ready(SOON).unwrap(), [7]);
    }
    assert_eq!(manager.poll_ready(Some(Duration::ZERO)).unwrap(), [0u64; 0]);
}

/// Who takes a token leaves; whoever else waits gets the next one.
#[test]
fn two_threads_may_poll_the_ready_list() {
    let manager = manager();
    let ready = manager.ready().unwrap();
    let ((came, comes), (took, taken)) = (channel(), channel());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                came.send(std::fs::read_link("/proc/thread-self").unwrap()).unwrap();
                took.send(manager.poll_ready(SOON).unwrap()).unwrap();
            });
        }
        for thread in comes.iter().take(2) {
            let stat = Path::new("/proc").join(thread).join("stat");
            while !std::fs::read_to_string(&stat).unwrap().contains(") S ") {
                std::thread::yield_now();
            }
        }
        for token in [1, 2] {
            ready.waker(token).wake();
            assert_eq!(taken.recv_timeout(SOON.unwrap() / 3).unwrap(), [token]);
        }
    });
}

#[test]
fn eight_threads_start_and_stop_on_one_manager() {
    let manager = manager();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let runner = manager.start(command("ticker")).unwrap();
                    line(&mut runner.get_output_stream());
                    manager.stop_process_blocking(runner.id(), None).unwrap();
                    assert_eq!(runner.info().exit, Some(ExitStatus::Code(0)));
                }
            });
        }
    });
    assert_eq!((manager.get_process_count(), manager.get_running_count()), (80, 0));
}

#[test]
fn an_unknown_id_is_said_to_be_unknown() {
    let manager = manager();
    let id = uuid::Uuid::now_v7();
    assert!(matches!(block_on(manager.stop_process(id)), Err(ProcessError::ProcessNotFound(_))));
    assert!(manager.get_process_info(id).is_none() && manager.get_output_stream(id).is_none());
    assert!(matches!(manager.remove_process(id), Err(ProcessError::ProcessNotFound(_))));
}

#[test]
fn a_watch_gives_all_output_of_a_process_before_its_closed() {
    let manager = manager();
    let mut watch = manager.watch().unwrap();
    let start = |n: usize| manager.start(command("echo_args").args(vec!["word"; n])).unwrap().id();
    let ids: Vec<_> = (1..=5).map(start).collect();
    let mut counts: HashMap<uuid::Uuid, usize> = HashMap::new();
    let mut closed = Vec::new();
    while closed.len() < ids.len() {
        match watch.next_blocking(SOON).unwrap().unwrap() {
            WatchItem::Output { id, record } => {
                assert!(!closed.contains(&id));
                assert_eq!(record.line(), Some(&b"word"[..]));
                *counts.entry(id).or_default() += 1;
            }
            WatchItem::Event(event) if event.kind == EventKind::Closed => closed.push(event.id),
            _ => {}
        }
    }
    let counted: Vec<usize> = ids.iter().map(|id| counts[id]).collect();
    assert_eq!(counted, [1, 2, 3, 4, 5]);
    drop(manager);
    assert_eq!(watch.next_blocking(SOON).unwrap(), None);
}

#[test]
fn a_pipeline_joins_its_processes_without_the_host() {
    let manager = manager();
    let commands = vec![
        command("echo_args").args(["b", "a", "b"]),
        Command::new("sort"),
        Command::new("uniq").arg("-c"),
    ];
    let pipeline = manager.start_pipeline(commands).unwrap();
    let lines = common::lines(&mut pipeline.get_output_stream().unwrap());
    assert_eq!(lines.iter().map(|line| line.trim()).collect::<Vec<_>>(), ["1 a", "2 b"]);
    let statuses = pipeline.wait_blocking(SOON).unwrap();
    assert_eq!(statuses, [ExitStatus::Code(0); 3]);
    assert!(manager.start_pipeline(Vec::<Command>::new()).is_err());
}
