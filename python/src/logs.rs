//! What the core logs, kept until a Python thread fetches it: no thread of the core calls Python.

use std::collections::VecDeque;
use std::sync::Mutex;

use log::{Level, LevelFilter, Log, Metadata, Record};
use pyo3::prelude::*;

/// Records kept; the oldest go first.
const CAPACITY: usize = 1024;

struct Shelf {
    records: Mutex<VecDeque<(u8, String)>>,
}

static SHELF: Shelf = Shelf { records: Mutex::new(VecDeque::new()) };

impl Log for Shelf {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        // In a forked copy the lock may be held by a thread that is not there: no waiting for it.
        let Ok(mut records) = self.records.try_lock() else { return };
        if records.len() == CAPACITY {
            records.pop_front();
        }
        records.push_back((level_number(record.level()), record.args().to_string()));
    }

    fn flush(&self) {}
}

/// The numbers of the `logging` module.
fn level_number(level: Level) -> u8 {
    match level {
        Level::Error => 40,
        Level::Warn => 30,
        Level::Info => 20,
        Level::Debug => 10,
        Level::Trace => 5,
    }
}

/// Starts to collect; a second import changes nothing.
pub fn install() {
    if log::set_logger(&SHELF).is_ok() {
        log::set_max_level(LevelFilter::Warn);
    }
}

/// Takes what has been logged since the last time, and sets the level from here on.
#[pyfunction]
pub fn take_logs(level: i64) -> Vec<(u8, String)> {
    log::set_max_level(match level {
        ..=5 => LevelFilter::Trace,
        6..=10 => LevelFilter::Debug,
        11..=20 => LevelFilter::Info,
        21..=30 => LevelFilter::Warn,
        31..=40 => LevelFilter::Error,
        _ => LevelFilter::Off,
    });
    SHELF.records.try_lock().map(|mut records| records.drain(..).collect()).unwrap_or_default()
}
