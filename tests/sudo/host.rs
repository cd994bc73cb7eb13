//! What the host does in each case, as the throw-away user.

use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::time::{Duration, Instant};

use process_manager::{
    Command, ExitStatus, ProcessError, ProcessManager, ProcessRunner, StartErrorKind, Stdin,
    Stdout, StopLadder, SudoErrorKind, SudoMode, SudoOptions,
};

pub const SOON: Option<Duration> = Some(Duration::from_secs(60));

pub fn options() -> SudoOptions {
    let password = std::env::var_os("PM_PASSWORD").unwrap().into_vec();
    SudoOptions::new().password(password).unwrap()
}

pub fn shell(script: &str) -> Command {
    Command::new("/bin/sh").arg("-c").arg(script)
}

fn start(command: Command) -> ProcessRunner {
    ProcessRunner::start_with_sudo_options(command, options()).unwrap()
}

pub fn output(runner: &ProcessRunner) -> Vec<String> {
    let mut stream = runner.get_output_stream();
    std::iter::from_fn(|| stream.next_blocking(SOON).unwrap()).collect()
}

fn refusal(options: SudoOptions) -> SudoErrorKind {
    kind_of(ProcessRunner::start_with_sudo_options(Command::new("/bin/true"), options))
}

pub fn kind_of(started: Result<ProcessRunner, ProcessError>) -> SudoErrorKind {
    match started {
        Err(ProcessError::AuthenticationFailed(error)) => {
            assert!(!error.stderr.contains("pm0"), "the prompt shows: {error}");
            eprintln!("{error}");
            error.kind
        }
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("it started"),
    }
}

/// The role that the environment names.
pub fn play(case: &str) {
    match case {
        "root" => root(),
        "echo" => echo(),
        "published" => published(),
        "statuses" => statuses(),
        "not started" => not_started(),
        "place" => place(),
        "environment" => environment(),
        "nobody" => nobody(),
        "stop" => stop(),
        "linger" => linger(),
        "direct" => direct(),
        "direct errors" => direct_errors(),
        "direct survivors" => direct_survivors(),
        "at the prompt" => at_the_prompt(),
        "kill sudo" => kill_sudo(),
        "unusable" => unusable(),
        "spoof" => spoof(),
        "parallel" => parallel(),
        "kept" => kept(),
        "cancel" => cancel(),
        "target" => target(),
        "slow typist" => slow_typist(),
        "cancel in the delay" => cancel_in_the_delay(),
        other => refused(other),
    }
}

/// The roles of which only the refusal counts.
fn refused(case: &str) {
    let direct = || options().mode(SudoMode::Direct);
    let (options, kind) = match case {
        "rejected" => (options(), SudoErrorKind::PasswordRejected),
        "refused" => (options(), SudoErrorKind::Refused),
        "not permitted" => (options(), SudoErrorKind::NotPermitted),
        "no password" => (SudoOptions::new(), SudoErrorKind::NoPassword),
        "no new privileges" => (options(), SudoErrorKind::NoNewPrivileges),
        "user namespace" => (options(), SudoErrorKind::UserNamespace),
        "not found" => (options(), SudoErrorKind::NotFound),
        "timed out" => (options().timeout(Duration::from_millis(1500)), SudoErrorKind::TimedOut),
        "direct rejected" => (direct(), SudoErrorKind::PasswordRejected),
        "direct refused" => (direct(), SudoErrorKind::Refused),
        other => panic!("no case {other:?}"),
    };
    assert_eq!(refusal(options), kind);
}

fn root() {
    let runner = start(shell("id -u; id -ru"));
    assert_eq!(output(&runner), ["0", "0"]);
    assert_eq!(runner.wait_blocking(SOON).unwrap(), ExitStatus::Code(0));
}

/// The command receives exactly the caller's bytes: no password, no prompt's answer.
fn echo() {
    let runner = start(Command::new("/bin/cat").input("one\ntwo\n"));
    assert_eq!(output(&runner), ["one", "two"]);
    let runner = start(shell("wc -c"));
    assert_eq!(output(&runner), ["0"]);
    let runner = start(shell("read a; echo got $a; read b || echo end").stdin(Stdin::Pipe));
    runner.write_stdin_blocking(b"x\n", SOON).unwrap();
    runner.close_stdin().unwrap();
    assert_eq!(output(&runner), ["got x", "end"]);
}

