//! Which descriptors the child has, whatever the host's look like.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use super::bench::{finish, shell, Bench};
use super::{alone, case, Case};
use crate::command::{Command, Stdin, Stdout};
use crate::sys::spawn::testing::ClosedStdio;

pub(super) const CASES: &[Case] = &[
    case("a child has 0, 1, 2 and nothing else", nothing_else),
    case("extra descriptors arrive, whatever their numbers", extra),
    case("two descriptors change places", swapped),
    case("a ring of descriptors is turned", ring),
    case("a descriptor that stays in place survives exec", in_place),
    case("one descriptor arrives under several numbers", several),
    alone("the host's 0, 1, 2 closed in every combination", closed),
    alone("the host's 0, 1, 2 exchanged in every order", permuted),
    alone("inherited descriptors are the host's", inherited),
    alone("what the host has closed is inherited as null", inherited_closed),
];

/// A file that says `text`.
fn saying(text: &str) -> OwnedFd {
    let fd = rustix::fs::memfd_create("pm-test", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    rustix::io::pwrite(&fd, text.as_bytes(), 0).unwrap();
    fd
}

/// What the child sees under each of these numbers.
fn contents(targets: impl IntoIterator<Item = RawFd>) -> Command {
    // A pipeline of its own for each, because a memory file keeps its position.
    let read = |fd| format!("cat /proc/self/fd/{fd}; echo;");
    shell(&targets.into_iter().map(read).collect::<String>())
}

/// The numbers a child has open, without the one that it lists them with.
const LIST: &str = "ls /proc/self/fd | sort -n | tr '\\n' ' '";

fn listed(bench: &Bench, command: Command) -> Vec<RawFd> {
    let text = bench.run(&command).text();
    text.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

fn nothing_else(bench: &Bench) {
    // Open in the host without close-on-exec, low and high.
    let leak = rustix::io::dup(File::open("/dev/null").unwrap()).unwrap();
    let mut high = rustix::io::fcntl_dupfd_cloexec(&leak, 900).unwrap();
    rustix::io::dup2(&leak, &mut high).unwrap();
    // `ls` has one more: the directory that it lists.
    let command = Command::new("/bin/sh").args(["-c", LIST]);
    assert_eq!(listed(bench, command), [0, 1, 2, 3]);
}

fn extra(bench: &Bench) {
    let command = || contents([3, 7, 300]);
    let give = |target: RawFd| (saying(&format!("for {target}")), target);
    let mut all = command();
    for (source, target) in [300, 3, 7].map(give) {
        all = all.extra_fd(source, target);
    }
    assert_eq!(bench.run(&all).text(), "for 3\nfor 7\nfor 300");
    let list = Command::new("/bin/sh").args(["-c", LIST]).extra_fd(saying(""), 300);
    assert_eq!(listed(bench, list), [0, 1, 2, 3, 300]);
}

fn swapped(bench: &Bench) {
    let (first, second) = (saying("first"), saying("second"));
    let (a, b) = (first.as_raw_fd(), second.as_raw_fd());
    let command = contents([a, b]).extra_fd(first, b).extra_fd(second, a);
    assert_eq!(bench.run(&command).text(), "second\nfirst");
}

fn ring(bench: &Bench) {
    let files: Vec<_> = (0..5).map(|index| saying(&format!("{index}"))).collect();
    let numbers: Vec<_> = files.iter().map(|file| file.as_raw_fd()).collect();
    let mut command = contents(numbers.clone());
    for (index, file) in files.into_iter().enumerate() {
        command = command.extra_fd(file, numbers[(index + 1) % numbers.len()]);
    }
    assert_eq!(bench.run(&command).text(), "4\n0\n1\n2\n3");
}

fn in_place(bench: &Bench) {
    let file = saying("stayed");
    let number = file.as_raw_fd();
    assert_eq!(bench.run(&contents([number]).extra_fd(file, number)).text(), "stayed");
}

fn several(bench: &Bench) {
    let file = Arc::new(saying("many"));
    let number = file.as_raw_fd();
    let mut command = contents([number, 50, 51]).stdin(Stdin::Fd(file.clone()));
    for target in [number, 50, 51] {
        let source = file.clone();
        command.extra_fds.push(crate::command::ExtraFd { source, target });
    }
    assert_eq!(bench.run(&command).text(), "many\nmany\nmany");
}

fn closed(bench: &Bench) {
    for set in 0..8 {
        let absent = (0..3).filter(|fd| set & (1 << fd) != 0);
        let _closed = ClosedStdio::new(absent);
        let outcome = bench.run(&shell("cat; echo out; echo err >&2").stdin(Stdin::Pipe));
        assert_eq!(outcome.stdout, b"out\n", "set {set:03b}");
        assert_eq!(outcome.stderr, b"err\n", "set {set:03b}");
        let merged = bench.run(&shell("echo out; echo err >&2").merge_stderr());
        assert_eq!(merged.stdout, b"out\nerr\n", "set {set:03b}");
        bench.refusal(&Command::new("/nowhere/at-all"));
        let spawned = bench.start(&shell("exit 0").stdin(Stdin::Pipe)).unwrap();
        let fds = [&spawned.stdin, &spawned.stdout, &spawned.stderr];
        let lowest = fds.iter().filter_map(|fd| fd.as_ref().map(AsRawFd::as_raw_fd)).min();
        assert!(lowest.unwrap().min(spawned.pidfd.as_raw_fd()) > 2, "set {set:03b}");
        finish(spawned);
    }
}

fn permuted(bench: &Bench) {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let directory = tempfile::tempdir().unwrap();
    let path = |name: usize| directory.path().join(name.to_string());
    for order in orders {
        (0..3).for_each(|name| std::fs::write(path(name), format!("in {name}\n")).unwrap());
        let _closed = ClosedStdio::new(0..3);
        // Opened with 0, 1 and 2 free, the files stand exactly there.
        let open = |name| File::options().read(true).append(true).open(path(name)).unwrap();
        let files: Vec<Arc<OwnedFd>> = (0..3).map(|name| Arc::new(open(name).into())).collect();
        let numbers: Vec<_> = files.iter().map(|file| file.as_raw_fd()).collect();
        let [input, output, error] = order.map(|index| files[index].clone());
        let command = shell("read -r line; echo \"out $line\"; echo \"err $line\" >&2")
            .stdin(Stdin::Fd(input))
            .stdout(Stdout::Fd(output))
            .stderr(Stdout::Fd(error));
        finish(bench.start(&command).unwrap());
        let read = |index: usize| std::fs::read_to_string(path(index)).unwrap();
        assert_eq!(numbers, [0, 1, 2]);
        let line = format!("in {}\n", order[0]);
        assert_eq!(read(order[0]), line);
        assert_eq!(read(order[1]), format!("in {}\nout {line}", order[1]));
        assert_eq!(read(order[2]), format!("in {}\nerr {line}", order[2]));
    }
}

fn inherited(bench: &Bench) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out");
    let _closed = ClosedStdio::new([1]);
    let file = File::create(&path).unwrap();
    assert_eq!(file.as_raw_fd(), 1);
    let command = shell("echo out; echo err >&2").stdout(Stdout::Inherit).merge_stderr();
    finish(bench.start(&command).unwrap());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "out\nerr\n");
}

fn inherited_closed(bench: &Bench) {
    let _closed = ClosedStdio::new([0, 2]);
    let script = "readlink /proc/self/fd/0; readlink /proc/self/fd/2";
    let command = shell(script).stdin(Stdin::Inherit).stderr(Stdout::Inherit);
    assert_eq!(bench.run(&command).text(), "/dev/null\n/dev/null");
}
