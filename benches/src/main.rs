//! The benchmark: a raw floor, this library's public API and its peers do the same work in one
//! run, interleaved. `make bench` runs it; the argument `quick` makes it short.
//!
//! Prints tables and writes `docs/performance.md`. Every contender's counts are checked.

mod chart;
mod measure;
mod ours;
mod raw;
mod report;
mod std_process;
mod tokio_process;
mod work;

use measure::{Contenders, Size, Table};
use work::{Contender, Outcome};

fn main() -> Outcome<()> {
    let quick = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("quick") => true,
        Some(other) => return Err(format!("unknown argument {other:?}; known: quick").into()),
    };
    let size = if quick { Size::QUICK } else { Size::FULL };
    let mut contenders: Vec<Box<dyn Contender>> = vec![
        Box::new(raw::Raw::new()?),
        Box::new(ours::Ours::strongest()),
        Box::new(ours::Ours::group()),
        Box::new(std_process::StdProcess),
        Box::new(tokio_process::TokioProcess::new()?),
    ];
    let tables = measure_all(&mut contenders, size)?;
    report::write(&tables, &report::page(&tables, size, quick))
        .map_err(|error| format!("docs/performance: {error}").into())
}

/// Streaming depends on whether child and host share a CPU, so it is measured both ways.
fn measure_all(contenders: &mut Contenders<'_>, size: Size) -> Outcome<Vec<Table>> {
    let mut done = Vec::new();
    let starts = [measure::starts, measure::spaced_starts];
    let hosts = [measure::crowded_starts, measure::heavy_starts];
    let streams = [measure::bytes, measure::lines, measure::latency];
    for run in starts.into_iter().chain(hosts).chain(streams) {
        done.extend(show(run(contenders, size)?));
    }
    let cpus = raw::cpus()?;
    raw::pin(true, &cpus)?;
    for run in [measure::bytes, measure::lines] {
        let mut tables = run(contenders, size)?;
        for table in &mut tables {
            table.name += "-one-cpu";
            table.title += ", child and host on one CPU";
        }
        done.extend(show(tables));
    }
    raw::pin(false, &cpus)?;
    Ok(done)
}

fn show(tables: Vec<Table>) -> Vec<Table> {
    tables.iter().for_each(|table| println!("{}", report::markdown(table)));
    tables
}
