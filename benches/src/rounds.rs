//! Rounds: every contender in turn, the order rotated each round, so that a slow moment of the
//! machine hits all of them. Medians over the rounds.

use std::io;
use std::time::Instant;

use crate::load::Load;
use crate::plan::{Entry, Part, Plan, Target};
use crate::usage;
use crate::worker::Worker;

/// One table, measured.
pub struct Table {
    /// A short name, also of the chart's file.
    pub name: String,
    /// What every contender did.
    pub title: String,
    /// The figures of a round.
    pub parts: Vec<Part>,
    /// The contenders.
    pub rows: Vec<Row>,
    /// What is wanted.
    pub targets: Vec<Target>,
}

/// One contender's figures in a table.
pub struct Row {
    /// The contender.
    pub name: &'static str,
    /// What exactly it did.
    pub about: String,
    /// Of each part: one figure a round, sorted.
    pub figures: Vec<Vec<f64>>,
    /// Why there are none.
    pub failure: Option<Failure>,
}

/// Why a row has no figures.
pub enum Failure {
    /// A peer that could not take part.
    Skipped(String),
    /// It did not do what it must: a count was wrong, for example, or it is no peer and could not
    /// take part.
    Failed(String),
}

impl Row {
    /// The middle figure of a part; not a number where there is none.
    pub fn median(&self, part: usize) -> f64 {
        let sorted = self.figures.get(part).map_or(&[][..], Vec::as_slice);
        sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
    }
}

impl Table {
    /// The row of a contender.
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }
}

/// A contender in the course of the rounds.
struct Seat {
    worker: Option<Worker>,
    row: Row,
}

/// Measures one table.
pub fn measure(plan: Plan, rounds: usize) -> io::Result<Table> {
    let (cpus, begin) = (usage::cpus()?, Instant::now());
    let _load = plan.is_busy.then(|| Load::on(&cpus)).transpose()?;
    let mut seats: Vec<Seat> = plan.entries.iter().map(|entry| seat(&plan, entry)).collect();
    for round in 0..rounds {
        eprint!("\r{}: round {} of {rounds}  ", plan.name, round + 1);
        for turn in 0..seats.len() {
            let index = (round + turn) % seats.len();
            // Workers and their threads and children keep to what they are born with.
            usage::pin(plan.is_pinned, &cpus)?;
            seats[index].play(&plan, &plan.entries[index], round);
            usage::pin(false, &cpus)?;
        }
    }
    eprintln!("took {:.0} s", begin.elapsed().as_secs_f64());
    let rows = seats.into_iter().map(|seat| seat.row.sorted()).collect();
    let Plan { name, title, parts, targets, .. } = plan;
    Ok(Table { name, title, parts, rows, targets })
}

fn seat(plan: &Plan, entry: &Entry) -> Seat {
    let figures = vec![Vec::new(); plan.parts.len()];
    let row = Row { name: entry.name, about: String::new(), figures, failure: None };
    Seat { worker: None, row }
}

impl Seat {
    fn play(&mut self, plan: &Plan, entry: &Entry, round: usize) {
        if self.row.failure.is_some() {
            return;
        }
        let first = plan.first_request.as_ref().filter(|_| round == 0 && plan.wants(entry));
        let request = first.unwrap_or(&entry.request);
        let Some(mut worker) = self.take_worker(entry) else { return };
        match worker.measure(request) {
            Ok(figures) => self.row.add(&figures),
            Err(why) => self.row.failure = Some(Failure::Failed(why.to_string())),
        }
        self.worker = Some(worker).filter(|_| !plan.is_fresh);
    }

    fn take_worker(&mut self, entry: &Entry) -> Option<Worker> {
        if let Some(worker) = self.worker.take() {
            return Some(worker);
        }
        let work = entry.request.split(' ').next().unwrap_or_default();
        let started =
            Worker::start(entry.program).and_then(|mut worker| Ok((worker.about(work)?, worker)));
        match started {
            Ok((about, worker)) => {
                self.row.about = entry.about.map_or(about, str::to_owned);
                Some(worker)
            }
            Err(why) => {
                let why = why.to_string();
                let is_peer = entry.is_peer();
                self.row.failure =
                    Some(if is_peer { Failure::Skipped(why) } else { Failure::Failed(why) });
                None
            }
        }
    }
}

impl Row {
    fn add(&mut self, figures: &[f64]) {
        for (part, figure) in self.figures.iter_mut().zip(figures) {
            part.extend((!figure.is_nan()).then_some(*figure));
        }
    }

    fn sorted(mut self) -> Self {
        self.figures.iter_mut().for_each(|part| part.sort_by(f64::total_cmp));
        self
    }
}
