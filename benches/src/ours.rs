//! This library, through its public blocking API: one manager for the whole run.

use process_manager::{
    Command, OutputChunk, ProcessManager, ProcessRunner, RecordData, RunOptions,
};

use crate::work::{Child, Contender, Outcome, Tally, TINY};

/// `process_manager`.
#[derive(Default)]
pub struct Ours {
    manager: ProcessManager,
}

impl Ours {
    fn start(&self, child: &Child) -> Outcome<ProcessRunner> {
        Ok(self.manager.start(Command::new(&child.program).args(&child.args))?)
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
        "process_manager"
    }

    fn start_and_reap(&mut self) -> Outcome<()> {
        let output = self.manager.run(Command::new(TINY), RunOptions::default())?;
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
