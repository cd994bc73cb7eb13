//! Exit, arguments, environment, working directory.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::bench::{shell, Bench};
use super::{case, Case, CloneMode};
use crate::command::Command;
use crate::types::ExitStatus;

pub(super) const CASES: &[Case] = &[
    case("the exit code arrives", exit_code),
    case("death by a signal is not an exit code", signal_death),
    case("arguments keep every byte", arguments),
    case("long lists of arguments arrive whole", many_arguments),
    case("argv[0] is the program as given, or as chosen", own_name),
    case("the environment is inherited", inherited_environment),
    case("variables are set, replaced and removed", changed_environment),
    case("a cleared environment holds what was set and nothing else", cleared_environment),
    case("variables keep every byte", odd_variables),
    case("the working directory is entered", working_directory),
    case("a child that shares memory is known by what it writes", shared_memory),
];

fn exit_code(bench: &Bench) {
    for code in [0, 1, 42, 127, 255] {
        let outcome = bench.run(&shell(&format!("exit {code}")));
        assert_eq!(outcome.exit, ExitStatus::Code(code));
    }
}

fn signal_death(bench: &Bench) {
    for signal in [9, 15] {
        let outcome = bench.run(&shell(&format!("kill -{signal} $$")));
        assert_eq!(outcome.exit, ExitStatus::Signal { signal, core_dumped: false });
    }
}

fn shared_memory(bench: &Bench) {
    assert_eq!(bench.shares_memory(&shell("true")), bench.mode != CloneMode::Fork);
}

/// Every byte that an argument can hold.
fn every_byte() -> Vec<u8> {
    (1..=255).collect()
}

fn arguments(bench: &Bench) {
    let odd = OsString::from_vec(every_byte());
    let command = Command::new("/usr/bin/printf").arg("%s|").arg("").arg(odd).arg("last");
    let expected = [b"|".as_slice(), &every_byte(), b"|last|"].concat();
    assert_eq!(bench.run(&command).stdout, expected);
}

fn many_arguments(bench: &Bench) {
    let args = (0..5000).map(|number| number.to_string());
    let command = Command::new("/bin/sh").args(["-c", "echo $#; echo ${5000}", "sh"]).args(args);
    assert_eq!(bench.run(&command).text(), "5000\n4999");
}

fn own_name(bench: &Bench) {
    let command = || Command::new("sh").args(["-c", "tr '\\0' '|' < /proc/$$/cmdline; true"]);
    assert!(bench.run(&command()).text().starts_with("sh|-c|"));
    assert!(bench.run(&command().arg0("other")).text().starts_with("other|-c|"));
    assert!(bench.run(&command().arg0("")).text().starts_with("|-c|"));
}

fn inherited_environment(bench: &Bench) {
    let host = std::env::vars_os().map(|(name, value)| [name, value].join("=".as_ref()));
    let output = bench.run(&Command::new("/usr/bin/env").arg("-0")).stdout;
    let variables = output.split(|byte| *byte == 0).filter(|variable| !variable.is_empty());
    let child = variables.map(|variable| OsString::from_vec(variable.to_vec()));
    assert_eq!(comparable(child), comparable(host));
}

/// Sorted, without the variable that valgrind removes itself from.
fn comparable(variables: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let is_preload = |variable: &OsString| variable.to_string_lossy().starts_with("LD_PRELOAD=");
    let mut all: Vec<_> = variables.filter(|variable| !is_preload(variable)).collect();
    all.sort();
    all
}

fn changed_environment(bench: &Bench) {
    let home = std::env::var_os("PATH");
    assert!(home.is_some(), "the test needs PATH");
    let script = "echo \"$PM_SET|${PM_EMPTY-unset}|${PATH-unset}\"";
    let command = shell(script).env("PM_SET", "value").env("PM_EMPTY", "").env("PATH", "/replaced");
    assert_eq!(bench.run(&command).text(), "value||/replaced");
    let command = Command::new("/usr/bin/env").env_remove("PATH");
    assert!(!bench.run(&command).text().lines().any(|line| line.starts_with("PATH=")));
}

fn cleared_environment(bench: &Bench) {
    let command = Command::new("/usr/bin/env").env_clear();
    assert_eq!(bench.run(&command).text(), "");
    let command = command.env("ONLY", "this");
    assert_eq!(bench.run(&command).text(), "ONLY=this");
}

fn odd_variables(bench: &Bench) {
    let odd = OsString::from_vec(every_byte());
    let command = Command::new("/usr/bin/env").arg("-0").env_clear().env("ODD", odd);
    let expected = [b"ODD=".as_slice(), &every_byte(), b"\0"].concat();
    assert_eq!(bench.run(&command).stdout, expected);
}

fn working_directory(bench: &Bench) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap();
    let outcome = bench.run(&Command::new("/bin/pwd").arg("-P").current_dir(&path));
    assert_eq!(outcome.text(), path.to_str().unwrap());
}
