//! Standard input, output and error in every form and every combination.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use super::bench::{drain, finish, reap, shell, under_valgrind, Bench};
use super::{case, Case};
use crate::command::{Command, Stdin, Stdout};
use crate::types::ExitStatus;

pub(super) const CASES: &[Case] = &[
    case("unset input is empty, output and error are apart", defaults),
    case("a pipe carries input until it is closed", pipe),
    case("bytes are fed through a pipe", bytes),
    case("null is /dev/null", null),
    case("files are read, created, truncated, appended", files),
    case("merged error keeps the order of writing", merge),
    case("every combination of input, output and error", combinations),
    case("the child's ends block and the host's do not", blocking),
    case("pipes reopen by their /dev names", reopen),
    case("a FIFO without a peer holds no start up", fifo),
    case("children started at once do not hold each other's pipes", no_shared_pipes),
];

fn defaults(bench: &Bench) {
    let outcome = bench.run(&shell("cat; echo out; echo err >&2"));
    assert_eq!(
        (outcome.stdout.as_slice(), outcome.stderr.as_slice()),
        (&b"out\n"[..], &b"err\n"[..])
    );
}

/// Runs `cat` on what is written into its pipe.
fn cat(bench: &Bench, stdin: Stdin) -> Vec<u8> {
    let mut spawned = bench.start(&Command::new("/bin/cat").stdin(stdin)).unwrap();
    File::from(OwnedFd::from(spawned.stdin.take().unwrap()))
        .write_all(b"through\0the pipe")
        .unwrap();
    let output = drain(spawned.stdout.take().unwrap());
    assert_eq!(reap(&spawned.pidfd), ExitStatus::Code(0));
    output
}

fn pipe(bench: &Bench) {
    assert_eq!(cat(bench, Stdin::Pipe), b"through\0the pipe");
}

fn bytes(bench: &Bench) {
    assert_eq!(cat(bench, Stdin::Bytes(Arc::from(b"".as_slice()))), b"through\0the pipe");
}

fn null(bench: &Bench) {
    let script =
        "all=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2); echo \"$all\" > \"$1\"";
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("answer");
    let command = shell(script).arg("sh").arg(&file).stdout(Stdout::Null).stderr(Stdout::Null);
    let spawned = bench.start(&command).unwrap();
    assert!(spawned.stdin.is_none() && spawned.stdout.is_none() && spawned.stderr.is_none());
    finish(spawned);
    let answer = std::fs::read_to_string(&file).unwrap();
    assert_eq!(answer, "/dev/null\n/dev/null\n/dev/null\n");
}

fn files(bench: &Bench) {
    let directory = tempfile::tempdir().unwrap();
    let (input, output) = (directory.path().join("in"), directory.path().join("out"));
    std::fs::write(&input, "from the file").unwrap();
    let to = |append| Stdout::File { path: output.clone(), append };
    let command = |append| shell("cat").stdin(Stdin::File(input.clone())).stdout(to(append));
    let content = || std::fs::read_to_string(&output).unwrap();
    bench.run(&command(true));
    assert_eq!(content(), "from the file");
    bench.run(&command(true));
    assert_eq!(content(), "from the filefrom the file");
    bench.run(&command(false));
    assert_eq!(content(), "from the file");
}

fn merge(bench: &Bench) {
    let outcome = bench.run(&shell("echo 1; echo 2 >&2; echo 3").merge_stderr());
    assert_eq!((outcome.text().as_str(), outcome.stderr.len()), ("1\n2\n3", 0));
}

/// The forms of one output with where its text is to be found afterwards.
const OUTPUTS: [&str; 6] = ["capture", "null", "file", "append", "fd", "merge"];
const INPUTS: [&str; 5] = ["null", "pipe", "bytes", "file", "fd"];

fn output(form: &str, directory: &Path, name: &str) -> Stdout {
    let path = directory.join(name);
    match form {
        "capture" => Stdout::Capture,
        "null" => Stdout::Null,
        "file" => Stdout::File { path, append: false },
        "append" => Stdout::File { path, append: true },
        "fd" => Stdout::Fd(Arc::new(File::create(path).unwrap().into())),
        _ => Stdout::Merge,
    }
}

