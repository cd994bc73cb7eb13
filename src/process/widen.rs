//! Wider pipes for children that write much: fewer, larger reads.
//!
//! A pipe's size counts against its user's budget (`pipe-user-pages-soft` in proc(5)), which all
//! programs of the user share; beyond it new pipes shrink to 8 KiB. So only pipes that were found
//! full grow, only within a quarter of the budget, and what they took is given back when they
//! close. Where the kernel refuses, the pipe stays as it is.

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use once_cell::sync::OnceCell;

use crate::sys::page;

/// What a pipe holds unless it is changed.
const USUAL: usize = 64 << 10;
/// What a wide pipe holds; more brings nothing.
const WIDE: usize = 256 << 10;
/// Full reads before a pipe grows.
const FULL_READS: u8 = 2;
/// The kernel's default budget, where it cannot be read.
const DEFAULT_BUDGET: usize = 64 << 20;

/// Bytes that wide pipes of this process have taken beyond the usual.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// What is known about the width of one pipe.
#[derive(Debug, Default)]
pub(super) struct Width {
    full_reads: u8,
    taken: usize,
}

impl Width {
    /// Notes a read, and widens the pipe when it keeps being full.
    pub(super) fn note_read(&mut self, pipe: impl AsFd, count: usize) {
        if count < USUAL || self.full_reads >= FULL_READS {
            return;
        }
        self.full_reads += 1;
        if self.full_reads == FULL_READS && is_narrow(&pipe) && take(WIDE - USUAL) {
            self.taken = WIDE - USUAL;
            if rustix::pipe::fcntl_setpipe_size(pipe, WIDE).is_err() {
                self.give_back();
            }
        }
    }

    fn give_back(&mut self) {
        TAKEN.fetch_sub(std::mem::take(&mut self.taken), Ordering::Relaxed);
    }
}

impl Drop for Width {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// A pipe of large pages is wide from the start.
fn is_narrow(pipe: impl AsFd) -> bool {
    rustix::pipe::fcntl_getpipe_size(pipe).is_ok_and(|size| size < WIDE)
}

/// Takes its share of the quarter, if there is as much.
fn take(bytes: usize) -> bool {
    let share = budget() / 4;
    let taken = |now: usize| now.checked_add(bytes).filter(|then| *then <= share);
    TAKEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
}

/// The user's budget in bytes; 0 there means that there is none to keep to.
fn budget() -> usize {
    static BUDGET: OnceCell<usize> = OnceCell::new();
    *BUDGET.get_or_init(|| {
        let text = std::fs::read_to_string("/proc/sys/fs/pipe-user-pages-soft");
        let pages = text.ok().and_then(|text| text.trim().parse::<usize>().ok());
        match pages {
            None => DEFAULT_BUDGET,
            Some(0) => usize::MAX,
            Some(pages) => pages.saturating_mul(page::size()),
        }
    })
}