fn published() {
    let password = std::env::var("PM_PASSWORD").unwrap();
    let manager = ProcessManager::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let command = shell("id -u");
    let id = runtime.block_on(manager.start_process_with_sudo(command, &password)).unwrap();
    let runner = manager.runner(id).unwrap();
    assert_eq!(output(&runner), ["0"]);
    let args = vec!["-u".to_owned()];
    let start = ProcessRunner::start_with_sudo("/usr/bin/id", "id".into(), args, &password);
    assert_eq!(output(&runtime.block_on(start).unwrap()), ["0"]);
    manager.extractor().add_binary("script", b"#!/bin/sh\nid -u\n").unwrap();
    let start = manager.start_with_sudo_options(Command::binary("script"), options());
    assert_eq!(output(&start.unwrap()), ["0"]);
}

fn statuses() {
    let end = |script| start(shell(script)).wait_blocking(SOON).unwrap();
    assert_eq!(end("exit 7"), ExitStatus::Code(7));
    assert!(matches!(end("kill -9 $$"), ExitStatus::Signal { signal: 9, .. }));
    assert!(matches!(end("kill -15 $$"), ExitStatus::Signal { signal: 15, .. }));
}

fn not_started() {
    let missing = Command::new("/no/such/program");
    match ProcessRunner::start_with_sudo_options(missing, options()) {
        Err(ProcessError::StartFailed(error)) => assert_eq!(error.errno, libc::ENOENT),
        other => panic!("{:?}", other.err()),
    }
    let text = Command::new("/etc/passwd");
    match ProcessRunner::start_with_sudo_options(text, options()) {
        Err(ProcessError::StartFailed(error)) => {
            assert_eq!((error.kind, error.errno), (StartErrorKind::PermissionDenied, libc::EACCES));
        }
        other => panic!("{:?}", other.err()),
    }
    let nowhere = Command::new("/bin/true").current_dir("/no/such/directory");
    match ProcessRunner::start_with_sudo_options(nowhere, options()) {
        Err(ProcessError::StartFailed(error)) => assert_eq!(error.errno, libc::ENOENT),
        other => panic!("{:?}", other.err()),
    }
}

fn place() {
    let command = shell("pwd; echo $MINE; umask; ulimit -n; cat <&5").current_dir("/root");
    let (read, write) = rustix::pipe::pipe().unwrap();
    rustix::io::write(&write, b"five\n").unwrap();
    drop(write);
    let command = command.env("MINE", "a b").umask(0o27).rlimit(7, 77, 77).extra_fd(read, 5);
    assert_eq!(output(&start(command)), ["/root", "a b", "0027", "77", "five"]);
}

/// The host's variables of the preserved names, and what the command sets.
fn environment() {
    let names = |options: SudoOptions| {
        let command = Command::new("/usr/bin/env").env("MINE", "1");
        let runner = ProcessRunner::start_with_sudo_options(command, options).unwrap();
        let name = |line: String| line.split_once('=').unwrap().0.to_owned();
        let mut names: Vec<_> = output(&runner).into_iter().map(name).collect();
        names.sort();
        names
    };
    assert!(names(options()).contains(&"PM_CASE".to_owned()));
    assert_eq!(names(options().preserve_env(["PM_USER", "PM_NONE"])), ["MINE", "PM_USER"]);
    assert_eq!(names(options().preserve_env(Vec::<String>::new())), ["MINE"]);
    for bad in ["", "A=B", "A\0B"] {
        let bad = options().preserve_env([bad]);
        let refused = ProcessRunner::start_with_sudo_options(Command::new("/bin/true"), bad);
        assert!(refused.err().unwrap().to_string().contains("preserved environment"));
    }
}

fn nobody() {
    let options = options().user("nobody");
    let runner = ProcessRunner::start_with_sudo_options(shell("id -un"), options).unwrap();
    assert_eq!(output(&runner), ["nobody"]);
}

fn target() {
    let user = std::env::var("PM_TARGET").unwrap();
    let options = options().user(&user).group("daemon");
    let script = shell("id -un; id -gn; cat").input("mine");
    let runner = ProcessRunner::start_with_sudo_options(script, options).unwrap();
    assert_eq!(output(&runner), [&user, "daemon", "mine"]);
    extracted_for(&user);
}

