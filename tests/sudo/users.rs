//! Throw-away users with their sudoers files, removed on drop.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

static NUMBER: AtomicU32 = AtomicU32::new(0);
/// The tools of the user database refuse to wait for each other.
static DATABASE: Mutex<()> = Mutex::new(());

/// Why the tests cannot run here, if they cannot.
pub fn missing() -> Option<&'static str> {
    let tools = ["/usr/bin/sudo", "/usr/sbin/useradd", "/usr/sbin/chpasswd", "/usr/bin/setpriv"];
    if !rustix::process::geteuid().is_root() {
        return Some("users can be made by root only");
    }
    if !tools.iter().all(|tool| Path::new(tool).exists()) {
        return Some("sudo, useradd, chpasswd and setpriv are not all installed");
    }
    rustix::thread::no_new_privs().unwrap_or(true).then_some("no-new-privileges is set")
}

/// A user of this test.
pub struct User {
    pub name: String,
    files: Vec<PathBuf>,
    home: TempDir,
}

impl User {
    /// A user with a password (`None`: locked) and a line of sudoers, in which USER is the name.
    pub fn new(password: Option<&[u8]>, rule: Option<&str>) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("pmt{}x{number}", std::process::id());
        let home = tempfile::Builder::new().prefix("pm-sudo.").tempdir().unwrap();
        let mut user = Self { name, files: Vec::new(), home };
        run("/usr/sbin/useradd", &["-M", "-N", "-s", "/bin/sh", &user.name], b"");
        match password {
            Some(b"") => run("/usr/bin/passwd", &["-d", &user.name], b""),
            Some(password) => {
                let line = [user.name.as_bytes(), b":", password, b"\n"].concat();
                run("/usr/sbin/chpasswd", &[], &line);
            }
            None => {}
        }
        if let Some(rule) = rule {
            let path = PathBuf::from(format!("/etc/sudoers.d/{}", user.name));
            user.files.push(path.clone());
            std::fs::write(&path, rule.replace("USER", &user.name) + "\n").unwrap();
        }
        user.install();
        user
    }

    /// This test program, where the user can run it.
    fn install(&self) {
        use std::os::unix::fs::PermissionsExt;
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(self.home.path(), open).unwrap();
        // By another program: no test that forks meanwhile can hold the file open for writing.
        let (from, to) = (std::env::current_exe().unwrap(), self.home.path().join("host"));
        run("/bin/cp", &[from.to_str().unwrap(), to.to_str().unwrap()], b"");
    }

    /// Has PAM count wrong passwords, for rules that name the user as `pam_service`.
    pub fn count_attempts(&mut self) {
        use std::os::unix::fs::PermissionsExt;
        let counter = self.home.path().join("counter");
        let script = format!("#!/bin/sh\necho wrong >> {}/attempts\n", self.home.path().display());
        run("/bin/cp", &["/dev/stdin", counter.to_str().unwrap()], script.as_bytes());
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&counter, open).unwrap();
        let service = PathBuf::from(format!("/etc/pam.d/{}", self.name));
        self.files.push(service.clone());
        let auth = format!(
            "auth [success=2 default=ignore] pam_unix.so\n\
             auth optional pam_exec.so quiet {}\n\
             auth requisite pam_deny.so\n\
             auth required pam_permit.so\n\
             account required pam_unix.so\nsession required pam_permit.so\n",
            counter.display()
        );
        std::fs::write(service, auth).unwrap();
    }

    /// How often a wrong password was tried, with `count_attempts`.
    pub fn attempts(&self) -> usize {
        std::fs::read_to_string(self.home.path().join("attempts"))
            .map_or(0, |all| all.lines().count())
    }

    /// Where the user may write.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Makes the password one that must be changed at once.
    pub fn expire(&self) {
        run("/usr/bin/chage", &["-d", "0", &self.name], b"");
    }

    /// Ends the account, whatever the password.
    pub fn expire_account(&self) {
        run("/usr/bin/chage", &["-E", "1", &self.name], b"");
    }

    /// Puts a file where the user can read it.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.home.path().join(name), bytes).unwrap();
    }

    /// A command for this test program as the user, in the role of `case`.
    pub fn host(&self, case: &str, password: &[u8]) -> Command {
        let mut command = Command::new("/usr/bin/setpriv");
        command.args(["--reuid", &self.name, "--regid", "65534", "--clear-groups", "--"]);
        command.arg(self.home.path().join("host")).args(["host", "--exact", "--nocapture"]);
        command.current_dir(self.home.path());
        command.env("PM_CASE", case).env("PM_PASSWORD", OsStr::from_bytes(password));
        command.env("PM_USER", &self.name).env("TMPDIR", self.home.path());
        command
    }

    /// Runs a case to its end, which must be a good one.
    pub fn run(&self, case: &str, password: &[u8]) {
        succeed(&mut self.host(case, password));
    }
}

/// Runs a host to its end, which must be a good one.
pub fn succeed(host: &mut Command) {
    let output = host.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{host:?}:\n{}", shown(&output));
}

fn shown(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

fn run(program: &str, args: &[&str], input: &[u8]) {
    let _database = DATABASE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    if !std::thread::panicking() {
        assert!(output.status.success(), "{program}: {}", shown(&output));
    }
}

impl Drop for User {
    fn drop(&mut self) {
        for file in &self.files {
            let _ = std::fs::remove_file(file);
        }
        run("/usr/sbin/userdel", &["-f", &self.name], b"");
    }
}
