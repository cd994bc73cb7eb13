//! Output through real processes: policies, gaps, merging, files, late readers, held pipes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::{Read, Write};
use std::time::Duration;

use common::{command, line, lines, start, wait_for_line, SOON};
use process_manager::{
    Command, EventKind, OutputData, OutputPolicy, OutputSource, ProcessManager, ProcessStatus,
    Stdin, Stdout,
};

fn shell(script: &str) -> Command {
    Command::new("/bin/sh").args(["-c", script])
}

#[test]
fn the_two_streams_are_told_apart_and_numbered() {
    let runner = start(shell("echo out; echo err >&2; echo out"));
    let mut records = runner.output().records();
    let mut seen = Vec::new();
    let mut last = 0;
    while let Some(record) = records.next_blocking(SOON).unwrap() {
        assert!(record.sequence >= last);
        last = record.sequence;
        seen.push((record.source, record.line().unwrap().to_vec()));
    }
    let of = |source| seen.iter().filter(|(from, _)| *from == source).count();
    assert_eq!((of(OutputSource::Stdout), of(OutputSource::Stderr)), (2, 1));
}

#[test]
fn merged_streams_keep_the_order_of_writing() {
    let script = "for i in 1 2 3 4 5 6 7 8; do echo out $i; echo err $i >&2; done";
    let runner = start(shell(script).merge_stderr());
    let expected: Vec<String> =
        (1..=8).flat_map(|i| [format!("out {i}"), format!("err {i}")]).collect();
    assert_eq!(lines(&mut runner.get_output_stream()), expected);
}

#[test]
fn a_prompt_without_a_newline_is_seen_at_once_by_raw_readers() {
    let runner = start(shell("printf 'name? '; read name; echo hello $name").stdin(Stdin::Pipe));
    let mut raw = runner.output().bytes();
    let mut prompt = [0; 6];
    raw.read_exact(&mut prompt).unwrap();
    assert_eq!(&prompt, b"name? ");
    runner.stdin_writer().write_all(b"you\n").unwrap();
    let mut rest = String::new();
    raw.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "hello you\n");
}

#[test]
fn a_late_reader_sees_what_is_retained() {
    let runner = start(shell("echo one; echo two"));
    runner.closed_blocking(SOON).unwrap();
    for _ in 0..2 {
        assert_eq!(lines(&mut runner.get_output_stream()), ["one", "two"]);
    }
}

#[test]
fn a_last_line_without_a_newline_arrives() {
    let runner = start(shell("printf 'a\\nb'"));
    assert_eq!(lines(&mut runner.get_output_stream()), ["a", "b"]);
}

#[test]
fn lines_are_otherwise_untouched() {
    let runner = start(shell("printf 'a\\r\\n\\n\\000b\\n'"));
    assert_eq!(lines(&mut runner.get_output_stream()), ["a\r", "", "\0b"]);
}

#[test]
fn a_line_beyond_the_limit_is_split_and_flagged() {
    let mut command = shell("printf '%s\\n' abcdefghij");
    command = command.output(process_manager::OutputOptions { max_line: 4, ..Default::default() });
    let runner = start(command);
    let mut records = runner.output().records();
    let mut parts = Vec::new();
    while let Some(record) = records.next_blocking(SOON).unwrap() {
        let OutputData::Line { bytes, partial } = record.data else { panic!("a gap") };
        parts.push((String::from_utf8(bytes).unwrap(), partial));
    }
    assert_eq!(parts, [("abcd".into(), true), ("efgh".into(), true), ("ij".into(), false)]);
}

#[test]
fn with_drop_oldest_every_byte_arrives_or_is_counted() {
    let flood = command("flood").args(["lines", "200000", "100"]);
    let runner = start(flood.output_limit(65_536, OutputPolicy::DropOldest));
    let mut reader = runner.output().records();
    runner.wait_blocking(SOON).unwrap();
    let (mut bytes, mut gaps) = (0, 0);
    while let Some(record) = reader.next_blocking(SOON).unwrap() {
        match record.data {
            OutputData::Line { bytes: line, partial } => {
                bytes += line.len() as u64 + u64::from(!partial);
            }
            OutputData::Gap { bytes: lost, .. } => {
                bytes += lost;
                gaps += 1;
            }
        }
    }
    assert!(gaps > 0);
    assert_eq!(bytes, 200_000 * 100);
}

#[test]
fn with_block_the_child_waits_for_its_reader() {
    let flood = command("flood").args(["lines", "50000", "100"]);
    let runner = start(flood.output_limit(65_536, OutputPolicy::Block));
    let mut stream = runner.get_output_stream();
    assert!(line(&mut stream).starts_with("0000000000"));
    assert!(runner.is_running());
    assert_eq!(lines(&mut stream).len(), 49_999);
    assert_eq!(stream.lost(), (0, 0));
}

#[test]
fn holding_a_stream_while_waiting_never_hangs_the_child() {
    let manager = ProcessManager::default();
    let mut events = manager.events().unwrap();
    let flood = command("flood").args(["lines", "200000", "100"]);
    let runner = manager.start(flood.output_limit(65_536, OutputPolicy::Auto)).unwrap();
    let mut stream = runner.get_output_stream();
    line(&mut stream);
    assert!(runner.wait_blocking(SOON).unwrap().success());
    let mut kinds = Vec::new();
    while kinds.last() != Some(&EventKind::Closed) {
        kinds.push(events.next_blocking(SOON).unwrap().unwrap().kind);
    }
    assert!(kinds.contains(&EventKind::Stalled), "{kinds:?}");
    lines(&mut stream);
    assert!(stream.lost().0 > 0);
}

