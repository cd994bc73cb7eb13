//! Starts with idle time between them: what the kernel does lazily (control groups, CPU states)
//! shows only then. The pauses are the subject here, not a means to wait for something.

use std::time::Duration;

use super::bench::{shell, Bench};
use super::{case, Case};
use crate::types::ExitStatus;

pub(super) const CASES: &[Case] = &[case("starts spaced in time", spaced)];

fn spaced(bench: &Bench) {
    for code in 0..4 {
        std::thread::sleep(Duration::from_millis(60));
        assert_eq!(bench.run(&shell(&format!("exit {code}"))).exit, ExitStatus::Code(code));
        assert_eq!(bench.refusal(&crate::Command::new("/nowhere")).errno, libc::ENOENT);
    }
}
