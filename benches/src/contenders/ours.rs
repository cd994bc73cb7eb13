//! This library, through its public blocking API: one manager for the whole run.
//!
//! As it comes, which holds each tree by the strongest means that the machine has, and with one
//! level demanded: the process group, which is what the peers have at most, or the guard process.

use std::collections::VecDeque;

use process_manager::{
    Command, Containment, OutputChunk, OutputSource, ProcessManager, ProcessRunner, RecordData,
    RunOptions, Stdout,
};

use super::ours_fleet::OursFleet;
use crate::work::{check_said, Child, Contender, Fleet, Outcome, Tally, SAY};

/// `process_manager`.
pub struct Ours {
    manager: ProcessManager,
    level: Option<Containment>,
    say: Command,
    fleet: OursFleet,
}

impl Ours {
    /// At a level, or `None` for as it comes.
    pub fn new(level: Option<Containment>) -> Self {
        let (manager, fleet) = (ProcessManager::default(), OursFleet::default());
        let say = at_level(level, &Child::tiny(&[SAY]));
        Self { manager, level, say, fleet }
    }

    fn start(&self, child: &Child) -> Outcome<ProcessRunner> {
        Ok(self.manager.start(at_level(self.level, child))?)
    }
}

fn at_level(level: Option<Containment>, child: &Child) -> Command {
    let command = Command::new(&child.program).args(&child.args);
    match level {
        Some(level) => command.containment(level),
        None => command,
    }
}

fn finish(runner: &ProcessRunner) -> Outcome<()> {
    let exit = runner.wait_blocking(None)?;
    if !exit.success() {
        return Err(exit.to_string().into());
    }
    Ok(())
}

fn finish_said(runner: &ProcessRunner) -> Outcome<()> {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut reader = runner.output();
    while let Some(chunks) = reader.next_chunks_blocking(None)? {
        for chunk in chunks.iter() {
            match chunk {
                OutputChunk::Data(bytes) if bytes.source() == OutputSource::Stdout => {
                    stdout.extend_from_slice(bytes);
                }
                OutputChunk::Data(bytes) => stderr.extend_from_slice(bytes),
                OutputChunk::Gap { bytes, .. } => return Err(format!("lost {bytes}").into()),
            }
        }
    }
    check_said(runner.wait_blocking(None)?.success(), &stdout, &stderr)
}

impl Contender for Ours {
    fn about(&self, work: &str) -> &'static str {
        match work {
            "flight" => {
                "manager.start; when 64 are running, the oldest's chunks are read, then wait"
            }
            "bytes" => "manager.start, next_chunks_blocking to the end, wait_blocking",
            "lines" | "latency" => "manager.start, next_batch_blocking, records() of each batch",
            "idle" => "manager.start for each, handles dropped, then stop_all_blocking",
            "chatty" => {
                "manager.poll_ready on the calling thread, poll_batch of the readers it names"
            }
            _ => "manager.run",
        }
    }

    fn start_and_reap(&mut self) -> Outcome<()> {
        let output = self.manager.run(self.say.clone(), RunOptions::default())?;
        check_said(output.success(), &output.stdout, &output.stderr)
    }

    fn in_flight(&mut self, count: usize, width: usize) -> Outcome<()> {
        let mut running = VecDeque::with_capacity(width);
        for _ in 0..count {
            if running.len() == width {
                running.pop_front().map_or(Ok(()), |oldest| finish_said(&oldest))?;
            }
            running.push_back(self.manager.start(self.say.clone())?);
        }
        running.iter().try_for_each(finish_said)
    }

    fn bytes(&mut self, child: &Child) -> Outcome<Tally> {
        let runner = self.start(child)?;
        let (mut reader, mut tally) = (runner.output(), Tally::default());
        while let Some(chunks) = reader.next_chunks_blocking(None)? {
            for chunk in chunks.iter() {
                match chunk {
                    OutputChunk::Data(bytes) => tally.bytes(bytes),
                    OutputChunk::Gap { bytes, .. } => return Err(format!("lost {bytes}").into()),
                }
            }
        }
        finish(&runner).map(|()| tally)
    }

    fn each_line(&mut self, child: &Child, seen: &mut dyn FnMut(&[u8])) -> Outcome<()> {
        let runner = self.start(child)?;
        let mut reader = runner.output();
        while let Some(batch) = reader.next_batch_blocking(None)? {
            for record in batch.records() {
                match record.data {
                    RecordData::Line { bytes, .. } => seen(bytes),
                    RecordData::Gap { bytes, .. } => return Err(format!("lost {bytes}").into()),
                }
            }
        }
        finish(&runner)
    }

    fn open_fleet(&mut self, fleet: &Fleet) -> Outcome<()> {
        let mut command = at_level(self.level, &fleet.child);
        if fleet.is_merged {
            command = command.stderr(Stdout::Merge);
        }
        self.fleet.open(&self.manager, &command, fleet.count)
    }

    fn drain_fleet(&mut self, lines: u64) -> Outcome<()> {
        self.fleet.drain(&self.manager, lines)
    }

    fn stop_fleet(&mut self) -> Outcome<()> {
        self.fleet.stop(&self.manager)
    }
}
