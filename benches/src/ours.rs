//! This library, through its public blocking API: one manager for the whole run.
//!
//! Twice: as it comes, which holds each tree by the strongest means that the machine has, and with
//! the process group alone, which is what the peers have at most.

use process_manager::{
    Command, Containment, OutputChunk, ProcessManager, ProcessRunner, RecordData, RunOptions,
};

use crate::work::{Child, Contender, Outcome, Tally, TINY};

/// The row of this library as it comes.
pub const OURS: &str = "process_manager";

/// `process_manager`.
pub struct Ours {
    manager: ProcessManager,
    level: Option<Containment>,
}

impl Ours {
    /// As it comes.
    pub fn strongest() -> Self {
        Self { manager: ProcessManager::default(), level: None }
    }

    /// With process groups alone.
    pub fn group() -> Self {
        Self { manager: ProcessManager::default(), level: Some(Containment::Group) }
    }

    fn at_level(&self, command: Command) -> Command {
        match self.level {
            Some(level) => command.containment(level),
            None => command,
        }
    }

    fn start(&self, child: &Child) -> Outcome<ProcessRunner> {
        let command = self.at_level(Command::new(&child.program).args(&child.args));
        Ok(self.manager.start(command)?)
    }
}

fn finish(runner: &ProcessRunner) -> Outcome<()> {
    let exit = runner.wait_blocking(None)?;
    if !exit.success() {
        return Err(format!("process_manager: {exit}").into());
    }
    Ok(())
}

impl Contender for Ours {
    fn name(&self) -> &'static str {
        match self.level {
            None => OURS,
            Some(_) => "process_manager, group",
        }
    }

    fn start_and_reap(&mut self) -> Outcome<()> {
        let output = self.manager.run(self.at_level(Command::new(TINY)), RunOptions::default())?;
        if !output.success() {
            return Err(format!("process_manager: {:?}", output.info.exit).into());
        }
        Ok(())
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

    fn lines(&mut self, child: &Child) -> Outcome<Tally> {
        let mut tally = Tally::default();
        self.each_line(child, &mut |line| tally.line(line))?;
        Ok(tally)
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
}
