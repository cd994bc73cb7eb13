//! What every contender does, and how it proves that it did: counts that are checked.

use std::error::Error;
use std::path::PathBuf;

/// Result of a piece of work; an error is told in place of the figure.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// What output amounted to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Bytes, the newlines included.
    pub bytes: u64,
    /// Lines; 0 where lines were not cut.
    pub lines: u64,
    /// Sum over the lines of the last digit of the number they begin with times their place: tells
    /// lost, doubled and reordered lines at the price of one multiplication.
    pub check: u64,
}

impl Tally {
    /// Counts a piece of output that is not cut into lines.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
    }

    /// Counts one line, given without its newline.
    pub fn line(&mut self, line: &[u8]) {
        self.lines += 1;
        self.bytes += line.len() as u64 + 1;
        let last_digit = line.get(9).copied().unwrap_or_default();
        self.check = self.check.wrapping_add(u64::from(last_digit).wrapping_mul(self.lines));
    }

    /// What `flood bytes COUNT` must amount to.
    pub fn of_bytes(count: u64) -> Self {
        Self { bytes: count, ..Self::default() }
    }

    /// What `flood lines COUNT SIZE` must amount to.
    pub fn of_lines(count: u64, size: u64) -> Self {
        let digit = |number: u64| u64::from(b'0') + number % 10;
        let check = (0..count)
            .fold(0u64, |sum, number| sum.wrapping_add(digit(number).wrapping_mul(number + 1)));
        Self { bytes: count * size, lines: count, check }
    }

    /// Whether it is what it must be.
    pub fn expect(self, expected: Self) -> Outcome<()> {
        if self == expected {
            return Ok(());
        }
        Err(format!("{self:?} instead of {expected:?}").into())
    }
}

/// A way of running children: the floor, a peer, or us. It does only what it is asked in a table.
pub trait Contender {
    /// What exactly it does for a piece of work, for the reader of the table.
    fn about(&self, work: &str) -> &'static str;
    /// Starts [`SAY`], reads both its streams to their end, reaps it, checks output and exit code.
    fn start_and_reap(&mut self) -> Outcome<()> {
        not_offered()
    }
    /// The same for `count` children, of which `width` are running at any time.
    fn in_flight(&mut self, _count: usize, _width: usize) -> Outcome<()> {
        not_offered()
    }
    /// Reads everything that the child writes, as bytes.
    fn bytes(&mut self, _child: &Child) -> Outcome<Tally> {
        not_offered()
    }
    /// Calls `seen` with each line at the moment it is seen.
    fn each_line(&mut self, _child: &Child, _seen: &mut dyn FnMut(&[u8])) -> Outcome<()> {
        not_offered()
    }
    /// Reads everything that the child writes, cut into lines.
    fn lines(&mut self, child: &Child) -> Outcome<Tally> {
        let mut tally = Tally::default();
        self.each_line(child, &mut |line| tally.line(line))?;
        Ok(tally)
    }
    /// Starts many children and keeps them.
    fn open_fleet(&mut self, _fleet: &Fleet) -> Outcome<()> {
        not_offered()
    }
    /// Reads the children's lines as they come until there were so many; each is "tiny".
    fn drain_fleet(&mut self, _lines: u64) -> Outcome<()> {
        not_offered()
    }
    /// Asks all to end, and waits until all have ended.
    fn stop_fleet(&mut self) -> Outcome<()> {
        not_offered()
    }
}

fn not_offered<T>() -> Outcome<T> {
    Err("not offered".into())
}

/// Checks what a child that only says "tiny" has left.
pub fn check_said(is_success: bool, stdout: &[u8], stderr: &[u8]) -> Outcome<()> {
    if is_success && stdout == b"tiny\n" && stderr.is_empty() {
        return Ok(());
    }
    Err(format!("success {is_success}, output {stdout:?}, {stderr:?}").into())
}

/// A program with its arguments.
#[derive(Clone)]
pub struct Child {
    /// Its path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
}

impl Child {
    /// The helper program `name` (built beside this benchmark) with these arguments.
    pub fn helper(name: &str, args: &[&str]) -> Outcome<Self> {
        let program = std::env::current_exe()?.with_file_name(name);
        if !program.exists() {
            return Err(format!("{} is missing: run `make bench`", program.display()).into());
        }
        Ok(Self { program, args: args.iter().map(|arg| (*arg).to_owned()).collect() })
    }

    /// The smallest child; the number of its arguments tells it what to do, see `tests/child/tiny.c`.
    pub fn tiny(args: &[&str]) -> Self {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Self { program: PathBuf::from(TINY), args }
    }
}

/// Many children of the same kind.
pub struct Fleet {
    /// How many.
    pub count: usize,
    /// Whether stderr goes into stdout's pipe.
    pub is_merged: bool,
    /// What each is.
    pub child: Child,
}

/// The smallest child's path.
pub const TINY: &str = env!("TINY");
/// The argument with which it writes the line "tiny" and ends.
pub const SAY: &str = "say";
