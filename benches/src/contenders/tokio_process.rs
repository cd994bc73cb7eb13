//! The peer most used from async Rust: `tokio::process` on a current-thread runtime.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{ChildStdout, Command};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::tokio_fleet::TokioFleet;
use crate::work::{check_said, Child, Contender, Fleet, Outcome, Tally, SAY, TINY};

/// `tokio::process`.
pub struct TokioProcess {
    runtime: Runtime,
    fleet: TokioFleet,
    is_bytes: bool,
}

impl TokioProcess {
    /// Builds its runtime; lines are taken as bytes, or as tokio offers them first: as Strings.
    pub fn new(is_bytes: bool) -> Outcome<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, fleet: TokioFleet::default(), is_bytes })
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

type Reader = BufReader<ChildStdout>;

async fn each_as_string(reader: Reader, seen: &mut dyn FnMut(&[u8])) -> Outcome<()> {
    let mut lines = reader.lines();
    while let Some(line) = lines.next_line().await? {
        seen(line.as_bytes());
    }
    Ok(())
}

async fn each_as_bytes(mut reader: Reader, seen: &mut dyn FnMut(&[u8])) -> Outcome<()> {
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).await? > 0 {
        seen(line.strip_suffix(b"\n").unwrap_or(&line));
        line.clear();
    }
    Ok(())
}

async fn say() -> Outcome<()> {
    let output = Command::new(TINY).arg(SAY).stdin(Stdio::null()).output().await?;
    check_said(output.status.success(), &output.stdout, &output.stderr)
}

impl Contender for TokioProcess {
    fn about(&self, work: &str) -> &'static str {
        match work {
            "lines" if self.is_bytes => {
                "current-thread runtime, BufReader of 64 KiB, read_until(b'\\n') into one Vec"
            }
            "lines" | "latency" => {
                "current-thread runtime, BufReader of 64 KiB, lines().next_line, which checks that \
                 the line is UTF-8 and makes a new String of it; the others hand out bytes"
            }
            "bytes" => "current-thread runtime, ChildStdout::read of 64 KiB at a time",
            "flight" => "current-thread runtime, a JoinSet of 64 tasks in Command::output",
            "idle" => {
                "current-thread runtime, Child kept with its pipes; SIGTERM to all, then wait"
            }
            "chatty" => "current-thread runtime, a task a child with BufReader::read_until",
            _ => "current-thread runtime, Command::output",
        }
    }

    fn start_and_reap(&mut self) -> Outcome<()> {
        self.runtime.block_on(say())
    }

    fn in_flight(&mut self, count: usize, width: usize) -> Outcome<()> {
        self.runtime.block_on(async {
            let mut running = JoinSet::new();
            for _ in 0..count {
                if running.len() == width {
                    running.join_next().await.transpose()?.transpose()?;
                }
                running.spawn(async { say().await.map_err(|why| why.to_string()) });
            }
            running.join_all().await.into_iter().collect::<Result<(), String>>()?;
            Ok(())
        })
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

    fn each_line(&mut self, child: &Child, seen: &mut dyn FnMut(&[u8])) -> Outcome<()> {
        self.with_stdout(child, async |stdout| {
            let reader = BufReader::with_capacity(64 << 10, stdout);
            match self.is_bytes {
                true => each_as_bytes(reader, seen).await,
                false => each_as_string(reader, seen).await,
            }
        })
    }

    fn open_fleet(&mut self, fleet: &Fleet) -> Outcome<()> {
        self.runtime.block_on(async { self.fleet.open(fleet) })
    }

    fn drain_fleet(&mut self, lines: u64) -> Outcome<()> {
        self.runtime.block_on(self.fleet.drain(lines))
    }

    fn stop_fleet(&mut self) -> Outcome<()> {
        self.runtime.block_on(self.fleet.stop())
    }
}
