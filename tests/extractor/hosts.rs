//! Hosts: tests that need a process of their own run themselves again in one.

use std::env;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Tells the second run that it is the host, and gives it the base directory.
const HOST: &str = "EXTRACTOR_TEST_HOST";
/// Begins the lines in which a host reports; the test framework prints others.
const REPORT: &str = "host: ";

/// The base directory, if this process is the host of a test.
pub(crate) fn base() -> Option<String> {
    env::var(HOST).ok()
}

/// The command that runs the test `name` as a host over `base`.
pub(crate) fn command(name: &str, base: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    as_host(&mut command, name, base);
    command
}

/// The same in a mount namespace of its own, so that its mounts are gone with it. `Err` says why
/// this is not to be had here.
pub(crate) fn command_with_mounts(name: &str, base: &Path) -> Result<Command, String> {
    let namespace = ["--mount", "--propagation", "private", "--map-root-user", "--user"];
    let options = if rustix::process::geteuid().is_root() { &namespace[..3] } else { &namespace };
    let probe = Command::new("unshare").args(options).arg("true").output();
    match probe {
        Ok(output) if output.status.success() => {}
        Ok(output) => return Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => return Err(error.to_string()),
    }
    let mut command = Command::new("unshare");
    command.args(options).arg("--").arg(env::current_exe().unwrap());
    as_host(&mut command, name, base);
    Ok(command)
}

fn as_host(command: &mut Command, name: &str, base: &Path) {
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(HOST, base);
}

/// Runs a host to its end; its own assertions decide.
pub(crate) fn run(mut command: Command) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "host: {:?}\n{text}\n{errors}", output.status);
    assert!(text.contains("1 passed"), "the host ran no test: {text}");
    if let Some((_, reason)) = text.split_once("skipped: ") {
        println!("skipped: {}", reason.lines().next().unwrap_or_default());
    }
}

/// Reports from the host to the test.
pub(crate) fn report(text: &str) {
    println!("\n{REPORT}{text}");
}

/// A host that runs until it is killed.
pub(crate) struct Host {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Host {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// Waits for its next report.
    pub(crate) fn next_report(&mut self) -> String {
        let mut lines = self.output.by_ref().lines().map(Result::unwrap);
        lines.find_map(|line| line.strip_prefix(REPORT).map(str::to_owned)).unwrap()
    }

    /// Closes its input, which is how it is told to go on.
    pub(crate) fn go_on(&mut self) {
        drop(self.child.stdin.take());
    }

    /// SIGKILL, and waits until it is gone.
    pub(crate) fn kill(self) {
        drop(self.kill_and_keep_input());
    }

    /// The same; what it started still reads from the pipe that is returned.
    pub(crate) fn kill_and_keep_input(mut self) -> Option<ChildStdin> {
        let input = self.child.stdin.take();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        input
    }

    /// Its exit code when it has ended by itself.
    pub(crate) fn wait(mut self) -> Option<i32> {
        io::copy(&mut self.output, &mut io::sink()).unwrap();
        self.child.wait().unwrap().code()
    }
}

/// Runs `body` in a forked copy of this process and returns its exit code: 0 if it was true.
pub(crate) fn fork(body: impl FnOnce() -> bool) -> Option<i32> {
    // SAFETY: the copy only runs `body` and leaves by _exit; hosts run one test on one thread.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let code = i32::from(!body());
        // SAFETY: it does not return, and nothing of the copy is to be dropped.
        unsafe { libc::_exit(code) }
    }
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    let (_, status) = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty())
        .unwrap()
        .unwrap();
    status.exit_status()
}

/// Blocks a host until the test lets it go on.
pub(crate) fn wait_for_test() {
    std::io::stdin().lines().for_each(drop);
}
