//! The peer from the standard library: `std::process`, blocking.

use std::io::{BufRead, BufReader, Read};
use std::process::{ChildStdout, Command, Stdio};

use crate::work::{check_said, Child, Contender, Outcome, Tally, SAY, TINY};

/// `std::process`.
pub struct StdProcess;

fn with_stdout<T>(child: &Child, read: impl FnOnce(ChildStdout) -> Outcome<T>) -> Outcome<T> {
    let mut command = Command::new(&child.program);
    command.args(&child.args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn()?;
    let result = read(running.stdout.take().ok_or("std: no stdout")?)?;
    let output = running.wait_with_output()?;
    if !output.status.success() || !output.stderr.is_empty() {
        return Err(format!("std: {}", output.status).into());
    }
    Ok(result)
}

impl Contender for StdProcess {
    fn about(&self, work: &str) -> &'static str {
        match work {
            "lines" | "latency" => {
                "BufReader of 64 KiB over the child's stdout, read_until(b'\\n')"
            }
            "bytes" => "ChildStdout::read of 64 KiB at a time, then wait_with_output",
            _ => "Command::output",
        }
    }

    fn start_and_reap(&mut self) -> Outcome<()> {
        let output = Command::new(TINY).arg(SAY).stdin(Stdio::null()).output()?;
        check_said(output.status.success(), &output.stdout, &output.stderr)
    }

    fn bytes(&mut self, child: &Child) -> Outcome<Tally> {
        with_stdout(child, |mut stdout| {
            let (mut tally, mut buffer) = (Tally::default(), vec![0; 64 << 10]);
            loop {
                match stdout.read(&mut buffer)? {
                    0 => return Ok(tally),
                    count => tally.bytes(&buffer[..count]),
                }
            }
        })
    }

    fn each_line(&mut self, child: &Child, seen: &mut dyn FnMut(&[u8])) -> Outcome<()> {
        with_stdout(child, |stdout| {
            let (mut reader, mut line) = (BufReader::with_capacity(64 << 10, stdout), Vec::new());
            while reader.read_until(b'\n', &mut line)? > 0 {
                seen(line.strip_suffix(b"\n").unwrap_or(&line));
                line.clear();
            }
            Ok(())
        })
    }
}
