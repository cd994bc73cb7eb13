//! The peer `duct`, which reads with a thread a stream.

use crate::work::{check_said, Contender, Outcome, SAY, TINY};

/// `duct`.
pub struct Duct;

impl Contender for Duct {
    fn about(&self, _work: &str) -> &'static str {
        "cmd!(..).stdin_null().stdout_capture().stderr_capture().run()"
    }

    fn start_and_reap(&mut self) -> Outcome<()> {
        let command = duct::cmd!(TINY, SAY).stdin_null().stdout_capture().stderr_capture();
        let output = command.run()?;
        check_said(output.status.success(), &output.stdout, &output.stderr)
    }
}
