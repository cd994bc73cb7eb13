//! The benchmark: raw floors, this library's public APIs and their peers do the same work in one
//! run, interleaved. `make bench` runs it.
//!
//! Prints tables and writes `docs/performance.md`. Every contender is a process of its own, so
//! that none pays for another; its counts are checked.

mod chart;
mod contenders;
mod load;
mod native;
mod plan;
mod report;
mod rounds;
mod rows;
mod serve;
mod targets;
mod usage;
mod work;
mod worker;

use plan::{Plan, Size};
use rounds::Table;
use work::Outcome;

const HELP: &str = "\
usage: process_manager_bench [quick] [--only PREFIX]
  quick          less work a round, as many rounds
  --only PREFIX  the tables whose names begin so, printed only: the page is left as it is
  --list         the names of the tables";

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        [] => run(Size::FULL, None),
        ["quick"] => run(Size::QUICK, None),
        ["--only", prefix] => run(Size::FULL, Some(prefix)),
        ["quick", "--only", prefix] => run(Size::QUICK, Some(prefix)),
        ["--list"] => list(),
        ["--worker", name] => serve::serve(contenders::named(name)?.as_mut()),
        ["--cold", name] => contenders::named(name)?.start_and_reap(),
        _ => {
            println!("{HELP}");
            Ok(())
        }
    }
}

fn list() -> Outcome<()> {
    rows::all(Size::FULL)?.iter().for_each(|plan| println!("{}: {}", plan.name, plan.title));
    Ok(())
}

fn run(size: Size, prefix: Option<&str>) -> Outcome<()> {
    let is_wanted = |plan: &Plan| prefix.is_none_or(|prefix| plan.name.starts_with(prefix));
    let (load, mut tables) = (report::load(), Vec::new());
    for plan in rows::all(size)?.into_iter().filter(is_wanted) {
        let table = rounds::measure(plan, size.rounds)?;
        println!("{}", report::markdown(&table));
        tables.push(table);
    }
    println!("{}", targets::summary(&tables));
    if prefix.is_none() {
        report::write(&tables, size, load)?;
    }
    failures(&tables)
}

/// A wrong count is an error of the run, told at its end.
fn failures(tables: &[Table]) -> Outcome<()> {
    let failed: Vec<String> = tables.iter().flat_map(report::failures).collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(failed.join("; ").into())
}
