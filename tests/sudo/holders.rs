//! Hosts that have a password, as the throw-away user.

use std::sync::Mutex;

use process_manager::{ProcessRunner, SudoOptions};
use zeroize::Zeroize;

use super::cases::{output, shell, SOON};

/// The role that the environment names, if it is one of these.
pub fn play(case: &str) -> bool {
    match case {
        "absent" => absent(),
        "core" => core(),
        "forked" => forked(),
        _ => return false,
    }
    true
}

/// Everything that is logged.
struct Journal(Mutex<Vec<String>>);

static JOURNAL: Journal = Journal(Mutex::new(Vec::new()));

impl log::Log for Journal {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.0.lock().unwrap().push(record.args().to_string());
    }

    fn flush(&self) {}
}

/// The password comes by a callback here: the host's own environment must not hold it.
fn absent() {
    log::set_logger(&JOURNAL).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let secret = std::fs::read("secret").unwrap();
    let given = secret.clone();
    let options = SudoOptions::new().ask(move || Some(given));
    let look = "cat /proc/*/cmdline /proc/*/environ 2>/dev/null | tr '\\0' '\\n'";
    let runner = ProcessRunner::start_with_sudo_options(shell(look), options).unwrap();
    let text = output(&runner);
    let shown = format!("{:?}", SudoOptions::new().password(&secret).unwrap());
    let secret = String::from_utf8(secret).unwrap();
    let user = std::env::var("PM_USER").unwrap();
    assert!(text.iter().any(|line| line.contains(&user)), "this host was not looked at");
    assert!(!text.iter().any(|line| line.contains(&secret)), "the password can be read");
    assert!(!shown.contains(&secret), "{shown}");
    let journal = JOURNAL.0.lock().unwrap();
    assert!(!journal.iter().any(|line| line.contains(&secret)), "{journal:?}");
}

/// Options that hold the password, after a start that has used it. No copy is left here.
fn held() -> SudoOptions {
    let options = SudoOptions::new().ask(|| std::fs::read("secret").ok());
    let runner = ProcessRunner::start_with_sudo_options(shell("exit 0"), options).unwrap();
    runner.closed_blocking(SOON).unwrap();
    let mut secret = std::fs::read("secret").unwrap();
    let options = SudoOptions::new().password(&secret).unwrap();
    secret.zeroize();
    options
}

fn told() -> String {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    line
}

fn core() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Core);
    let most = rustix::process::Rlimit { current: limit.maximum, ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Core, most).unwrap();
    let _held = held();
    let word = ["an ordinary word", " on the heap"].concat();
    println!("lingering");
    assert_eq!(told(), "die\n", "{word}");
    std::process::abort();
}

fn forked() {
    let _held = held();
    // SAFETY: the copy only waits for the end of its input.
    let worker = unsafe { libc::fork() };
    if worker != 0 {
        std::fs::write("worker", worker.to_string()).unwrap();
        println!("lingering");
    }
    while rustix::io::read(rustix::stdio::stdin(), &mut [0; 1]) != Ok(0) {}
    if worker == 0 {
        // SAFETY: nothing of the copy is to be unwound.
        unsafe { libc::_exit(0) };
    }
    // SAFETY: a child of this process.
    unsafe { libc::waitpid(worker, std::ptr::null_mut(), 0) };
}
