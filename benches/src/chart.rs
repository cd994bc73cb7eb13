//! A table as a picture: one bar a contender, its length the ratio to the floor. Plain SVG.

use std::fmt::Write;

use crate::rounds::{Row, Table};
use crate::rows::{OURS, RAW};

const ROW: f64 = 26.0;
const LABEL: f64 = 170.0;
const BAR: f64 = 420.0;
const WIDTH: f64 = 700.0;

/// The chart of one figure of a table.
pub fn svg(table: &Table, part: usize) -> String {
    let floor = table.rows.first().map_or(f64::NAN, |row| row.median(part));
    let ratio = |row: &Row| row.median(part) / floor;
    let bars: Vec<(&Row, f64)> = table.rows.iter().map(|row| (row, ratio(row))).collect();
    let bars: Vec<_> = bars.into_iter().filter(|(_, ratio)| ratio.is_finite()).collect();
    let longest = bars.iter().map(|(_, ratio)| *ratio).fold(1.0, f64::max);
    let height = ROW * (bars.len() as f64 + 1.0);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (index, (row, ratio)) in bars.iter().enumerate() {
        bar(&mut text, row, *ratio, ROW * (index as f64 + 0.5), BAR * ratio / longest);
    }
    // The floor itself, as a line through all the bars.
    let x = LABEL + BAR / longest;
    let _ = writeln!(
        text,
        "<path d=\"M{x:.1} 6V{:.1}\" stroke=\"black\" stroke-dasharray=\"3\"/>",
        height - 6.0
    );
    text.push_str("</svg>\n");
    text
}

fn bar(text: &mut String, row: &Row, ratio: f64, y: f64, length: f64) {
    let colour = match row.name {
        name if name.starts_with(OURS) => "#2a7de1",
        RAW => "#555555",
        _ => "#b8b8b8",
    };
    let (name, baseline, end) = (row.name, y + 15.0, LABEL + length + 6.0);
    let (anchor, height) = (LABEL - 8.0, ROW - 6.0);
    let _ = writeln!(
        text,
        "<text x=\"{anchor}\" y=\"{baseline:.1}\" text-anchor=\"end\">{name}</text>\
         <rect x=\"{LABEL}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{height}\" \
         fill=\"{colour}\"/><text x=\"{end:.1}\" y=\"{baseline:.1}\">{ratio:.2}</text>"
    );
}
