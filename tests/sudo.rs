//! Starting through the real sudo, as throw-away users.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "sudo/awaited.rs"]
mod awaited;
#[path = "sudo/host.rs"]
mod cases;
#[path = "sudo/holders.rs"]
mod holders;
#[path = "sudo/impostor.rs"]
mod impostor;
#[path = "sudo/killed.rs"]
mod killed;
#[path = "sudo/secrets.rs"]
mod secrets;
#[path = "sudo/surroundings.rs"]
mod surroundings;
#[path = "sudo/users.rs"]
mod users;

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use users::User;

const ALL: &str = "USER ALL=(ALL:ALL) ALL";
const FREE: &str = "USER ALL=(ALL:ALL) NOPASSWD: ALL";
const PASSWORD: &[u8] = b"correct horse";

/// The role of the host process; nothing in the test run itself.
#[test]
fn host() {
    if let Ok(case) = std::env::var("PM_CASE") {
        match case.as_str() {
            "impostor" => impostor::play(),
            case if holders::play(case) || awaited::play(case) => {}
            case => cases::play(case),
        }
    }
}

fn able() -> bool {
    if let Some(why) = users::missing() {
        println!("skipped: {why}");
    }
    users::missing().is_none()
}

/// A bound for what happens soon on a healthy machine; never a measure.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits, by looking again, for what nobody tells.
fn eventually<T: std::fmt::Debug>(look: impl Fn() -> T, is_right: impl Fn(&T) -> bool) {
    let until = Instant::now() + PATIENCE;
    loop {
        let seen = look();
        if is_right(&seen) {
            return;
        }
        assert!(Instant::now() < until, "still {seen:?}");
        std::thread::yield_now();
    }
}

/// A host that has come to where its case waits to be killed.
fn lingering(host: &mut std::process::Command) -> Child {
    let mut host = host.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(host.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "lingering"));
    host
}

fn check(password: Option<&[u8]>, rule: Option<&str>, case: &str, given: &[u8]) {
    if able() {
        User::new(password, rule).run(case, given);
    }
}

#[test]
fn the_right_password_makes_it_root() {
    check(Some(PASSWORD), Some(ALL), "root", PASSWORD);
}

#[test]
fn the_published_calls_start_as_root() {
    check(Some(PASSWORD), Some(ALL), "published", PASSWORD);
}

#[test]
fn without_a_question_nothing_is_written() {
    check(Some(PASSWORD), Some(FREE), "echo", PASSWORD);
}

#[test]
fn an_answered_question_leaves_no_trace_in_the_input() {
    check(Some(PASSWORD), Some(ALL), "echo", PASSWORD);
}

#[test]
fn a_cached_ticket_changes_nothing() {
    let rule = "Defaults:USER timestamp_type=global\nUSER ALL=(ALL:ALL) ALL";
    if able() {
        let user = User::new(Some(PASSWORD), Some(rule));
        let ask = "printf '%s\\n' \"$PM_PASSWORD\" | sudo -S -p '' true";
        let mut prime = std::process::Command::new("/usr/bin/setpriv");
        prime.args(["--reuid", &user.name, "--regid", "65534", "--clear-groups", "--"]);
        prime.args(["/bin/sh", "-c", ask]).env("PM_PASSWORD", "correct horse");
        assert!(prime.status().unwrap().success());
        user.run("echo", PASSWORD);
    }
}

#[test]
fn an_empty_password_works_where_the_user_has_none() {
    check(Some(b""), Some(ALL), "echo", b"");
}

#[test]
fn an_empty_password_works_where_none_is_asked() {
    check(Some(PASSWORD), Some(FREE), "echo", b"");
}

#[test]
fn a_wrong_password_is_rejected() {
    check(Some(PASSWORD), Some(ALL), "rejected", b"wrong horse");
}

fn attempts(defaults: &str, rule: &str, case: &str, given: &[u8]) -> usize {
    let defaults = format!("Defaults:USER pam_service=USER{defaults}");
    let mut user = User::new(Some(PASSWORD), Some(&format!("{defaults}\n{rule}")));
    user.count_attempts();
    user.run(case, given);
    user.attempts()
}

