//! The worker's side: one contender in a process of its own, asked for one piece of work at a time.
//!
//! A request is a line `WORK ARGUMENT...` on standard input, the answer a line of figures, or
//! `failed: WHY`. Workers in C and Python speak the same: `native/serve.c`, `python/serve.py`.

use std::fs::File;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use crate::usage::{self, Usage};
use crate::work::{Child, Contender, Fleet, Outcome, Tally};

/// Answers requests until standard input ends.
pub fn serve(contender: &mut dyn Contender) -> Outcome<()> {
    println!("ready");
    for request in std::io::stdin().lock().lines() {
        let request = request?;
        let answer = answer(contender, &request);
        println!("{}", answer.unwrap_or_else(|why| format!("failed: {request}: {why}")));
        std::io::stdout().flush()?;
    }
    Ok(())
}

fn answer(contender: &mut dyn Contender, request: &str) -> Outcome<String> {
    let words: Vec<&str> = request.split(' ').collect();
    if let ["about", work] = words[..] {
        return Ok(contender.about(work).to_owned());
    }
    let figures = work(contender, &words)?;
    Ok(figures.iter().map(f64::to_string).collect::<Vec<_>>().join(" "))
}

fn work(contender: &mut dyn Contender, words: &[&str]) -> Outcome<Vec<f64>> {
    match words {
        ["starts", count, pause] => {
            starts(contender, count.parse()?, Duration::from_millis(pause.parse()?))
        }
        ["crowded", descriptors, count] => {
            contender.start_and_reap()?;
            crowded(contender, descriptors.parse()?, count.parse()?)
        }
        ["crowded-late", descriptors, count] => {
            crowded(contender, descriptors.parse()?, count.parse()?)
        }
        ["heavy", mib, count] => heavy(contender, mib.parse()?, count.parse()?),
        ["flight", count, width] => flight(contender, count.parse()?, width.parse()?),
        ["bytes", count] => bytes(contender, count.parse()?),
        ["lines", count] => lines(contender, count.parse()?),
        ["latency", count] => latency(contender, count.parse()?),
        ["idle", count, merged, seconds] => {
            idle(contender, count.parse()?, *merged == "1", seconds.parse()?)
        }
        ["chatty", count] => chatty(contender, count.parse()?),
        ["cold", count, program, args @ ..] => cold(contender, count.parse()?, program, args),
        _ => Err("unknown request".into()),
    }
}

fn micros_each(spent: Duration, count: usize) -> f64 {
    spent.as_secs_f64() * 1e6 / count as f64
}

/// The time that one start takes, of `count` with a pause before each, which is not counted.
fn starts(contender: &mut dyn Contender, count: usize, pause: Duration) -> Outcome<Vec<f64>> {
    let mut spent = Duration::ZERO;
    for _ in 0..count {
        std::thread::sleep(pause);
        let begin = Instant::now();
        contender.start_and_reap()?;
        spent += begin.elapsed();
    }
    Ok(vec![micros_each(spent, count)])
}

fn crowded(contender: &mut dyn Contender, descriptors: usize, count: usize) -> Outcome<Vec<f64>> {
    let open = (0..descriptors).map(|_| File::open("/dev/null"));
    let _crowd = open.collect::<std::io::Result<Vec<File>>>()?;
    starts(contender, count, Duration::ZERO)
}

fn heavy(contender: &mut dyn Contender, mib: usize, count: usize) -> Outcome<Vec<f64>> {
    let mut memory = vec![0u8; mib << 20];
    memory.iter_mut().step_by(4096).for_each(|page| *page = 1);
    let figures = starts(contender, count, Duration::ZERO);
    std::hint::black_box(&memory);
    figures
}

fn flight(contender: &mut dyn Contender, count: usize, width: usize) -> Outcome<Vec<f64>> {
    let begin = Instant::now();
    contender.in_flight(count, width)?;
    Ok(vec![micros_each(begin.elapsed(), count)])
}

fn bytes(contender: &mut dyn Contender, count: u64) -> Outcome<Vec<f64>> {
    let child = Child::helper("flood", &["bytes", &count.to_string()])?;
    let begin = Instant::now();
    contender.bytes(&child)?.expect(Tally::of_bytes(count))?;
    let gib = count as f64 / f64::from(1 << 30);
    Ok(vec![begin.elapsed().as_secs_f64() * 1e3 / gib])
}

