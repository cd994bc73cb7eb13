//! The peer `async-process` (smol), driven by `futures_lite::future::block_on`.

use async_process::{Command, Stdio};

use crate::work::{check_said, Contender, Outcome, SAY, TINY};

/// `async-process`.
pub struct AsyncProcess;

impl Contender for AsyncProcess {
    fn about(&self, _work: &str) -> &'static str {
        "Command::output under futures_lite::future::block_on"
    }

    fn start_and_reap(&mut self) -> Outcome<()> {
        let output = Command::new(TINY).arg(SAY).stdin(Stdio::null()).output();
        let output = futures_lite::future::block_on(output)?;
        check_said(output.status.success(), &output.stdout, &output.stderr)
    }
}
