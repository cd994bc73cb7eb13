//! What was wanted and what came out.

use std::fmt::Write;

use crate::plan::{Limit, Target};
use crate::rounds::Table;

/// A target with what was found.
pub struct Verdict {
    /// What is wanted, in words.
    pub wanted: String,
    /// What was found, in the same unit.
    pub found: f64,
    /// How far beyond the limit; negative or zero when it is met, not a number when not measured.
    pub excess: f64,
}

impl Verdict {
    fn of(table: &Table, target: &Target) -> Self {
        let median = |name| table.row(name).map_or(f64::NAN, |row| row.median(target.part));
        let (ours, other) = (median(target.ours), median(target.other));
        let unit = table.parts.get(target.part).map_or("", |part| part.unit);
        let (wanted, found, limit) = match target.limit {
            Limit::Times(most) => (format!("{most} x {}", target.other), ours / other, most),
            Limit::Above(most) => {
                (format!("{most} {unit} above {}", target.other), ours - other, most)
            }
            Limit::Most(most) => (format!("{most} {unit}"), ours, most),
        };
        Self { wanted, found, excess: found - limit }
    }

    /// In one word.
    pub fn word(&self) -> &'static str {
        match self.excess {
            excess if excess.is_nan() => "not measured",
            excess if excess <= 0.0 => "met",
            _ => "**missed**",
        }
    }
}

/// Each target of these tables with its verdict.
fn verdicts(tables: &[Table]) -> impl Iterator<Item = (&Table, &Target, Verdict)> {
    let pairs =
        tables.iter().flat_map(|table| table.targets.iter().map(move |target| (table, target)));
    pairs.map(|(table, target)| (table, target, Verdict::of(table, target)))
}

/// All targets in one table.
pub fn summary(tables: &[Table]) -> String {
    let mut text = String::from("| table | ours | at most | found | |\n|---|---|---|---:|---|\n");
    for (table, target, verdict) in verdicts(tables) {
        let what = what(table, target);
        let (wanted, found, word) = (&verdict.wanted, verdict.found, verdict.word());
        let _ = writeln!(text, "| {what} | {} | {wanted} | {found:.2} | {word} |", target.ours);
    }
    text
}

/// The missed ones, by how much.
pub fn missed(tables: &[Table]) -> String {
    let mut text = String::new();
    for (table, target, verdict) in verdicts(tables).filter(|(.., verdict)| verdict.excess > 0.0) {
        let (found, wanted, excess) = (verdict.found, &verdict.wanted, verdict.excess);
        let (what, ours) = (what(table, target), target.ours);
        let _ =
            writeln!(text, "- {what}, {ours}: {found:.2}; wanted {wanted}; {excess:.2} too much");
    }
    text
}

fn what(table: &Table, target: &Target) -> String {
    match table.parts.get(target.part).map_or("", |part| part.what) {
        "" => table.name.clone(),
        what => format!("{}, {what}", table.name),
    }
}
