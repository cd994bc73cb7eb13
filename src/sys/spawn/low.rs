//! Low descriptor numbers kept for the child's ends, so that a host with thousands of open
//! descriptors starts a process as fast as any other.
//!
//! A clone copies the host's whole table of descriptors, and the child closes the copies again:
//! milliseconds where there are many. A child that shares the table instead and makes its own
//! with close_range(2) and `CLOSE_RANGE_UNSHARE` (Linux 5.9) copies only what lies below a
//! number. So the child's ends must be low, and new ones are not where everything low is taken.
//! Hence a few numbers are taken with the first engine, while low ones are to be had, and given
//! back with the last. Until it has its own table the child changes nothing in it.
//!
//! Called on starting threads. Only one start at a time has the numbers; others, and hosts that
//! had many descriptors before they had an engine, take the slow way.

use std::cell::Cell;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};

use rustix::fs::{fstat, major, minor, open, Mode, OFlags};
use rustix::io::fcntl_dupfd_cloexec;

use super::plan::{Failure, Plan};
use super::raw::Errno;
use crate::error::StartStep;
use crate::sys::fork::PerProcess;
use crate::sys::guarded::ForkGuarded;
use crate::sys::high::clear_of_stdio;

/// A table below this is copied in no time.
const LOW: RawFd = 256;
/// Tells a failure of the table from one of the clone itself.
const TABLE: u32 = u32::MAX;
/// Standard input, output and error, a guard's socket, and the descriptor to execute.
const NUMBERS: usize = 5;

static CURRENT: PerProcess<Mutex<Weak<LowNumbers>>> = PerProcess::new();
/// The kernel, or a sandbox, refuses the call.
static IS_REFUSED: AtomicBool = AtomicBool::new(false);

/// The numbers, held by descriptors of `/dev/null`. A copy of the host that is forked while the
/// child's ends are there has `/dev/null` there too.
#[derive(Debug)]
pub(crate) struct LowNumbers {
    null: OwnedFd,
    /// Empty once something else was found there.
    held: Mutex<Vec<OwnedFd>>,
}

impl LowNumbers {
    /// What this process has, or takes now; none where no low number is free.
    pub(crate) fn shared() -> Option<Arc<Self>> {
        let mut current = lock(CURRENT.get());
        if let Some(shared) = current.upgrade() {
            return Some(shared);
        }
        let taken = Arc::new(Self::take()?);
        *current = Arc::downgrade(&taken);
        Some(taken)
    }

    fn take() -> Option<Self> {
        let null = open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let null = clear_of_stdio(null);
        let another = |_| fcntl_dupfd_cloexec(&null, 3).ok().filter(|fd| fd.as_raw_fd() < LOW);
        let held: Vec<OwnedFd> = (0..NUMBERS).map_while(another).collect();
        (held.len() == NUMBERS).then(|| Self { null, held: Mutex::new(held) })
    }
}

/// A descriptor of `/dev/null`, for reading and writing, that is open already.
pub(crate) struct SharedNull(Arc<LowNumbers>);

impl SharedNull {
    /// `None`: nobody has one, or something else is there now.
    pub(crate) fn get() -> Option<Self> {
        let shared = lock(CURRENT.get()).upgrade()?;
        is_null(&shared.null).then_some(Self(shared))
    }
}

impl AsFd for SharedNull {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.null.as_fd()
    }
}

/// The child's ends at low numbers, for one start.
pub(super) struct Lent<'a> {
    /// Open as long as the numbers are.
    null: RawFd,
    held: MutexGuard<'a, Vec<OwnedFd>>,
    used: Vec<ForkGuarded>,
}

/// Whether the plan would have a large table copied that need not be.
pub(super) fn is_worth_it(plan: &Plan<'_>) -> bool {
    let high = sources(plan).filter(|source| source.get() >= LOW).count();
    (1..=NUMBERS).contains(&high) && !IS_REFUSED.load(Ordering::Relaxed)
}

/// The numbers of all descriptors that the child starts from.
fn sources<'p>(plan: &'p Plan<'_>) -> impl Iterator<Item = &'p Cell<RawFd>> {
    let mapped = plan.mappings.iter().map(|mapping| &mapping.source);
    mapped.chain(plan.exec_fd.iter().map(|exec| &exec.fd))
}

/// What a child reports that could not have a table of its own. Child side.
#[inline(always)]
pub(super) fn table_refused(errno: Errno) -> Failure {
    Failure { step: StartStep::Clone, errno, detail: TABLE }
}

/// Whether that is what went wrong; where it always will, it is not tried again.
pub(super) fn is_table_refused(failure: &Failure) -> bool {
    let is_refused = (failure.step, failure.detail) == (StartStep::Clone, TABLE);
    if is_refused && failure.errno != libc::ENOMEM {
        IS_REFUSED.store(true, Ordering::Relaxed);
    }
    is_refused
}

/// Calls `start` with the plan's sources at low numbers and the first number that the child does
/// without, or does nothing where the numbers are not to be had. The sources stay low for the
/// duration of `start` only.
pub(super) fn with_low<T>(plan: &Plan<'_>, start: impl FnOnce(RawFd) -> T) -> Option<T> {
    let shared = lock(CURRENT.get()).upgrade()?;
    let mut lent = shared.lend()?;
    let high: Vec<RawFd> = sources(plan).map(Cell::get).collect();
    let moved = sources(plan).try_for_each(|source| lent.lower(source));
    let highest = sources(plan).map(Cell::get).max().unwrap_or(2);
    let result = moved.map(|()| start(highest.max(2) + 1));
    for (source, high) in sources(plan).zip(high) {
        source.set(high);
    }
    result
}

impl LowNumbers {
    fn lend(&self) -> Option<Lent<'_>> {
        let mut held = match self.held.try_lock() {
            Ok(held) => held,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        if !held.iter().all(is_null) {
            // The host has closed what is not its own, and has something there now.
            held.drain(..).for_each(std::mem::forget);
        }
        (!held.is_empty()).then(|| Lent { null: self.null.as_raw_fd(), held, used: Vec::new() })
    }
}

impl Lent<'_> {
    /// Makes a source low. `None`: there is no number left, or it is not open.
    fn lower(&mut self, source: &Cell<RawFd>) -> Option<()> {
        if source.get() < LOW {
            return Some(());
        }
        let mut number = ForkGuarded::register(self.held.pop()?);
        let moved = number.replace(source.get());
        let low = number.as_raw_fd();
        self.used.push(number);
        moved.ok()?;
        source.set(low);
        Some(())
    }
}

impl Drop for Lent<'_> {
    /// At once, or nobody would see the end of the child's output.
    fn drop(&mut self) {
        for mut number in self.used.drain(..) {
            // Both are open, so this cannot fail.
            let _ = number.replace(self.null);
            self.held.push(number.release());
        }
    }
}

fn is_null(fd: &OwnedFd) -> bool {
    fstat(fd).is_ok_and(|stat| (major(stat.st_rdev), minor(stat.st_rdev)) == (1, 3))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