#[test]
fn a_wrong_password_is_tried_exactly_once() {
    if able() {
        assert_eq!(attempts("", ALL, "rejected", b"wrong horse"), 1);
        assert_eq!(attempts("", ALL, "direct rejected", b"wrong horse"), 1);
        assert_eq!(attempts("", ALL, "rejected", &[b'x'; 511]), 1);
        assert_eq!(attempts("", ALL, "root", PASSWORD), 0);
    }
}

#[test]
fn a_wrong_password_is_no_refusal_where_one_attempt_is_allowed() {
    if able() {
        let one = ", passwd_tries=1";
        let date_only = "USER ALL=(ALL:ALL) /bin/date";
        assert_eq!(attempts(one, ALL, "rejected", b"wrong horse"), 1);
        assert_eq!(attempts(one, ALL, "direct rejected", b"wrong horse"), 1);
        assert_eq!(attempts(one, date_only, "refused", PASSWORD), 0);
        assert_eq!(attempts(one, date_only, "direct refused", PASSWORD), 0);
    }
}

#[test]
fn a_locked_user_is_rejected() {
    check(None, Some(ALL), "rejected", PASSWORD);
}

#[test]
fn who_is_not_in_sudoers_is_refused() {
    check(Some(PASSWORD), None, "refused", PASSWORD);
}

#[test]
fn a_command_that_is_not_allowed_is_refused() {
    check(Some(PASSWORD), Some("USER ALL=(ALL:ALL) /bin/true"), "refused", PASSWORD);
}

#[test]
fn a_required_terminal_is_not_permitted() {
    let rule = "Defaults:USER requiretty\nUSER ALL=(ALL:ALL) ALL";
    check(Some(PASSWORD), Some(rule), "not permitted", PASSWORD);
}

#[test]
fn insults_and_lectures_are_not_read() {
    let rule = "Defaults:USER insults, lecture=always\nUSER ALL=(ALL:ALL) ALL";
    check(Some(PASSWORD), Some(rule), "rejected", b"wrong");
    check(Some(PASSWORD), Some(rule), "root", PASSWORD);
}

#[test]
fn logged_input_and_output_change_nothing() {
    let log = "Defaults:USER log_input, log_output, iolog_dir=/tmp/USER.iolog";
    for rule in [ALL, FREE] {
        if able() {
            let user = User::new(Some(PASSWORD), Some(&format!("{log}\n{rule}")));
            let logs = std::path::PathBuf::from(format!("/tmp/{}.iolog", user.name));
            for case in ["echo", "statuses", "stop", "parallel"] {
                user.run(case, PASSWORD);
            }
            let found = find(&logs, PASSWORD);
            let is_logged = logs.exists();
            std::fs::remove_dir_all(&logs).unwrap();
            assert!(is_logged && found.is_empty(), "the password is in {found:?}");
        }
    }
}

/// The files below a directory that hold these bytes.
fn find(directory: &std::path::Path, bytes: &[u8]) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let holds = |path: &std::path::Path| {
        let content = std::fs::read(path).unwrap();
        memchr::memmem::find(&content, bytes).is_some()
    };
    let found = entries.map(|path| match path.is_dir() {
        true => find(&path, bytes),
        false => vec![path].into_iter().filter(|path| holds(path)).collect(),
    });
    found.flatten().collect()
}

#[test]
fn texts_in_any_language_are_not_read() {
    let texts =
        "Defaults:USER badpass_message=\"Leider falsch.\", authfail_message=\"%d falsch\", \
                 passprompt=\"Passwort: \", passprompt_override";
    if able() {
        let user = User::new(Some(PASSWORD), Some(&format!("{texts}\n{ALL}")));
        for (case, given) in [("rejected", &b"wrong"[..]), ("root", PASSWORD)] {
            let mut host = user.host(case, given);
            host.env("LC_ALL", "de_DE.UTF-8").env("LANGUAGE", "de").env("SUDO_PROMPT", "pm: ");
            users::succeed(&mut host);
        }
    }
}

#[test]
fn special_characters_are_passed_as_they_are() {
    check(Some(b" %u\\'\"$x\t;|  "), Some(ALL), "root", b" %u\\'\"$x\t;|  ");
}

#[test]
fn bytes_that_are_not_utf8_are_passed_as_they_are() {
    check(Some(b"a\xff\xfeb"), Some(ALL), "root", b"a\xff\xfeb");
}

#[test]
fn a_password_of_511_bytes_is_one_attempt() {
    check(Some(PASSWORD), Some(ALL), "rejected", &[b'x'; 511]);
}

