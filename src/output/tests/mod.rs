//! The rules of the output log and its readers. Time is passed in, nothing sleeps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod any_chunking;
mod lines;
mod policy;
mod raw;
mod threads;
mod wakers;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use super::*;
use crate::command::{OutputOptions, OutputPolicy};
use crate::reactor::{Hold, Reactor};

pub(super) use OutputSource::{Stderr, Stdout};

/// A log, its clock and the wakers it handed out.
struct Fixture {
    log: Arc<OutputLog>,
    reactor: Arc<Reactor>,
    now: Instant,
    resumed: Arc<AtomicUsize>,
}

fn options(policy: OutputPolicy, limit: usize) -> OutputOptions {
    OutputOptions { policy, limit, ..OutputOptions::default() }
}

impl Fixture {
    fn new(policy: OutputPolicy, limit: usize) -> Self {
        Self::with(options(policy, limit))
    }

    fn with(options: OutputOptions) -> Self {
        let now = Instant::now();
        let log = OutputLog::started_at(now, options, true, true);
        let resumed = Arc::new(AtomicUsize::new(0));
        let counter = resumed.clone();
        log.set_resume(Box::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        }));
        Self { log, reactor: Reactor::new().unwrap(), now, resumed }
    }

    fn reader(&self) -> OutputReader {
        self.log.reader(Hold::new(&self.reactor))
    }

    fn append(&self, source: OutputSource, bytes: impl AsRef<[u8]>) -> Appended {
        let mut buffer = bytes.as_ref().to_vec();
        let appended = self.log.append(source, &mut buffer, self.now, &mut Waker::wake);
        assert!(buffer.is_empty());
        appended
    }

    fn close(&self) {
        self.log.close(Stdout, &mut Waker::wake);
        self.log.close(Stderr, &mut Waker::wake);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    fn resumes(&self) -> usize {
        self.resumed.load(Ordering::SeqCst)
    }
}

/// A waker that counts.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn poll(reader: &mut OutputReader) -> Poll<Option<Batch>> {
    reader.poll_batch(&mut Context::from_waker(Waker::noop()), usize::MAX)
}

/// The batch that must be there.
fn batch(reader: &mut OutputReader) -> Batch {
    match poll(reader) {
        Poll::Ready(Some(batch)) => batch,
        Poll::Ready(None) => panic!("ended"),
        Poll::Pending => panic!("nothing there"),
    }
}

/// Everything that can be read now, as text for people: "out:…", "err…" for unfinished lines, and
/// "gap(bytes,lines)".
fn read_all(reader: &mut OutputReader) -> Vec<String> {
    let mut seen = Vec::new();
    while let Poll::Ready(Some(batch)) = poll(reader) {
        seen.extend(batch.records().map(show));
    }
    seen
}

fn show(record: Record<'_>) -> String {
    let name = if record.source == Stdout { "out" } else { "err" };
    match record.data {
        RecordData::Line { bytes, partial } => {
            let end = if partial { "…" } else { "" };
            format!("{name}:{}{end}", String::from_utf8_lossy(bytes))
        }
        RecordData::Gap { bytes, lines } => format!("{name}:gap({bytes},{lines})"),
    }
}
