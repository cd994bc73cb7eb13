//! Rounds: every contender in turn, the order rotated each round, so that a slow moment of the
//! machine hits all of them. Medians over the rounds.

use std::fs::File;
use std::time::{Duration, Instant};

use crate::work::{Child, Contender, Outcome, Tally};

/// How much work a run does.
#[derive(Clone, Copy)]
pub struct Size {
    /// Rounds of each table, 7 at least.
    pub rounds: usize,
    /// Starts in a round.
    pub starts: u32,
    /// Bytes through one child in a round.
    pub bytes: u64,
    /// Lines of 80 bytes through one child in a round.
    pub lines: u64,
    /// Timed lines in a round.
    pub ticks: usize,
    /// Bytes of resident memory of the heavy host.
    pub resident: usize,
}

impl Size {
    /// The default: a few minutes.
    pub const FULL: Self = Self {
        rounds: 9,
        starts: 1000,
        bytes: 2 << 30,
        lines: 10_000_000,
        ticks: 500,
        resident: 4 << 30,
    };
    /// `BENCH=quick`: less work a round, as many rounds.
    pub const QUICK: Self = Self {
        rounds: 7,
        starts: 300,
        bytes: 256 << 20,
        lines: 1_500_000,
        ticks: 150,
        resident: 1 << 30,
    };
}

/// One table: what was measured, and each contender's figures, one a round.
pub struct Table {
    /// A short name, also of the chart's file.
    pub name: String,
    /// What every contender did.
    pub title: String,
    /// The unit of the figures; smaller is better.
    pub unit: &'static str,
    /// Names and figures.
    pub rows: Vec<Row>,
}

/// One contender's figures in a table.
pub struct Row {
    /// The contender.
    pub name: &'static str,
    /// One figure a round, sorted.
    pub figures: Vec<f64>,
}

impl Row {
    /// The middle figure.
    pub fn median(&self) -> f64 {
        percentile(&self.figures, 0.5)
    }
}

fn percentile(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1) as f64;
    sorted.get((last * part).round() as usize).copied().unwrap_or(f64::NAN)
}

/// The contenders of a run.
pub type Contenders<'a> = [Box<dyn Contender + 'a>];

/// Name, title and unit of a table.
type Head = (&'static str, String, &'static str);

/// Runs `rounds` interleaved rounds of `work`, which returns one figure for each unit.
fn tables(
    contenders: &mut Contenders<'_>,
    rounds: usize,
    heads: &[Head],
    mut work: impl FnMut(usize, &mut dyn Contender) -> Outcome<Vec<f64>>,
) -> Outcome<Vec<Table>> {
    let names: Vec<_> = contenders.iter().map(|contender| contender.name()).collect();
    let rows = || names.iter().map(|name| Row { name, figures: Vec::new() }).collect();
    let table = |(name, title, unit): &Head| Table {
        name: (*name).to_owned(),
        title: title.clone(),
        unit,
        rows: rows(),
    };
    let mut tables: Vec<Table> = heads.iter().map(table).collect();
    for round in 0..rounds {
        for turn in 0..contenders.len() {
            let index = (round + turn) % contenders.len();
            let figures = work(index, contenders[index].as_mut())?;
            for (table, figure) in tables.iter_mut().zip(figures) {
                table.rows[index].figures.push(figure);
            }
        }
    }
    let rows = tables.iter_mut().flat_map(|table| &mut table.rows);
    rows.for_each(|row| row.figures.sort_by(f64::total_cmp));
    Ok(tables)
}

/// What every contender of the start tables does.
const START: &str = "start a static child with stdin null and both outputs piped, read both to \
                     the end, reap";

/// Start, captured output, reap of the smallest child, one after the other.
pub fn starts(contenders: &mut Contenders<'_>, size: Size) -> Outcome<Vec<Table>> {
    let title = format!("{START}; {} in sequence", size.starts);
    tables(contenders, size.rounds, &[("starts", title, "us each")], |_, contender| {
        one_start(contender, size.starts, Duration::ZERO)
    })
}

/// The same with a pause before each: caches cold, the CPU asleep.
pub fn spaced_starts(contenders: &mut Contenders<'_>, size: Size) -> Outcome<Vec<Table>> {
    let pause = Duration::from_millis(50);
    let title = format!("{START}; {pause:?} of sleep before each, which is not counted");
    tables(contenders, size.rounds, &[("starts-spaced", title, "us each")], |_, contender| {
        one_start(contender, size.starts / 50, pause)
    })
}