#[test]
fn with_kill_too_much_output_ends_the_process_as_failed() {
    let flood = command("flood").args(["bytes", "1000000000"]);
    let runner = start(flood.output_limit(65_536, OutputPolicy::Kill));
    let exit = runner.wait_blocking(SOON).unwrap();
    assert_eq!((exit.signal(), runner.status()), (Some(9), ProcessStatus::Failed));
}

#[test]
fn exit_is_not_end_of_file_and_a_held_pipe_is_given_up() {
    let manager = ProcessManager::default();
    let mut events = manager.events().unwrap();
    // The descendant stays in a session of its own and is left alone on request.
    let script = "setsid sh -c 'trap \"\" HUP; exec sleep 1000 9>&-' & echo $!; exit 3";
    let options =
        process_manager::OutputOptions { drain: Duration::from_millis(50), ..Default::default() };
    let command = shell(script).output(options).descendants(process_manager::Descendants::Leave);
    let runner = manager.start(command).unwrap();
    assert_eq!(runner.wait_blocking(SOON).unwrap().code(), Some(3));
    let left: i32 = lines(&mut runner.get_output_stream())[0].parse().unwrap();
    runner.closed_blocking(SOON).unwrap();
    let mut kinds = Vec::new();
    while kinds.last() != Some(&EventKind::Closed) {
        kinds.push(events.next_blocking(SOON).unwrap().unwrap().kind);
    }
    assert!(kinds.contains(&EventKind::OutputHeld), "{kinds:?}");
    let left = rustix::process::Pid::from_raw(left).unwrap();
    rustix::process::kill_process(left, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn output_goes_to_files_and_descriptors() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out");
    for (append, expected) in [(false, "one\n"), (true, "one\none\n"), (false, "one\n")] {
        let out = Stdout::File { path: path.clone(), append };
        let runner = start(shell("echo one; echo two >&2").stdout(out));
        assert_eq!(lines(&mut runner.get_output_stream()), ["two"]);
        runner.wait_blocking(SOON).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }
    let (mut reader, writer) = std::io::pipe().unwrap();
    let out = Stdout::Fd(std::sync::Arc::new(writer.into()));
    start(shell("echo three").stdout(out)).wait_blocking(SOON).unwrap();
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "three\n");
}

#[test]
fn input_comes_from_files_and_extra_descriptors() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("in");
    std::fs::write(&path, "from a file\n").unwrap();
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"from a pipe\n").unwrap();
    drop(writer);
    let cat = shell("cat; cat <&7").stdin(Stdin::File(path)).extra_fd(reader.into(), 7);
    assert_eq!(lines(&mut start(cat).get_output_stream()), ["from a file", "from a pipe"]);
}

#[test]
fn async_adaptors_carry_bytes_both_ways() {
    use futures::{AsyncReadExt, AsyncWriteExt};
    let runner = start(command("cat").stdin(Stdin::Pipe));
    let bytes: Vec<u8> = (0..3_000_000u32).map(|n| n as u8).collect();
    let sent = bytes.clone();
    let mut writer = runner.stdin_writer();
    let writing = async move {
        AsyncWriteExt::write_all(&mut writer, &sent).await.unwrap();
        writer.close().await.unwrap();
    };
    let mut got = Vec::new();
    let mut reader = runner.output().only(OutputSource::Stdout).bytes();
    let reading = async { AsyncReadExt::read_to_end(&mut reader, &mut got).await.unwrap() };
    futures::executor::block_on(async { futures::join!(writing, reading) });
    assert!(got == bytes);
}

#[test]
fn many_readers_each_see_everything() {
    let runner = start(command("flood").args(["lines", "20000", "50"]));
    let readers: Vec<_> = (0..8).map(|_| runner.get_output_stream()).collect();
    let threads: Vec<_> = readers
        .into_iter()
        .map(|mut stream| std::thread::spawn(move || (lines(&mut stream).len(), stream.lost())))
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), (20_000, (0, 0)));
    }
}

#[test]
fn a_chatty_child_starves_nobody() {
    let manager = ProcessManager::default();
    let chatty = command("flood").args(["bytes", "100000000000"]);
    manager.start(chatty.output_limit(65_536, OutputPolicy::DropOldest)).unwrap();
    let quiet = manager.start(command("ticker").arg("1")).unwrap();
    wait_for_line(&mut quiet.get_output_stream(), "tick 20");
    manager.stop_all_blocking(Some(process_manager::StopLadder::kill())).unwrap();
}

/// The pipe's size as the child sees it, which the host changes while it reads.
#[test]
fn a_pipe_that_is_found_full_grows_and_others_stay() {
    let flood = command("flood").args(["bytes", "1000000000000"]);
    let runner = start(flood.output_limit(1 << 20, OutputPolicy::DropOldest));
    let quiet = start(command("ticker").arg("1"));
    wait_for_line(&mut quiet.get_output_stream(), "tick 3");
    let size = |pid: u32| {
        let pipe = std::fs::File::open(format!("/proc/{pid}/fd/1")).unwrap();
        rustix::pipe::fcntl_getpipe_size(&pipe).unwrap()
    };
    let mut reader = runner.output();
    while size(runner.pid()) != 256 << 10 {
        assert!(reader.next_chunks_blocking(SOON).unwrap().is_some());
    }
    assert_eq!(size(quiet.pid()), 64 << 10);
    runner.kill().unwrap();
}