/// Extracted programs can be run by the target user.
fn extracted_for(user: &str) {
    let manager = ProcessManager::default();
    manager.extractor().add_binary("script", b"#!/bin/sh\nid -un\n").unwrap();
    manager.extractor().add_binary("cat", &std::fs::read("/bin/cat").unwrap()).unwrap();
    let script = Command::binary("script");
    let runner = manager.start_with_sudo_options(script, options().user(user)).unwrap();
    assert_eq!(output(&runner), [user]);
    let cat = Command::binary("cat").input("mine");
    let runner = manager.start_with_sudo_options(cat, options().user(user)).unwrap();
    assert_eq!(output(&runner), ["mine"]);
}

/// One that leaves the session, one that is daemonised and deaf, and the deaf leader.
const TREE: &str = "trap '' TERM; setsid sh -c 'echo $$; exec sleep 1000' & \
                    (setsid sh -c 'trap \"\" TERM; echo $$; sleep 1000 & sleep 1000' &) ; \
                    echo $$; wait; sleep 1000; sleep 1000";

/// The process with the whole tree up, and who is in it.
fn tree(options: SudoOptions) -> (ProcessRunner, Vec<String>) {
    let runner = ProcessRunner::start_with_sudo_options(shell(TREE), options).unwrap();
    let mut stream = runner.get_output_stream();
    let pids = (0..3).map(|_| stream.next_blocking(SOON).unwrap().unwrap()).collect();
    (runner, pids)
}

/// The password can be asked for once only, by its type. A busy machine gets some tries at the time.
fn stop() {
    let password = std::env::var_os("PM_PASSWORD").unwrap().into_vec();
    let took = |_| {
        let password = password.clone();
        let (runner, pids) = tree(SudoOptions::new().ask(|| Some(password)));
        let start = Instant::now();
        runner.stop_blocking(Some(StopLadder::term_then_kill(Duration::from_millis(50)))).unwrap();
        let took = start.elapsed();
        assert!(matches!(runner.wait_blocking(SOON).unwrap(), ExitStatus::Signal { .. }));
        let left = |pid: &String| Path::new("/proc").join(pid).exists();
        assert!(!pids.iter().any(left), "{pids:?}");
        took
    };
    assert!((0..20).map(took).any(|took| took < Duration::from_millis(200)));
}

/// Says so, and waits to be killed.
fn linger() {
    let _tree = tree(options());
    println!("lingering");
    loop {
        std::thread::park();
    }
}

/// Says so, and waits to be killed while sudo waits for the password.
fn at_the_prompt() {
    let options = SudoOptions::new().ask(|| {
        println!("lingering");
        loop {
            std::thread::park();
        }
    });
    refusal(options);
}