/// The same in a host with many open descriptors, beside a floor in a host that has none.
pub fn crowded_starts(contenders: &mut Contenders<'_>, size: Size) -> Outcome<Vec<Table>> {
    let count = usize::try_from(crate::raw::descriptor_limit()?).unwrap_or(0).min(20_000);
    let count = count.saturating_sub(2000);
    let title = format!("{START}; the host has {count} open descriptors, the floor's host none");
    tables(contenders, size.rounds, &[("starts-crowded", title, "us each")], |index, contender| {
        let wanted = if index == 0 { 0 } else { count };
        let open = (0..wanted).map(|_| File::open("/dev/null"));
        let _crowd = open.collect::<std::io::Result<Vec<File>>>()?;
        one_start(contender, size.starts / 5, Duration::ZERO)
    })
}

/// The same in a host with much resident memory.
pub fn heavy_starts(contenders: &mut Contenders<'_>, size: Size) -> Outcome<Vec<Table>> {
    let title = format!("{START}; the host has {} MiB resident", size.resident >> 20);
    let mut memory = vec![0u8; size.resident];
    memory.iter_mut().step_by(4096).for_each(|page| *page = 1);
    let done =
        tables(contenders, size.rounds, &[("starts-heavy", title, "us each")], |_, contender| {
            one_start(contender, size.starts / 5, Duration::ZERO)
        });
    std::hint::black_box(&memory);
    done
}

/// The time that one start takes, of `count` with a pause before each.
fn one_start(contender: &mut dyn Contender, count: u32, pause: Duration) -> Outcome<Vec<f64>> {
    let mut spent = Duration::ZERO;
    for _ in 0..count {
        std::thread::sleep(pause);
        let begin = Instant::now();
        contender.start_and_reap()?;
        spent += begin.elapsed();
    }
    Ok(vec![spent.as_secs_f64() * 1e6 / f64::from(count)])
}

/// Bytes through one child.
pub fn bytes(contenders: &mut Contenders<'_>, size: Size) -> Outcome<Vec<Table>> {
    let args = ["bytes".to_owned(), size.bytes.to_string()];
    let child = Child::helper("flood", &args)?;
    let title = format!("{} MiB through one child's stdout, counted", size.bytes >> 20);
    tables(contenders, size.rounds, &[("bytes", title, "ms a GiB")], |_, contender| {
        let begin = Instant::now();
        let tally = contender.bytes(&child)?;
        check(contender.name(), tally, Tally { bytes: size.bytes, ..Tally::default() })?;
        let gib = size.bytes as f64 / f64::from(1 << 30);
        Ok(vec![begin.elapsed().as_secs_f64() * 1e3 / gib])
    })
}

/// Lines of 80 bytes through one child.
pub fn lines(contenders: &mut Contenders<'_>, size: Size) -> Outcome<Vec<Table>> {
    let args = ["lines".to_owned(), size.lines.to_string(), "80".to_owned()];
    let child = Child::helper("flood", &args)?;
    let expected = Tally::of_lines(size.lines, 80);
    let title =
        format!("{} lines of 80 bytes through one child's stdout, order checked", size.lines);
    tables(contenders, size.rounds, &[("lines", title, "ns a line")], |_, contender| {
        let begin = Instant::now();
        let tally = contender.lines(&child)?;
        check(contender.name(), tally, expected)?;
        Ok(vec![begin.elapsed().as_secs_f64() * 1e9 / size.lines as f64])
    })
}

/// From the child's look at the clock before its write(2) to the line in our hands.
pub fn latency(contenders: &mut Contenders<'_>, size: Size) -> Outcome<Vec<Table>> {
    let child = Child::helper("clock", &["1".to_owned(), size.ticks.to_string()])?;
    let head = |name| {
        format!("one line a ms, {} lines: from the child's clock to the caller, {name}", size.ticks)
    };
    let heads = [("latency-p50", head("p50"), "us"), ("latency-p99", head("p99"), "us")];
    tables(contenders, size.rounds, &heads, |_, contender| {
        let mut delays: Vec<f64> = Vec::with_capacity(size.ticks);
        contender.each_line(&child, &mut |line| delays.push(delay_of(line)))?;
        if delays.len() != size.ticks || delays.iter().any(|delay| delay.is_nan()) {
            return Err(
                format!("{}: {} lines of {}", contender.name(), delays.len(), size.ticks).into()
            );
        }
        delays.sort_by(f64::total_cmp);
        Ok(vec![percentile(&delays, 0.5), percentile(&delays, 0.99)])
    })
}

fn delay_of(line: &[u8]) -> f64 {
    let sent = std::str::from_utf8(line).ok().and_then(|text| text.parse::<u64>().ok());
    let now = u64::try_from(crate::raw::monotonic_nanos()).ok();
    sent.zip(now).map_or(f64::NAN, |(sent, now)| now.saturating_sub(sent) as f64 / 1e3)
}

fn check(name: &str, found: Tally, expected: Tally) -> Outcome<()> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{name}: {found:?} instead of {expected:?}").into())
}
