//! Exit, arguments, environment, working directory.

use super::bench::{shell, Bench};
use super::Case;
use crate::command::Command;
use crate::types::ExitStatus;

pub(super) const CASES: &[Case] = &[
    Case { name: "the exit code arrives", run: exit_code },
    Case { name: "death by a signal is not an exit code", run: signal_death },
    Case { name: "arguments keep every byte", run: arguments },
];

fn exit_code(bench: &Bench) {
    for code in [0, 1, 42, 127, 255] {
        let outcome = bench.run(&shell(&format!("exit {code}")));
        assert_eq!(outcome.exit, ExitStatus::Code(code));
    }
}

fn signal_death(bench: &Bench) {
    let outcome = bench.run(&shell("kill -9 $$"));
    assert_eq!(outcome.exit, ExitStatus::Signal { signal: 9, core_dumped: false });
}

fn arguments(bench: &Bench) {
    let every_byte: Vec<u8> = (1..=255).collect();
    let odd = std::os::unix::ffi::OsStringExt::from_vec(every_byte.clone());
    let odd: std::ffi::OsString = odd;
    let command = Command::new("/usr/bin/printf").arg("%s|").arg("").arg(odd).arg("last");
    let mut expected = b"|".to_vec();
    expected.extend(every_byte);
    expected.extend(b"|last|");
    assert_eq!(bench.run(&command).stdout, expected);
}