/// The tree stays in reach when sudo itself is killed.
fn kill_sudo() {
    let (runner, _) = tree(options());
    let me = std::process::id();
    let children = std::fs::read_to_string(format!("/proc/{me}/task/{me}/children")).unwrap();
    for child in children.split_whitespace() {
        let pid = rustix::process::Pid::from_raw(child.parse().unwrap()).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
    runner.stop_blocking(Some(StopLadder::kill())).unwrap();
    assert!(matches!(runner.wait_blocking(SOON).unwrap(), ExitStatus::Signal { .. }));
}

fn unusable() {
    for bad in [&b"a\nb"[..], b"a\0b", &[b'x'; 512]] {
        let refused = SudoOptions::new().password(bad).unwrap_err();
        assert!(matches!(refused, ProcessError::InvalidArgument { .. }), "{refused}");
    }
}

/// The command finds the prompt on the command line of the sudo above it, shows it, and asks.
fn spoof() {
    let script = "pid=$$; prompt=; while [ -z \"$prompt\" ] && [ \"$pid\" -gt 1 ]; do \
                  pid=$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$pid/status); \
                  prompt=$(tr '\\0' '\\n' < /proc/$pid/cmdline | grep -m1 '^pm0'); done; \
                  echo ${#prompt}; printf '%s' \"$prompt\" >&2; read x; echo \"got [$x]\"";
    let runner = start(shell(script).stdin(Stdin::Pipe).stderr(Stdout::Null));
    let mut stream = runner.get_output_stream();
    assert_eq!(stream.next_blocking(SOON).unwrap().unwrap(), "34");
    runner.write_stdin_blocking(b"mine\n", SOON).unwrap();
    assert_eq!(stream.next_blocking(SOON).unwrap().unwrap(), "got [mine]");
}

fn parallel() {
    let starts: Vec<_> = (0..10).map(|_| std::thread::spawn(root)).collect();
    starts.into_iter().for_each(|start| start.join().unwrap());
}

/// Neither descriptors nor processes stay when a start is over.
fn kept() {
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let first = start(shell("read x").stdin(Stdin::Pipe));
    let before = descriptors();
    for _ in 0..3 {
        let runner = start(shell("exit 0"));
        runner.stop_blocking(None).unwrap();
        runner.closed_blocking(SOON).unwrap();
    }
    assert_eq!(descriptors(), before);
    drop(first);
}

fn cancel() {
    assert_eq!(refusal(SudoOptions::new().ask(|| None)), SudoErrorKind::NoPassword);
    no_child_is_left();
}

/// Sudo ignores all but KILL while it delays its answer, for one second at least.
fn cancel_in_the_delay() {
    let options = options().timeout(Duration::from_millis(900));
    assert_eq!(refusal(options), SudoErrorKind::TimedOut);
    no_child_is_left();
}

fn slow_typist() {
    const TIMEOUT: Duration = Duration::from_secs(4);
    for mode in [SudoMode::Relay, SudoMode::Direct] {
        let password = std::env::var_os("PM_PASSWORD").unwrap().into_vec();
        let options = SudoOptions::new().mode(mode).timeout(TIMEOUT).ask(move || {
            std::thread::sleep(TIMEOUT + Duration::from_millis(100));
            Some(password)
        });
        let runner = ProcessRunner::start_with_sudo_options(shell("id -u"), options).unwrap();
        assert_eq!(output(&runner), ["0"]);
    }
}

pub fn no_child_is_left() {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let children = tasks.map(|task| std::fs::read_to_string(task.path().join("children")));
    let children: String = children.flatten().collect();
    assert_eq!(children, "", "sudo is left");
}

fn start_directly(command: Command) -> ProcessRunner {
    let options = options().mode(SudoMode::Direct);
    ProcessRunner::start_with_sudo_options(command, options).unwrap()
}

/// Only these commands are allowed, so that no relay could run.
fn direct() {
    let runner = start_directly(Command::new("/usr/bin/id").arg("-u"));
    assert_eq!(output(&runner), ["0"]);
    assert_eq!(runner.info().name, "id");
    let runner = start_directly(Command::new("/bin/cat").input("one\ntwo\n"));
    assert_eq!(output(&runner), ["one", "two"]);
    let end = |script| start_directly(shell(script)).wait_blocking(SOON).unwrap();
    assert_eq!(end("sleep 0.1; exit 7"), ExitStatus::Code(7));
    assert!(matches!(end("sleep 0.1; kill -9 $$"), ExitStatus::Signal { signal: 9, .. }));
    let runner = start_directly(shell("trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done"));
    assert_eq!(runner.get_output_stream().next_blocking(SOON).unwrap().unwrap(), "up");
    runner.stop_blocking(None).unwrap();
    assert_eq!(runner.wait_blocking(SOON).unwrap(), ExitStatus::Code(3));
    let set = shell("echo $MINE").env("MINE", "a b");
    assert_eq!(output(&start_directly(set)), ["a b"]);
}

fn direct_errors() {
    let direct = |command, options: SudoOptions| {
        let options = options.mode(SudoMode::Direct);
        ProcessRunner::start_with_sudo_options(command, options).err().unwrap()
    };
    let none = direct(shell("true"), SudoOptions::new());
    assert!(matches!(none, ProcessError::AuthenticationFailed(error)
        if error.kind == SudoErrorKind::NoPassword));
    let named = direct(shell("true"), options().preserve_env(["A,B"]));
    assert!(named.to_string().contains("preserved environment"), "{named}");
    let program = direct(Command::new("A=B"), options());
    assert!(program.to_string().contains("program"), "{program}");
    let (read, _write) = rustix::pipe::pipe().unwrap();
    let further = direct(shell("true").extra_fd(read, 5), options());
    assert!(matches!(further, ProcessError::Unsupported(_)), "{further}");
}

/// What nobody but root can end is named, and the host lives with it.
fn direct_survivors() {
    let script = "trap '' TERM; echo up; while [ ! -e stop ]; do sleep 0.05; done";
    let runner = start_directly(shell(script));
    assert_eq!(runner.get_output_stream().next_blocking(SOON).unwrap().unwrap(), "up");
    let ladder = StopLadder::term_then_kill(Duration::from_millis(50));
    let left = runner.stop_blocking(Some(ladder)).unwrap_err().to_string();
    std::fs::write("stop", "").unwrap();
    assert!(left.contains("(sh, uid 0)"), "{left}");
    runner.closed_blocking(SOON).unwrap();
}
