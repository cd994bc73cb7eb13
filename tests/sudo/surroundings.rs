//! Where sudo cannot work, is something else, or is another one.

use std::ffi::OsStr;
use std::path::Path;

use crate::users::{self, User};
use crate::{able, ALL, PASSWORD};

#[test]
fn a_sudo_that_comes_first_in_the_path_is_not_run() {
    if able() {
        use std::os::unix::fs::PermissionsExt;
        let user = User::new(Some(PASSWORD), Some(ALL));
        let mut host = user.host("root", PASSWORD);
        let home = host.get_current_dir().unwrap().to_owned();
        let trap = home.join("sudo");
        std::fs::write(&trap, "#!/bin/sh\ntouch trapped\n").unwrap();
        std::fs::set_permissions(&trap, std::fs::Permissions::from_mode(0o755)).unwrap();
        host.env("PATH", format!("{}:/usr/bin:/bin", home.display()));
        users::succeed(&mut host);
        assert!(!home.join("trapped").exists());
    }
}

#[test]
fn a_user_namespace_is_told_apart() {
    if able() {
        let user = User::new(Some(PASSWORD), Some(ALL));
        let host = user.host("user namespace", PASSWORD);
        let args: Vec<_> = host.get_args().collect();
        let program = args.iter().position(|arg| *arg == "--").unwrap();
        let (privileges, program) = args.split_at(program + 1);
        let confined = |program: &[&OsStr]| {
            let mut confined = std::process::Command::new("/usr/bin/setpriv");
            confined.args(privileges).args(["/usr/bin/unshare", "--user"]).args(program);
            confined
        };
        if works(&mut confined(&["/bin/true".as_ref()]), "user namespace") {
            let mut confined = confined(program);
            users::succeed(confined.current_dir(user.home()).envs(environment(&host)));
        }
    }
}

/// Whether surroundings can be made, tried with a program that cannot fail in them: what a host
/// says when it fails must not be taken for a reason to skip it.
fn works(probe: &mut std::process::Command, what: &str) -> bool {
    let output = probe.output().unwrap();
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        println!("skipped: no {what}: {}", text.trim().replace('\n', "; "));
    }
    output.status.success()
}

fn environment(command: &std::process::Command) -> Vec<(&OsStr, &OsStr)> {
    command.get_envs().map(|(name, value)| (name, value.unwrap())).collect()
}

/// Runs a case where sudo is replaced by another file, in a mount namespace of its own.
fn replaced(by: &str, case: &str, given: &[u8]) {
    let user = User::new(Some(PASSWORD), Some(ALL));
    let within = |program: &str| {
        let replace = "mount --bind \"$0\" /usr/bin/sudo && exec \"$@\"";
        let mut within = std::process::Command::new("/usr/bin/unshare");
        within.args(["--mount", "/bin/sh", "-c", replace, by, program]);
        within
    };
    if works(&mut within("/bin/true"), "mount namespace") {
        let (mut host, inner) = (within("/usr/bin/setpriv"), user.host(case, given));
        host.args(inner.get_args()).current_dir(user.home()).envs(environment(&inner));
        users::succeed(&mut host);
    }
}

#[test]
fn a_missing_sudo_is_told_apart() {
    if able() {
        replaced("/dev/null", "not found", PASSWORD);
    }
}

/// The file can be named by `PM_SUDO_RS`.
#[test]
fn sudo_rs_does_as_well() {
    let place = std::env::var("PM_SUDO_RS").unwrap_or_else(|_| "/usr/bin/sudo-rs".into());
    if !Path::new(&place).exists() {
        println!("skipped: no sudo-rs at {place}");
    } else if able() {
        for case in ["root", "echo", "statuses", "stop", "kill sudo", "direct"] {
            replaced(&place, case, PASSWORD);
        }
        replaced(&place, "rejected", b"wrong horse");
        replaced(&place, "direct rejected", b"wrong horse");
    }
}

#[test]
fn no_new_privileges_is_told_apart() {
    if able() {
        let user = User::new(Some(PASSWORD), Some(ALL));
        let host = user.host("no new privileges", PASSWORD);
        let mut confined = std::process::Command::new("/usr/bin/setpriv");
        confined.arg("--no-new-privs").args(host.get_args()).env("PM_CASE", "no new privileges");
        confined.env("PM_PASSWORD", "x").current_dir(host.get_current_dir().unwrap());
        users::succeed(&mut confined);
    }
}
