//! The peer most used from async Rust: `tokio::process` on a current-thread runtime.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{ChildStdout, Command};
use tokio::runtime::Runtime;

use crate::work::{Child, Contender, Outcome, Tally, TINY};

/// `tokio::process`.
pub struct TokioProcess {
    runtime: Runtime,
}

impl TokioProcess {
    /// Builds its runtime.
    pub fn new() -> Outcome<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime })
    }

    fn with_stdout<T>(
        &self,
        child: &Child,
        read: impl AsyncFnOnce(ChildStdout) -> Outcome<T>,
    ) -> Outcome<T> {
        self.runtime.block_on(async {
            let mut command = Command::new(&child.program);
            command.args(&child.args).stdin(Stdio::null());
            let mut running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
            let result = read(running.stdout.take().ok_or("tokio: no stdout")?).await?;
            let output = running.wait_with_output().await?;
            if !output.status.success() || !output.stderr.is_empty() {
                return Err(format!("tokio: {}", output.status).into());
            }
            Ok(result)
        })
    }
}

impl Contender for TokioProcess {
    fn name(&self) -> &'static str {
        "tokio::process"
    }

    fn start_and_reap(&mut self) -> Outcome<()> {
        let start = async { Command::new(TINY).stdin(Stdio::null()).output().await };
        let output = self.runtime.block_on(start)?;
        if !output.status.success() {
            return Err(format!("tokio: {}", output.status).into());
        }
        Ok(())
    }

    fn bytes(&mut self, child: &Child) -> Outcome<Tally> {
        self.with_stdout(child, async |mut stdout| {
            let (mut tally, mut buffer) = (Tally::default(), vec![0; 64 << 10]);
            loop {
                match stdout.read(&mut buffer).await? {
                    0 => return Ok(tally),
                    count => tally.bytes(&buffer[..count]),
                }
            }
        })
    }

    fn lines(&mut self, child: &Child) -> Outcome<Tally> {
        let mut tally = Tally::default();
        self.each_line(child, &mut |line| tally.line(line))?;
        Ok(tally)
    }

    fn each_line(&mut self, child: &Child, seen: &mut dyn FnMut(&[u8])) -> Outcome<()> {
        self.with_stdout(child, async |stdout| {
            let mut lines = BufReader::with_capacity(64 << 10, stdout).lines();
            while let Some(line) = lines.next_line().await? {
                seen(line.as_bytes());
            }
            Ok(())
        })
    }
}
