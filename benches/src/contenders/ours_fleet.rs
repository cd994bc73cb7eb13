//! This library's many children: a manager, and readers polled from the calling thread.

use std::task::{Context, Waker};
use std::time::Duration;

use process_manager::{Command, OutputReader, ProcessManager, ReadyList, RecordData};
use uuid::Uuid;

use crate::work::Outcome;

const BATCH: usize = 256 << 10;

/// The ids of the children; the manager holds the rest.
#[derive(Default)]
pub struct OursFleet {
    ids: Vec<Uuid>,
}

struct Source {
    reader: OutputReader,
    waker: Waker,
}

impl OursFleet {
    /// Starts so many.
    pub fn open(
        &mut self,
        manager: &ProcessManager,
        command: &Command,
        count: usize,
    ) -> Outcome<()> {
        for _ in 0..count {
            self.ids.push(manager.start(command.clone())?.id());
        }
        Ok(())
    }

    /// Reads until so many lines have come.
    pub fn drain(&mut self, manager: &ProcessManager, lines: u64) -> Outcome<()> {
        let ready = manager.ready()?;
        let mut sources = self.sources(manager, &ready);
        let mut found = 0;
        for source in &mut sources {
            found += source.read()?;
        }
        while found < lines {
            let tokens = manager.poll_ready(Some(Duration::from_secs(10)))?;
            if tokens.is_empty() {
                return Err(format!("{found} lines of {lines}, then nothing").into());
            }
            for token in tokens {
                found += sources[usize::try_from(token)?].read()?;
            }
        }
        if found == lines {
            Ok(())
        } else {
            Err(format!("{found} lines of {lines}").into())
        }
    }

    fn sources(&self, manager: &ProcessManager, ready: &ReadyList) -> Vec<Source> {
        let runners = self.ids.iter().filter_map(|id| manager.runner(*id)).enumerate();
        let source = |token| ready.waker(token as u64);
        runners
            .map(|(token, runner)| Source { reader: runner.output(), waker: source(token) })
            .collect()
    }

    /// Ends all, trees included. The handles tell how each has ended: of ended ones the manager
    /// keeps some only.
    pub fn stop(&mut self, manager: &ProcessManager) -> Outcome<()> {
        let runner = |id| manager.runner(id).ok_or("one is gone");
        let runners = self.ids.drain(..).map(runner).collect::<Result<Vec<_>, _>>()?;
        manager.stop_all_blocking(None)?;
        for runner in &runners {
            let exit = runner.wait_blocking(Some(Duration::ZERO))?;
            if exit.signal() != Some(libc::SIGTERM) {
                return Err(exit.to_string().into());
            }
        }
        match (runners.len(), manager.get_running_count()) {
            (0, _) => Err("no fleet".into()),
            (_, 0) => Ok(()),
            (_, left) => Err(format!("{left} still run").into()),
        }
    }
}

impl Source {
    /// Takes what is there, and asks to be woken for more.
    fn read(&mut self) -> Outcome<u64> {
        let mut lines = 0;
        let mut cx = Context::from_waker(&self.waker);
        while let std::task::Poll::Ready(batch) = self.reader.poll_batch(&mut cx, BATCH) {
            for record in batch.ok_or("an end, too early")?.records() {
                match record.data {
                    RecordData::Line { bytes: b"tiny", .. } => lines += 1,
                    other => return Err(format!("{other:?}").into()),
                }
            }
        }
        Ok(lines)
    }
}