fn input(form: &str, file: &Path) -> Stdin {
    match form {
        "null" => Stdin::Null,
        "pipe" => Stdin::Pipe,
        "bytes" => Stdin::Bytes(Arc::from(b"text".as_slice())),
        "file" => Stdin::File(file.to_path_buf()),
        _ => Stdin::Fd(Arc::new(File::open(file).unwrap().into())),
    }
}

fn combinations(bench: &Bench) {
    for stdin in INPUTS {
        for stdout in OUTPUTS.into_iter().filter(|form| *form != "merge") {
            for stderr in OUTPUTS {
                combination(bench, [stdin, stdout, stderr]);
            }
        }
    }
}

fn combination(bench: &Bench, forms: [&str; 3]) {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("source");
    std::fs::write(&source, "text").unwrap();
    let command = Command::new("/bin/sh")
        .args(["-c", "read -r line; echo \"o:$line\"; echo \"e:$line\" >&2"])
        .stdin(input(forms[0], &source))
        .stdout(output(forms[1], directory.path(), "out"))
        .stderr(output(forms[2], directory.path(), "err"));
    let mut spawned = bench.start(&command).unwrap();
    if let Some(pipe) = spawned.stdin.take() {
        File::from(OwnedFd::from(pipe)).write_all(b"text").unwrap();
    }
    let outcome = finish(spawned);
    let line = if forms[0] == "null" { "" } else { "text" };
    let (out, err) = (format!("o:{line}\n"), format!("e:{line}\n"));
    let merged = forms[2] == "merge";
    let expected_out = if merged { out + &err } else { out };
    let expected_err = if merged { String::new() } else { err };
    let found = |form: &str, captured: &[u8], name: &str| match form {
        "capture" => Some(String::from_utf8(captured.to_vec()).unwrap()),
        "null" => None,
        "merge" => Some(String::new()),
        _ => Some(std::fs::read_to_string(directory.path().join(name)).unwrap()),
    };
    let (stdout, stderr) = (&outcome.stdout, &outcome.stderr);
    let context = format!("{forms:?}");
    assert!(found(forms[1], stdout, "out").is_none_or(|text| text == expected_out), "{context}");
    assert!(found(forms[2], stderr, "err").is_none_or(|text| text == expected_err), "{context}");
}

/// The flags that /proc shows for one of the child's own descriptors.
const FLAGS: &str = "for fd in 0 1 2; do grep flags /proc/self/fdinfo/$fd; done";

fn blocking(bench: &Bench) {
    use rustix::fs::{fcntl_getfl, OFlags};
    let spawned = bench.start(&shell(FLAGS).stdin(Stdin::Pipe)).unwrap();
    for end in [&spawned.stdin, &spawned.stdout, &spawned.stderr] {
        assert!(fcntl_getfl(end.as_ref().unwrap()).unwrap().contains(OFlags::NONBLOCK));
    }
    let text = finish(spawned).text();
    let flags: Vec<_> = text.lines().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    assert_eq!(flags.len(), 3, "{text}");
    for octal in flags {
        assert_eq!(u32::from_str_radix(octal, 8).unwrap() & OFlags::NONBLOCK.bits(), 0, "{text}");
    }
}

fn reopen(bench: &Bench) {
    let command = shell("cat /dev/stdin > /dev/stdout; echo err > /proc/self/fd/2");
    let mut spawned = bench.start(&command.stdin(Stdin::Pipe)).unwrap();
    File::from(OwnedFd::from(spawned.stdin.take().unwrap())).write_all(b"again").unwrap();
    let outcome = finish(spawned);
    assert_eq!((outcome.text().as_str(), outcome.stderr.as_slice()), ("again", &b"err\n"[..]));
}

fn fifo(bench: &Bench) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fifo");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
    assert_eq!(bench.run(&shell("cat").stdin(Stdin::File(path.clone()))).stdout, b"");
    let error = bench.refusal(&shell("exit 0").stdout(Stdout::File { path, append: true }));
    assert_eq!(error.errno, libc::ENXIO);
}

fn no_shared_pipes(bench: &Bench) {
    let cats = |_| bench.start(&Command::new("/bin/cat").stdin(Stdin::Pipe)).unwrap();
    let rounds = if under_valgrind() { 3 } else { 25 };
    std::thread::scope(|scope| {
        for _ in 0..8 {
            // Every `cat` ends although the others live: nobody else holds its pipe.
            scope.spawn(|| (0..rounds).map(cats).for_each(|spawned| drop(finish(spawned))));
        }
    });
}
