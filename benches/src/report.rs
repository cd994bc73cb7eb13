//! The tables as text: on the terminal, and in `docs/performance.md`.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use crate::chart;
use crate::plan::Size;
use crate::rounds::{Failure, Row, Table};
use crate::targets;

/// What stands above the tables in the page.
const INTRODUCTION: &str = include_str!("../introduction.md");
/// What stands below the list of missed targets: the reasons.
const REASONS: &str = include_str!("../reasons.md");
/// What was tried and lost.
const LOST: &str = include_str!("../lost.md");

/// A table in Markdown; ratios are to the first row's median.
pub fn markdown(table: &Table) -> String {
    let mut text = format!("### {}: {}\n", table.name, table.title);
    for part in 0..table.parts.len() {
        figures(&mut text, table, part);
    }
    text.push('\n');
    for row in &table.rows {
        let _ = writeln!(text, "- {}: {}", row.name, told(row));
    }
    text
}

fn told(row: &Row) -> String {
    match &row.failure {
        None => row.about.clone(),
        Some(Failure::Skipped(why)) => format!("skipped: {why}"),
        Some(Failure::Failed(why)) => format!("**failed**: {why}"),
    }
}

fn figures(text: &mut String, table: &Table, part: usize) {
    let (what, unit) = table.parts.get(part).map_or(("", ""), |part| (part.what, part.unit));
    let floor = table.rows.first().map_or(f64::NAN, |row| row.median(part));
    let base = table.rows.first().map_or("", |row| row.name);
    let separator = if what.is_empty() { "" } else { ", " };
    let _ = writeln!(
        text,
        "\n| contender | {what}{separator}median {unit} | min | max | ratio to {base} |\n\
         |---|---:|---:|---:|---:|"
    );
    for row in table.rows.iter().filter(|row| row.failure.is_none()) {
        let sorted = row.figures.get(part).map_or(&[][..], Vec::as_slice);
        let (min, max) = (sorted.first(), sorted.last());
        let (min, max) = (number(min.copied()), number(max.copied()));
        let (median, ratio) = (row.median(part), row.median(part) / floor);
        let (median, ratio) = (number(Some(median)), number(Some(ratio)));
        let _ = writeln!(text, "| {} | {median} | {min} | {max} | {ratio} |", row.name);
    }
}

/// With as many digits as tell something; a dash for what is none.
fn number(figure: Option<f64>) -> String {
    match figure.filter(|figure| figure.is_finite()) {
        None => "-".to_owned(),
        Some(figure) if figure.abs() < 10.0 => format!("{figure:.2}"),
        Some(figure) => format!("{figure:.1}"),
    }
}

/// The rows that did not do what they must.
pub fn failures(table: &Table) -> Vec<String> {
    let failed = |row: &Row| match &row.failure {
        Some(Failure::Failed(why)) => Some(format!("{}: {}: {why}", table.name, row.name)),
        _ => None,
    };
    table.rows.iter().filter_map(failed).collect()
}

/// Writes the page and its charts into the repository.
pub fn write(tables: &[Table], size: Size, load: f64) -> std::io::Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let charts = docs.join("performance");
    let _ = std::fs::remove_dir_all(&charts);
    std::fs::create_dir_all(&charts)?;
    for table in tables {
        for part in 0..table.parts.len() {
            std::fs::write(docs.join(chart_path(table, part)), chart::svg(table, part))?;
        }
    }
    std::fs::write(docs.join("performance.md"), page(tables, size, load))?;
    println!("written: docs/performance.md and docs/performance/*.svg");
    Ok(())
}

fn page(tables: &[Table], size: Size, load: f64) -> String {
    let kind =
        if size.is_quick { "a quick run (`BENCH=quick make bench`)" } else { "`make bench`" };
    let (rounds, machine, busy) = (size.rounds, machine(load), busy(load));
    let (summary, missed) = (targets::summary(tables), targets::missed(tables));
    let mut text = format!(
        "{INTRODUCTION}\n## Targets\n\nFrom {kind}, {rounds} rounds, on {machine}.\n{busy}\n{summary}\n\
         ## Missed targets\n\n{missed}\n{REASONS}\n{LOST}\n## Figures\n"
    );
    for table in tables {
        let _ = write!(text, "\n{}", markdown(table));
        for part in 0..table.parts.len() {
            let _ = writeln!(text, "\n![ratios]({})", chart_path(table, part));
        }
    }
    text
}

fn busy(load: f64) -> &'static str {
    if load > 2.0 {
        "The machine was busy with other work: take the ratios as rough.\n"
    } else {
        ""
    }
}

fn chart_path(table: &Table, part: usize) -> String {
    match table.parts.get(part).map_or("", |part| part.what) {
        "" => format!("performance/{}.svg", table.name),
        what => format!("performance/{}-{}.svg", table.name, what.replace(' ', "-")),
    }
}

fn machine(load: f64) -> String {
    let said = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        text.unwrap_or_else(|_| format!("{program}: unknown"))
    };
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let (kernel, compiler) = (said("uname", &["-r"]), said("rustc", &["--version"]));
    format!("{cpus} CPUs, Linux {kernel}, {compiler}; load average at the start {load}")
}

/// The load average of the last minute: what else the machine does, asked before the first table.
pub fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}
