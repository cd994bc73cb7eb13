//! What every contender does, and how it proves that it did: counts that are checked.

use std::error::Error;
use std::path::PathBuf;

/// Result of a piece of work; an error ends the whole run.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// What output amounted to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Bytes, the newlines included.
    pub bytes: u64,
    /// Lines; 0 where lines were not cut.
    pub lines: u64,
    /// Sum over the lines of their first byte times their number: tells lost, doubled and
    /// reordered lines at the price of one multiplication.
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

    /// What `flood lines COUNT SIZE` must amount to.
    pub fn of_lines(count: u64, size: u64) -> Self {
        let digit = |number: u64| u64::from(b'0') + number % 10;
        let check = (0..count)
            .fold(0u64, |sum, number| sum.wrapping_add(digit(number).wrapping_mul(number + 1)));
        Self { bytes: count * size, lines: count, check }
    }
}

/// A way of running children: the floor, a peer, or us.
pub trait Contender {
    /// Its name in the tables.
    fn name(&self) -> &'static str;
    /// Starts the child, reads both its streams to their end, reaps it, checks exit code 0.
    fn start_and_reap(&mut self) -> Outcome<()>;
    /// Reads everything that the child writes, as bytes.
    fn bytes(&mut self, child: &Child) -> Outcome<Tally>;
    /// Reads everything that the child writes, cut into lines.
    fn lines(&mut self, child: &Child) -> Outcome<Tally>;
    /// Calls `seen` with each line at the moment it is seen.
    fn each_line(&mut self, child: &Child, seen: &mut dyn FnMut(&[u8])) -> Outcome<()>;
}

/// A helper program with its arguments.
pub struct Child {
    /// Its path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
}

impl Child {
    /// The helper program `name` (built beside this benchmark) with these arguments.
    pub fn helper(name: &str, args: &[String]) -> Outcome<Self> {
        let directory = std::env::current_exe()?;
        let program = directory.with_file_name(name);
        if !program.exists() {
            return Err(format!("{} is missing: run `make bench`", program.display()).into());
        }
        Ok(Self { program, args: args.to_vec() })
    }
}

/// The smallest child: ends at once with code 0.
pub const TINY: &str = env!("TINY");