fn lines(contender: &mut dyn Contender, count: u64) -> Outcome<Vec<f64>> {
    let child = Child::helper("flood", &["lines", &count.to_string(), "80"])?;
    let begin = Instant::now();
    let tally = contender.lines(&child)?;
    let spent = begin.elapsed();
    tally.expect(Tally::of_lines(count, 80))?;
    Ok(vec![spent.as_secs_f64() * 1e9 / count as f64])
}

/// From the child's look at the clock before its write(2) to the line in our hands: p50 and p99.
fn latency(contender: &mut dyn Contender, count: usize) -> Outcome<Vec<f64>> {
    let child = Child::helper("clock", &["1", &count.to_string()])?;
    let mut delays: Vec<f64> = Vec::with_capacity(count);
    contender.each_line(&child, &mut |line| delays.push(delay_of(line)))?;
    if delays.len() != count || delays.iter().any(|delay| delay.is_nan()) {
        return Err(format!("{} good lines of {count}", delays.len()).into());
    }
    delays.sort_by(f64::total_cmp);
    Ok(vec![delays[(count - 1) / 2], delays[(count - 1) * 99 / 100]])
}

fn delay_of(line: &[u8]) -> f64 {
    let sent = std::str::from_utf8(line).ok().and_then(|text| text.parse::<i64>().ok());
    sent.map_or(f64::NAN, |sent| (usage::monotonic_nanos() - sent) as f64 / 1e3)
}

/// Many silent children: us a start, KiB resident and descriptors a child, threads of the whole
/// host, wake-ups of other threads than this one while idle (not a number without a wait), us a stop.
fn idle(
    contender: &mut dyn Contender,
    count: usize,
    is_merged: bool,
    seconds: f64,
) -> Outcome<Vec<f64>> {
    let before = Usage::now()?;
    let begin = Instant::now();
    contender.open_fleet(&Fleet { count, is_merged, child: Child::tiny(&["wait", "for ever"]) })?;
    let start = micros_each(begin.elapsed(), count);
    std::thread::sleep(Duration::from_millis(300));
    let open = Usage::now()?;
    let wakeups = wakeups(seconds)?;
    let begin = Instant::now();
    contender.stop_fleet()?;
    let stop = micros_each(begin.elapsed(), count);
    let each = |now: f64, before: f64| (now - before) / count as f64;
    let memory = each(open.resident_kib, before.resident_kib);
    Ok(vec![start, stop, memory, each(open.descriptors, before.descriptors), open.threads, wakeups])
}

fn wakeups(seconds: f64) -> Outcome<f64> {
    if seconds == 0.0 {
        return Ok(f64::NAN);
    }
    let before = usage::switches_of_other_threads()?;
    std::thread::sleep(Duration::from_secs_f64(seconds));
    Ok(usage::switches_of_other_threads()? - before)
}

/// Many children that write a line every 10 ms: us of CPU a line, from the last start on.
fn chatty(contender: &mut dyn Contender, count: usize) -> Outcome<Vec<f64>> {
    const LINES: u64 = 100;
    let child = Child::tiny(&["write", "every", "10ms"]);
    contender.open_fleet(&Fleet { count, is_merged: false, child })?;
    let before = usage::cpu_time()?;
    let lines = LINES * count as u64;
    contender.drain_fleet(lines)?;
    let spent = usage::cpu_time()?.saturating_sub(before);
    let open = Usage::now()?;
    contender.stop_fleet()?;
    Ok(vec![spent.as_secs_f64() * 1e6 / lines as f64, open.threads])
}

/// Whole runs of another program, which writes nothing.
fn cold(
    contender: &mut dyn Contender,
    count: usize,
    program: &str,
    args: &[&str],
) -> Outcome<Vec<f64>> {
    let args = args.iter().map(|arg| (*arg).to_owned()).collect();
    let child = Child { program: program.into(), args };
    let begin = Instant::now();
    for _ in 0..count {
        contender.bytes(&child)?.expect(Tally::default())?;
    }
    Ok(vec![micros_each(begin.elapsed(), count)])
}
