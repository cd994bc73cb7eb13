//! The benchmark: a raw floor, this library's public API and its peers do the same work in one
//! run, interleaved. `make bench` runs it; the argument `quick` makes it short.
//!
//! Prints tables and writes `docs/performance.md`. Every contender's counts are checked.

mod measure;
mod raw;
mod report;
mod std_process;
mod tokio_process;
mod work;

use measure::Size;
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
        Box::new(std_process::StdProcess),
        Box::new(tokio_process::TokioProcess::new()?),
    ];
    let mut done = Vec::new();
    for run in [measure::starts, measure::bytes, measure::lines, measure::latency] {
        for table in run(&mut contenders, size)? {
            println!("{}", report::markdown(&table));
            done.push(table);
        }
    }
    report::write(&report::page(&done, size, quick))
        .map_err(|error| format!("docs/performance.md: {error}").into())
}
