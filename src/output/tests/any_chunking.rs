//! Whatever is written, read, held, cloned and dropped in whatever order: each reader gets every
//! byte exactly once and in order, or has it counted in a gap.

use proptest::prelude::*;

use super::*;

const SOURCES: [OutputSource; 2] = [Stdout, Stderr];

#[derive(Debug, Clone)]
enum Step {
    Append {
        source: OutputSource,
        bytes: Vec<u8>,
    },
    /// Reader number (modulo), how many bytes, and whether the batch is kept.
    Read {
        reader: usize,
        max_bytes: usize,
        keep: bool,
    },
    Release,
    Add {
        raw: bool,
        only: Option<OutputSource>,
    },
    Clone {
        reader: usize,
    },
    Drop {
        reader: usize,
    },
    Pass,
}

fn source() -> impl Strategy<Value = OutputSource> {
    prop::sample::select(&SOURCES[..])
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => Just(b'a'), 2 => Just(b'\n'), 1 => any::<u8>()];
    let line = prop::collection::vec(byte, 0..40);
    let bulk = (1..20_000usize, 1..300usize).prop_map(|(length, line)| {
        (0..length).map(|index| if index % line == 0 { b'\n' } else { b'b' }).collect()
    });
    prop_oneof![5 => line, 1 => bulk]
}

fn step() -> impl Strategy<Value = Step> {
    let append = (source(), bytes()).prop_map(|(source, bytes)| Step::Append { source, bytes });
    let read = (0..8usize, prop_oneof![Just(1usize), Just(3000), Just(usize::MAX)], any::<bool>())
        .prop_map(|(reader, max_bytes, keep)| Step::Read { reader, max_bytes, keep });
    let add =
        (any::<bool>(), prop::option::of(source())).prop_map(|(raw, only)| Step::Add { raw, only });
    prop_oneof![
        8 => append,
        6 => read,
        1 => Just(Step::Release),
        1 => add,
        1 => (0..8usize).prop_map(|reader| Step::Clone { reader }),
        1 => (0..8usize).prop_map(|reader| Step::Drop { reader }),
        1 => Just(Step::Pass),
    ]
}

/// What a reader got of one source.
#[derive(Clone)]
enum Item {
    Bytes(Vec<u8>),
    Gap { bytes: u64, lines: u64 },
}

struct Subject {
    reader: OutputReader,
    raw: bool,
    only: Option<OutputSource>,
    sequence: u64,
    /// Made before anything was written: it must account for everything.
    first: bool,
    got: [Vec<Item>; 2],
}

impl Subject {
    fn new(reader: OutputReader, raw: bool, only: Option<OutputSource>, first: bool) -> Self {
        let reader = if let Some(only) = only { reader.only(only) } else { reader };
        Self { reader, raw, only, sequence: 0, first, got: Default::default() }
    }

    fn copy(&self) -> Self {
        let (reader, got) = (self.reader.clone(), self.got.clone());
        Self { reader, got, ..*self }
    }

    /// Reads once; false if there was nothing.
    fn read(&mut self, max_bytes: usize, max_line: usize, held: &mut Vec<Box<dyn Send>>) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        if self.raw {
            let polled = self.reader.poll_chunks(&mut context, max_bytes);
            let Poll::Ready(Some(chunks)) = polled else { return false };
            chunks.iter().for_each(|chunk| self.chunk(chunk));
            held.push(Box::new(chunks));
        } else {
            let polled = self.reader.poll_batch(&mut context, max_bytes);
            let Poll::Ready(Some(batch)) = polled else { return false };
            batch.records().for_each(|record| self.record(record, max_line));
            held.push(Box::new(batch));
        }
        true
    }

    fn chunk(&mut self, chunk: &OutputChunk) {
        let (source, item) = match chunk {
            OutputChunk::Data(bytes) => (bytes.source(), Item::Bytes(bytes.to_vec())),
            OutputChunk::Gap { source, bytes, lines } => {
                (*source, Item::Gap { bytes: *bytes, lines: *lines })
            }
        };
        self.got[source.index()].push(item);
    }

    fn record(&mut self, record: Record<'_>, max_line: usize) {
        assert!(record.sequence >= self.sequence);
        self.sequence = record.sequence;
        let item = match record.data {
            RecordData::Line { bytes, partial } => {
                assert!(!bytes.contains(&b'\n') && bytes.len() <= max_line);
                let end: &[u8] = if partial { b"" } else { b"\n" };
                Item::Bytes([bytes, end].concat())
            }
            RecordData::Gap { bytes, lines } => Item::Gap { bytes, lines },
        };
        self.got[record.source.index()].push(item);
    }

    /// Lays what the reader got over the end of what was written.
    fn check(&self, written: &[Vec<u8>; 2], lossless: bool) {
        for source in SOURCES {
            let (written, got) = (&written[source.index()], &self.got[source.index()]);
            if self.only.is_some_and(|only| only != source) {
                assert!(got.is_empty());
                continue;
            }
            let length = |item: &Item| match item {
                Item::Bytes(bytes) => bytes.len(),
                Item::Gap { bytes, .. } => *bytes as usize,
            };
            let total: usize = got.iter().map(length).sum();
            assert!(total == written.len() || !self.first, "{total} of {}", written.len());
            let mut rest = &written[written.len() - total..];
            for item in got {
                let (here, after) = rest.split_at(length(item));
                match item {
                    Item::Bytes(bytes) => assert_eq!(bytes, here),
                    Item::Gap { lines, .. } => {
                        assert!(!lossless);
                        let newlines = here.iter().filter(|byte| **byte == b'\n').count();
                        assert_eq!(*lines, newlines as u64);
                    }
                }
                rest = after;
            }
        }
    }
}

