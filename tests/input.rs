//! Standard input: all sizes, back-pressure, deadlines, children that do not read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::Duration;

use common::{command, lines, start, SOON};
use process_manager::{ProcessError, Stdin};

#[test]
fn what_is_written_comes_back_through_cat() {
    let runner = start(command("cat").stdin(Stdin::Pipe));
    runner.write_stdin_blocking(b"one\ntwo", SOON).unwrap();
    futures::executor::block_on(runner.write_stdin(b"\nthree")).unwrap();
    runner.close_stdin().unwrap();
    assert_eq!(lines(&mut runner.get_output_stream()), ["one", "two", "three"]);
    assert!(runner.wait_blocking(SOON).unwrap().success());
}

#[test]
fn more_than_the_pipe_holds_goes_through_in_both_ways() {
    let text: String = (0..200_000).map(|n| format!("{n}\n")).collect();
    let runner = start(command("cat").stdin(Stdin::Pipe));
    let mut stream = runner.get_output_stream();
    let writer = runner.clone();
    let sent = text.clone();
    let thread = std::thread::spawn(move || {
        writer.write_stdin_blocking(sent.as_bytes(), SOON).unwrap();
        writer.close_stdin().unwrap();
    });
    let got = lines(&mut stream);
    thread.join().unwrap();
    assert!(got.iter().map(String::as_str).eq(text.lines()));
}

#[test]
fn initial_bytes_are_fed_and_then_the_input_ends() {
    let text: String = (0..100_000).map(|n| format!("{n}\n")).collect();
    let runner = start(command("cat").input(text.as_bytes()));
    let got = lines(&mut runner.get_output_stream());
    assert!(got.iter().map(String::as_str).eq(text.lines()));
}

#[test]
fn a_child_that_never_reads_costs_no_more_than_the_deadline() {
    let runner = start(command("never_reads_stdin").stdin(Stdin::Pipe));
    let big = vec![0u8; 4 << 20];
    let written = runner.write_stdin_blocking(&big, Some(Duration::from_millis(50)));
    let Err(ProcessError::TimedOut(what)) = written else { panic!("{written:?}") };
    assert!(what.contains("of 4194304 bytes"), "{what}");
    runner.kill().unwrap();
    assert!(matches!(runner.write_stdin_blocking(b"x", SOON), Err(ProcessError::Closed(_))));
}

#[test]
fn a_child_that_closes_its_input_is_an_error_and_no_signal() {
    let runner = start(command("close_stdin_early").stdin(Stdin::Pipe));
    common::wait_for_line(&mut runner.get_output_stream(), "closed");
    // A child that another test is starting may hold a copy of the pipe until its exec.
    let refused = std::iter::repeat_with(|| runner.write_stdin_blocking(b"x", SOON))
        .take(60_000)
        .find_map(Result::err);
    assert_eq!(refused.unwrap().errno(), Some(libc::EPIPE));
    runner.stop_blocking(None).unwrap();
}

#[test]
fn without_a_pipe_writing_and_closing_say_so() {
    let runner = start(command("ticker"));
    assert!(matches!(runner.write_stdin_blocking(b"x", SOON), Err(ProcessError::Closed(_))));
    assert!(matches!(runner.close_stdin(), Err(ProcessError::Closed(_))));
    runner.stop_blocking(None).unwrap();
}
