//! `run`: start, feed, collect, wait, clean up; one at a time and in batches.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::Duration;

use common::command;
use futures::executor::block_on;
use process_manager::{
    Command, ExitStatus, OutputPolicy, ProcessError, ProcessManager, RunEnd, RunError, RunOptions,
};

fn options() -> RunOptions {
    RunOptions { timeout: common::SOON, ..RunOptions::default() }
}

fn failure(result: process_manager::Result<process_manager::RunOutput>) -> RunError {
    match result {
        Err(ProcessError::RunFailed(failure)) => *failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_streams_and_the_status_are_collected() {
    let output = command("stderr_and_stdout").run(options()).unwrap();
    assert!(output.success() && !output.stdout.is_empty() && !output.stderr.is_empty());
    assert_eq!(output.lost, 0);
    let again = block_on(command("stderr_and_stdout").run_async(options())).unwrap();
    assert_eq!((again.stdout, again.stderr), (output.stdout, output.stderr));
}

#[test]
fn input_of_any_size_comes_back_whole() {
    for size in [0usize, 1, 65_536, 5_000_000] {
        let input: Vec<u8> = (0..size).map(|n| n as u8).collect();
        let output = command("cat").input(input.clone()).run(options()).unwrap();
        assert_eq!(output.stdout, input);
    }
}

#[test]
fn a_run_that_times_out_is_killed_and_keeps_what_was_collected() {
    let limit = RunOptions { timeout: Some(Duration::from_secs(3)), ..options() };
    let failed = failure(command("ignore_term").run(limit));
    assert_eq!(
        (failed.reason, failed.output.stdout.as_slice()),
        (RunEnd::TimedOut, &b"ready\n"[..])
    );
    assert!(!common::is_alive(failed.output.info.pid.unwrap() as i32));
    let failed = failure(block_on(command("ticker").run_async(limit)));
    assert_eq!(failed.reason, RunEnd::TimedOut);
}

/// It is the process's own that a run without a thread has for its deadline.
#[test]
fn a_shorter_timeout_of_its_own_stays_in_every_kind_of_run() {
    let command = || command("ticker").timeout(Duration::from_millis(100));
    let failed = failure(command().run(options()));
    assert_eq!(failed.reason, RunEnd::TimedOut);
    let failed = failure(block_on(command().run_async(options())));
    assert_eq!(failed.reason, RunEnd::TimedOut);
    let manager = ProcessManager::default();
    let mut results = manager.run_many(vec![command()], 1, options()).unwrap();
    assert_eq!(failure(results.remove(0)).reason, RunEnd::TimedOut);
}

#[test]
fn output_beyond_the_limit_ends_the_run() {
    let limit = RunOptions { max_output: 100_000, ..options() };
    let failed = failure(command("flood").args(["bytes", "1000000000"]).run(limit));
    assert_eq!(failed.reason, RunEnd::OutputLimit);
    assert!(failed.output.stdout.starts_with(b"abc"));
    assert_eq!(failed.output.stdout.len(), 100_000);
    assert!(failed.output.lost > 0);
}

#[test]
fn a_piped_input_that_nobody_writes_does_not_hang() {
    let output = command("cat").stdin(process_manager::Stdin::Pipe).run(options()).unwrap();
    assert!(output.success());
}

#[test]
fn a_batch_runs_so_many_at_a_time() {
    let manager = ProcessManager::default();
    let mut commands: Vec<Command> =
        (0..40).map(|n| command("exit_code").arg(n.to_string())).collect();
    commands.push(Command::new("/no/such/program"));
    let results = manager.run_many(commands, 3, options()).unwrap();
    for (code, result) in results.iter().take(40).enumerate() {
        assert_eq!(result.as_ref().unwrap().info.exit, Some(ExitStatus::Code(code as i32)));
    }
    assert!(results.len() == 41 && results[40].is_err());
    let many = manager.run_many_async(vec![command("echo_args").arg("x"); 9], 4, options());
    let outputs = block_on(many).unwrap();
    assert!(outputs.iter().all(|output| output.as_ref().unwrap().stdout == b"x\n"));
    assert!(manager.run_many(vec![command("cat")], 0, options()).is_err());
}

#[test]
fn one_gigabyte_passes_without_a_gap() {
    // A first reader that is late loses the oldest under the policy Auto.
    let flood = command("flood").args(["bytes", "1073741824"]);
    let runner = common::start(flood.output_limit(1 << 20, OutputPolicy::Block));
    let mut reader = runner.output();
    let mut total = 0u64;
    while let Some(chunks) = reader.next_chunks_blocking(common::SOON).unwrap() {
        for chunk in chunks.iter() {
            match chunk {
                process_manager::OutputChunk::Data(bytes) => total += bytes.len() as u64,
                gap => panic!("{gap:?}"),
            }
        }
    }
    assert_eq!(total, 1 << 30);
}