struct Run {
    fixture: Fixture,
    options: OutputOptions,
    subjects: Vec<Subject>,
    held: Vec<Box<dyn Send>>,
    written: [Vec<u8>; 2],
    had_reader: bool,
    had_filter: bool,
}

impl Run {
    fn step(&mut self, step: Step) {
        let count = self.subjects.len().max(1);
        match step {
            Step::Append { source, bytes } => {
                self.fixture.append(source, &bytes);
                self.written[source.index()].extend(bytes);
            }
            Step::Read { reader, max_bytes, keep } => {
                if let Some(subject) = self.subjects.get_mut(reader % count) {
                    subject.read(max_bytes, self.options.max_line, &mut self.held);
                }
                if !keep {
                    self.held.pop();
                }
            }
            Step::Release => self.held.clear(),
            Step::Add { raw, only } => self.add(raw, only),
            Step::Clone { reader } => {
                let copy = self.subjects.get(reader % count).map(Subject::copy);
                self.subjects.extend(copy);
            }
            Step::Drop { reader } if reader < self.subjects.len() => {
                self.subjects.swap_remove(reader);
            }
            Step::Drop { .. } => {}
            Step::Pass => {
                self.fixture.pass(Duration::from_millis(600));
                self.fixture.log.stalled(self.fixture.now);
            }
        }
    }

    /// The first reader of a log is told of everything, however late it comes.
    fn add(&mut self, raw: bool, only: Option<OutputSource>) {
        self.had_filter |= only.is_some();
        let first = !std::mem::replace(&mut self.had_reader, true);
        self.subjects.push(Subject::new(self.fixture.reader(), raw, only, first));
    }

    fn finish(mut self) {
        self.fixture.close();
        // A reader of one stream lets the other one go.
        let lossless = self.options.policy == OutputPolicy::Block && !self.had_filter;
        for subject in &mut self.subjects {
            while subject.read(usize::MAX, self.options.max_line, &mut self.held) {}
            subject.check(&self.written, lossless);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_byte_arrives_once_and_in_order_or_is_counted(
        steps in prop::collection::vec(step(), 1..120),
        policy in prop::sample::select(&[
            OutputPolicy::Auto, OutputPolicy::Block, OutputPolicy::DropOldest, OutputPolicy::Kill,
        ][..]),
        limit in prop::sample::select(&[4096usize, 30_000, 1 << 20][..]),
        max_line in prop::sample::select(&[1usize, 7, 250, 1 << 20][..]),
        early in any::<bool>(),
    ) {
        let options = OutputOptions { policy, limit, max_line, ..OutputOptions::default() };
        let fixture = Fixture::with(options);
        let (subjects, held, written) = (Vec::new(), Vec::new(), Default::default());
        let (had_reader, had_filter) = (false, false);
        let mut run = Run { fixture, options, subjects, held, written, had_reader, had_filter };
        if early {
            run.add(false, None);
        }
        for step in steps {
            run.step(step);
        }
        run.finish();
    }
}
