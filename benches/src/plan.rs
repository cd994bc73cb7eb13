//! What a table is: who is asked for what, and what is to come out.

use crate::rows::{OURS, RAW};

/// How much work a run does.
#[derive(Clone, Copy)]
pub struct Size {
    /// Whether this is the short run.
    pub is_quick: bool,
    /// Rounds of each table, 7 at least.
    pub rounds: usize,
    /// Starts in a round.
    pub starts: usize,
    /// Bytes through one child in a round.
    pub bytes: u64,
    /// Lines of 80 bytes through one child in a round.
    pub lines: u64,
    /// Timed lines in a round.
    pub ticks: usize,
    /// MiB of resident memory of the heavy host.
    pub resident: usize,
    /// Seconds in which idle children must not wake their host.
    pub idle: u32,
}

impl Size {
    /// The default.
    pub const FULL: Self = Self {
        is_quick: false,
        rounds: 7,
        starts: 600,
        bytes: 2 << 30,
        lines: 10_000_000,
        ticks: 400,
        resident: 4 << 10,
        idle: 10,
    };
    /// `BENCH=quick`: less work a round, as many rounds.
    pub const QUICK: Self = Self {
        is_quick: true,
        rounds: 7,
        starts: 150,
        bytes: 128 << 20,
        lines: 500_000,
        ticks: 100,
        resident: 512,
        idle: 2,
    };
}

/// A program that serves a contender, with its arguments.
#[derive(Clone, Copy)]
pub enum Program {
    /// This benchmark itself, with the contender's name.
    Rust(&'static str),
    /// A program of `benches/native`, with its arguments.
    C(&'static str, &'static [&'static str]),
    /// `benches/python/serve.py`, with the contender's name.
    Python(&'static str),
}

/// One contender of a table.
#[derive(Clone)]
pub struct Entry {
    /// Its name in the table.
    pub name: &'static str,
    /// Who does it.
    pub program: Program,
    /// What it is asked in a round.
    pub request: String,
    /// What exactly it does, where the worker itself cannot tell.
    pub about: Option<&'static str>,
}

impl Entry {
    /// Whether it is neither this library nor a floor, without which a table tells nothing.
    pub fn is_peer(&self) -> bool {
        ![OURS, RAW].iter().any(|own| self.name.starts_with(own))
    }
}

/// One figure of those that a request gives; smaller is better.
#[derive(Clone, Copy)]
pub struct Part {
    /// What it is; empty for the only one.
    pub what: &'static str,
    /// Its unit.
    pub unit: &'static str,
}

/// What a figure may be, beside the other contender's.
#[derive(Clone, Copy)]
pub enum Limit {
    /// At most so many times the other's.
    Times(f64),
    /// At most so much more than the other's.
    Above(f64),
    /// At most this, whatever the other's.
    Most(f64),
}

/// What is wanted of one of ours.
#[derive(Clone, Copy)]
pub struct Target {
    /// Which figure.
    pub part: usize,
    /// Our row.
    pub ours: &'static str,
    /// The row that it is held against.
    pub other: &'static str,
    /// How near it must come.
    pub limit: Limit,
}

/// One table; its first row is what the ratios are to.
pub struct Plan {
    /// A short name, also of the chart's file.
    pub name: String,
    /// What every contender does.
    pub title: String,
    /// The figures of a round.
    pub parts: Vec<Part>,
    /// The contenders.
    pub entries: Vec<Entry>,
    /// What is wanted.
    pub targets: Vec<Target>,
    /// Whether child and host are kept on one CPU.
    pub is_pinned: bool,
    /// Whether every CPU has other work too.
    pub is_busy: bool,
    /// Whether each round has fresh workers: where memory is measured.
    pub is_fresh: bool,
    /// Asked in the first round instead, of those of whom something is wanted, where that measures
    /// something which takes long.
    pub first_request: Option<String>,
}

impl Plan {
    /// Whether something is wanted of a contender.
    pub fn wants(&self, entry: &Entry) -> bool {
        self.targets.iter().any(|target| target.ours == entry.name)
    }

    /// A table of one figure without targets.
    pub fn new(name: &str, title: String, unit: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            title,
            parts: vec![Part { what: "", unit }],
            entries: Vec::new(),
            targets: Vec::new(),
            is_pinned: false,
            is_busy: false,
            is_fresh: false,
            first_request: None,
        }
    }

    /// Other figures than one.
    pub fn parts(mut self, parts: &[(&'static str, &'static str)]) -> Self {
        self.parts = parts.iter().map(|&(what, unit)| Part { what, unit }).collect();
        self
    }

    /// One more contender.
    pub fn entry(mut self, name: &'static str, program: Program, request: &str) -> Self {
        self.entries.push(Entry { name, program, request: request.to_owned(), about: None });
        self
    }

    /// What exactly the last contender does.
    pub fn about(mut self, about: &'static str) -> Self {
        if let Some(entry) = self.entries.last_mut() {
            entry.about = Some(about);
        }
        self
    }

    /// More contenders that are asked the same.
    pub fn ask(mut self, request: &str, entries: &[(&'static str, Program)]) -> Self {
        for &(name, program) in entries {
            self = self.entry(name, program, request);
        }
        self
    }

    /// A target of the first figure.
    pub fn target(self, ours: &'static str, limit: Limit, other: &'static str) -> Self {
        self.target_of(0, ours, limit, other)
    }

    /// A target of another figure.
    pub fn target_of(
        mut self,
        part: usize,
        ours: &'static str,
        limit: Limit,
        other: &'static str,
    ) -> Self {
        self.targets.push(Target { part, ours, other, limit });
        self
    }

    /// The same with child and host on one CPU.
    pub fn pinned(mut self) -> Self {
        self.name += "-one-cpu";
        self.title += ", child and host on one CPU";
        self.is_pinned = true;
        self
    }
}
