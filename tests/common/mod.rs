//! What the Rust suites share: the helper children, bounded waiting, and counts of what is left.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod left;

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use process_manager::{Command, OutputStream, ProcessRunner};

/// A bound for things that happen at once on a healthy machine; never a measure.
pub const SOON: Option<Duration> = Some(Duration::from_secs(60));

/// Names the directory of the helper programs to a test program that may not build them.
pub const CHILDREN: &str = "PM_TEST_CHILDREN";

/// The path of the helper program `name`; all of them are built at the first call, and with them
/// `process_manager_host`.
pub fn child(name: &str) -> PathBuf {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    let given = || std::env::var_os(CHILDREN).map(PathBuf::from);
    DIR.get_or_init(|| given().unwrap_or_else(build_children)).join(name)
}

fn build_children() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned();
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "-p", "process_manager_child", "-p", "process_manager_host"]);
    cargo.arg("--target-dir").arg(&target);
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    assert!(cargo.status().unwrap().success(), "the helper programs do not build");
    target.join("debug")
}

/// A command for a helper child.
pub fn command(name: &str) -> Command {
    Command::new(child(name)).name(name)
}

/// Puts a program there. Another program writes it: no child of a test beside this one can hold it
/// open for writing then, which makes execve(2) fail.
pub fn install(path: &Path, content: &[u8], mode: u32) {
    let mut cp = std::process::Command::new("cp");
    let mut cp = cp.arg("/dev/stdin").arg(path).stdin(Stdio::piped()).spawn().unwrap();
    cp.stdin.take().unwrap().write_all(content).unwrap();
    assert!(cp.wait().unwrap().success(), "{} is not written", path.display());
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A running helper child.
pub fn start(command: Command) -> ProcessRunner {
    ProcessRunner::start_command(command).expect("the helper starts")
}

/// The next line, which must come.
pub fn line(stream: &mut OutputStream) -> String {
    stream.next_blocking(SOON).expect("no error").expect("a line")
}

/// Reads lines until this one.
pub fn wait_for_line(stream: &mut OutputStream, expected: &str) {
    while line(stream) != expected {}
}

/// All lines up to the end.
pub fn lines(stream: &mut OutputStream) -> Vec<String> {
    std::iter::from_fn(|| stream.next_blocking(SOON).expect("no error")).collect()
}

/// The number of descriptors this process has open.
pub fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("/proc is mounted").count()
}

/// The names of this process's threads.
pub fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("/proc is mounted");
    let name = |task: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(task.ok()?.path().join("comm")).ok()
    };
    tasks.filter_map(name).map(|name| name.trim().to_owned()).collect()
}

/// Waits for the end of what was told to end.
pub fn await_end(pid: i32) {
    let until = Instant::now() + SOON.unwrap();
    while is_alive(pid) {
        assert!(Instant::now() < until, "{pid} is left");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// True while a process with this id exists and is no zombie.
pub fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}