#[test]
fn a_right_password_of_511_bytes_is_taken() {
    check(Some(&[b'x'; 511]), Some(ALL), "root", &[b'x'; 511]);
}

#[test]
fn an_unusable_password_is_refused_before_sudo_starts() {
    check(Some(PASSWORD), None, "unusable", PASSWORD);
}

#[test]
fn a_prompt_without_a_password_is_an_error() {
    check(Some(PASSWORD), Some(ALL), "no password", PASSWORD);
}

#[test]
fn a_cancelled_prompt_leaves_no_sudo() {
    check(Some(PASSWORD), Some(ALL), "cancel", PASSWORD);
}

#[test]
fn the_time_of_a_person_does_not_count() {
    check(Some(PASSWORD), Some(ALL), "slow typist", PASSWORD);
}

#[test]
fn a_start_can_be_given_up_during_the_delay_after_a_wrong_password() {
    if able() {
        // None where a busy machine needs longer to come there than the start may take.
        assert!(attempts("", ALL, "cancel in the delay", b"wrong horse") <= 1);
    }
}

#[test]
fn exit_code_and_signal_are_exact() {
    check(Some(PASSWORD), Some(FREE), "statuses", b"");
}

#[test]
fn what_cannot_be_started_is_explained() {
    check(Some(PASSWORD), Some(FREE), "not started", b"");
}

#[test]
fn directory_environment_limits_and_descriptors_go_over() {
    check(Some(PASSWORD), Some(FREE), "place", b"");
}

#[test]
fn only_preserved_variables_of_the_host_go_over() {
    check(Some(PASSWORD), Some(FREE), "environment", b"");
}

#[test]
fn another_user_can_be_the_target() {
    check(Some(PASSWORD), Some(ALL), "nobody", PASSWORD);
}

#[test]
fn a_group_can_be_the_target() {
    if able() {
        let target = User::new(None, None);
        let user = User::new(Some(PASSWORD), Some(ALL));
        let mut host = user.host("target", PASSWORD);
        users::succeed(host.env("PM_TARGET", &target.name));
    }
}

#[test]
fn a_stop_ends_the_whole_tree_of_root() {
    check(Some(PASSWORD), Some(ALL), "stop", PASSWORD);
}

#[test]
fn a_killed_sudo_does_not_lose_the_tree() {
    check(Some(PASSWORD), Some(ALL), "kill sudo", PASSWORD);
}

#[test]
fn a_command_that_fakes_the_prompt_gets_no_password() {
    check(Some(PASSWORD), Some(ALL), "spoof", PASSWORD);
}

#[test]
fn ten_starts_at_once_work() {
    check(Some(PASSWORD), Some(ALL), "parallel", PASSWORD);
}

#[test]
fn no_descriptor_stays_after_the_end() {
    check(Some(PASSWORD), Some(FREE), "kept", b"");
}

#[test]
fn an_expired_password_ends_at_the_timeout() {
    if able() {
        let user = User::new(Some(PASSWORD), Some(ALL));
        user.expire();
        user.run("timed out", PASSWORD);
    }
}

#[test]
fn an_expired_account_is_refused() {
    if able() {
        let user = User::new(Some(PASSWORD), Some(ALL));
        user.expire_account();
        user.run("refused", PASSWORD);
    }
}

const NAMED: &str = "USER ALL=(ALL:ALL) SETENV: /usr/bin/id, /bin/cat, /bin/sh";

#[test]
fn direct_mode_starts_named_commands() {
    check(Some(PASSWORD), Some(NAMED), "refused", PASSWORD);
    check(Some(PASSWORD), Some(NAMED), "direct", PASSWORD);
    check(Some(PASSWORD), Some(&NAMED.replace("SETENV", "NOPASSWD:SETENV")), "direct", b"");
}

#[test]
fn direct_mode_tells_errors_apart() {
    check(Some(PASSWORD), Some(NAMED), "direct rejected", b"wrong horse");
    check(Some(PASSWORD), Some(NAMED), "direct refused", PASSWORD);
    check(Some(PASSWORD), Some(NAMED), "direct errors", PASSWORD);
}

#[test]
fn direct_mode_names_what_it_cannot_end() {
    check(Some(PASSWORD), Some(NAMED), "direct survivors", PASSWORD);
}
