//! tokio's many children on a current-thread runtime: a task for each that is read.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc::{unbounded_channel, UnboundedSender};

use crate::work::{Fleet, Outcome};

/// Children with their pipes.
#[derive(Default)]
pub struct TokioFleet {
    running: Vec<Child>,
}

impl TokioFleet {
    /// Starts them; stderr is never merged here.
    pub fn open(&mut self, fleet: &Fleet) -> Outcome<()> {
        for _ in 0..fleet.count {
            let mut command = Command::new(&fleet.child.program);
            command.args(&fleet.child.args).stdin(Stdio::null());
            self.running.push(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?);
        }
        Ok(())
    }

    /// Reads until so many lines have come.
    pub async fn drain(&mut self, lines: u64) -> Outcome<()> {
        let (tell, mut told) = unbounded_channel();
        let each = lines / self.running.len() as u64;
        for running in &mut self.running {
            let stdout = running.stdout.take().ok_or("read twice")?;
            tokio::spawn(count(stdout, each, tell.clone()));
        }
        drop(tell);
        let mut found = 0;
        while let Some(counted) = told.recv().await {
            found += counted;
        }
        if found == lines {
            Ok(())
        } else {
            Err(format!("{found} lines of {lines}").into())
        }
    }

    /// Ends all with SIGTERM.
    pub async fn stop(&mut self) -> Outcome<()> {
        for running in &self.running {
            terminate(running)?;
        }
        for running in &mut self.running {
            let status = running.wait().await?;
            if status.signal() != Some(libc::SIGTERM) {
                return Err(status.to_string().into());
            }
        }
        self.running.clear();
        Ok(())
    }
}

/// Reads so many lines of one child; tells how many were right.
async fn count(stdout: ChildStdout, lines: u64, tell: UnboundedSender<u64>) {
    let (mut reader, mut line, mut right) = (BufReader::new(stdout), Vec::new(), 0);
    for _ in 0..lines {
        let read = reader.read_until(b'\n', &mut line).await;
        right += u64::from(read.is_ok() && line == b"tiny\n");
        line.clear();
    }
    let _ = tell.send(right);
}

#[allow(unsafe_code)]
fn terminate(running: &Child) -> Outcome<()> {
    let pid = i32::try_from(running.id().ok_or("reaped too early")?)?;
    // SAFETY: sends a signal to a child that was not reaped yet.
    if unsafe { libc::kill(pid, libc::SIGTERM) } != 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    Ok(())
}
