//! How the demo looks: headings, tagged lines, the table of states. Colour only on a terminal.

use std::io::IsTerminal;

use process_manager::{ProcessInfo, ProcessStatus};

use crate::programs;

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const OTHER: &str = "34";
const TAGS: [(&str, &str); 3] =
    [(programs::WEB, "36"), (programs::COMPILER, "33"), (programs::PIPELINE, "35")];
/// Longer lines are cut, so that tags stay in one column.
const WIDTH: usize = 110;

/// Where the demo prints.
pub struct Screen {
    colour: bool,
}

impl Screen {
    pub fn new() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none();
        Self { colour: wanted && std::io::stdout().is_terminal() }
    }

    pub fn title(&self, text: &str) {
        println!("\n{}\n{}", self.paint(BOLD, text), "=".repeat(text.len()));
    }

    pub fn heading(&self, text: &str) {
        println!("\n{}", self.paint(BOLD, text));
    }

    pub fn fact(&self, text: &str) {
        println!("  {text}");
    }

    pub fn program(&self, tag: &str, shown: &str) {
        println!("  {}  {shown}", self.tag(tag));
    }

    pub fn line(&self, tag: &str, line: &str) {
        let cut: String = line.chars().take(WIDTH).collect();
        println!("  {} {} {cut}", self.tag(tag), self.paint(DIM, "|"));
    }

    pub fn ended(&self, tag: &str, info: Option<&ProcessInfo>) {
        let how = info.map(outcome).unwrap_or_default();
        println!(
            "  {} {} {}",
            self.tag(tag),
            self.paint(DIM, "|"),
            self.paint(DIM, &format!("(end of output; {how})"))
        );
    }

    pub fn table(&self, infos: &[ProcessInfo]) {
        let head = format!(
            "  {:<10} {:>8}  {:<8}  {:<31} {}",
            "name", "pid", "state", "how it ended", "held by"
        );
        println!("{}", self.paint(DIM, &head));
        for info in infos {
            let pid = info.pid.map(|pid| pid.to_string()).unwrap_or_default();
            let state = self.state(info.status);
            let (how, held) = (outcome(info), info.containment);
            println!("  {} {pid:>8}  {state}  {how:<31} {held}", self.tag(&info.name));
        }
    }

    pub fn proof(&self, holds: bool, text: &str) {
        let (colour, word) = if holds { (GREEN, "yes") } else { (RED, "NO ") };
        println!("  {}  {text}", self.paint(colour, word));
    }

    pub fn verdict(&self, good: bool, text: &str) {
        let (colour, word) = if good { (GREEN, "OK") } else { (RED, "FAILED") };
        println!("\n{}: {text}\n", self.paint(colour, word));
    }

    fn state(&self, status: ProcessStatus) -> String {
        let colour = match status {
            ProcessStatus::Pending | ProcessStatus::Running => BOLD,
            ProcessStatus::Stopped => GREEN,
            ProcessStatus::Failed => RED,
        };
        self.paint(colour, &format!("{:<8}", status.to_string()))
    }

    fn tag(&self, tag: &str) -> String {
        let colour = TAGS.iter().find(|(name, _)| *name == tag).map_or(OTHER, |(_, colour)| colour);
        self.paint(colour, &format!("{tag:<10}"))
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour {
            return format!("\x1b[{colour}m{text}\x1b[0m");
        }
        text.to_owned()
    }
}

fn outcome(info: &ProcessInfo) -> String {
    match info.exit {
        None => String::new(),
        Some(exit) if info.stop_requested => format!("{exit}, as it was asked to"),
        Some(exit) => format!("{exit}, by itself"),
    }
}
