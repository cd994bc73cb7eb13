//! The tables as text: on the terminal, and in `docs/performance.md`.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use crate::chart;
use crate::measure::{Row, Size, Table};

/// What stands above the tables in the page.
const INTRODUCTION: &str = include_str!("../introduction.md");

/// A table in Markdown; ratios are to the first row's median.
pub fn markdown(table: &Table) -> String {
    let mut text = format!("### {}\n\n", table.title);
    let floor = table.rows.first().map_or(f64::NAN, Row::median);
    let _ =
        writeln!(text, "| contender | median {} | min | max | ratio to the floor |", table.unit);
    text.push_str("|---|---:|---:|---:|---:|\n");
    for row in &table.rows {
        let (min, max) = (row.figures.first(), row.figures.last());
        let (min, max) = (min.unwrap_or(&f64::NAN), max.unwrap_or(&f64::NAN));
        let (median, ratio) = (row.median(), row.median() / floor);
        let _ = writeln!(text, "| {} | {median:.1} | {min:.1} | {max:.1} | {ratio:.2} |", row.name);
    }
    text
}

/// The whole page.
pub fn page(tables: &[Table], size: Size, quick: bool) -> String {
    let mut text = String::from(INTRODUCTION);
    let kind = if quick { "a quick run (`BENCH=quick make bench`)" } else { "`make bench`" };
    let _ =
        writeln!(text, "## Figures\n\nFrom {kind}, {} rounds, on {}.\n", size.rounds, machine());
    if load() > 1.0 {
        text.push_str("The machine was busy with other work: take the ratios as rough.\n\n");
    }
    for table in tables {
        let _ =
            writeln!(text, "{}\n![ratios to the floor]({})\n", markdown(table), chart_path(table));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Writes the page and its charts into the repository.
pub fn write(tables: &[Table], page: &str) -> std::io::Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    std::fs::create_dir_all(docs.join("performance"))?;
    for table in tables {
        std::fs::write(docs.join(chart_path(table)), chart::svg(table))?;
    }
    std::fs::write(docs.join("performance.md"), page)?;
    println!("written: docs/performance.md and docs/performance/*.svg");
    Ok(())
}

fn chart_path(table: &Table) -> String {
    format!("performance/{}.svg", table.name)
}

fn machine() -> String {
    let said = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        text.unwrap_or_else(|_| format!("{program}: unknown"))
    };
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let (kernel, compiler) = (said("uname", &["-r"]), said("rustc", &["--version"]));
    format!("{cpus} CPUs, Linux {kernel}, {compiler}; load average at the end {}", load())
}

/// The load average of the last minute: what else the machine did.
fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}
