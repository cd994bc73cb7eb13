//! What this process uses: memory, threads, descriptors, CPU time, wake-ups; and its clock and CPUs.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use crate::work::Outcome;

/// A look at this process.
pub struct Usage {
    /// KiB of memory that is resident.
    pub resident_kib: f64,
    /// Threads.
    pub threads: f64,
    /// Open descriptors.
    pub descriptors: f64,
}

impl Usage {
    /// What it uses now.
    pub fn now() -> Outcome<Self> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        // One of them belongs to the look itself, at every look.
        let descriptors = std::fs::read_dir("/proc/self/fd")?.count() as f64;
        let (resident_kib, threads) = (field(&status, "VmRSS:"), field(&status, "Threads:"));
        Ok(Self { resident_kib, threads, descriptors })
    }
}

fn field(status: &str, name: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(f64::NAN)
}

/// How often threads other than the caller were put on a CPU so far.
pub fn switches_of_other_threads() -> Outcome<f64> {
    // SAFETY: the call has no arguments and cannot fail.
    let own = unsafe { libc::gettid() }.to_string();
    let mut sum = 0.0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let task = task?;
        if task.file_name() == own.as_str() {
            continue;
        }
        let status = std::fs::read_to_string(task.path().join("status"))?;
        sum += field(&status, "voluntary_ctxt_switches:");
        sum += field(&status, "nonvoluntary_ctxt_switches:");
    }
    Ok(sum)
}

/// CPU time of all threads of this process, in user and kernel mode.
pub fn cpu_time() -> io::Result<Duration> {
    // SAFETY: zero is a valid rusage, and the call writes one to a live value.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        if libc::getrusage(libc::RUSAGE_SELF, &mut usage) != 0 {
            return Err(io::Error::last_os_error());
        }
        usage
    };
    let micros = |time: libc::timeval| (time.tv_sec * 1_000_000 + time.tv_usec).unsigned_abs();
    Ok(Duration::from_micros(micros(usage.ru_utime) + micros(usage.ru_stime)))
}

/// Waits until there is something to read, or the end; false when the time is over.
pub fn wait_readable(input: &impl AsRawFd, timeout: Duration) -> Outcome<bool> {
    let mut wanted = libc::pollfd { fd: input.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let timeout = i32::try_from(timeout.as_millis())?;
    // SAFETY: the call reads and writes the one pollfd that it is given.
    match unsafe { libc::poll(&mut wanted, 1, timeout) } {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(io::Error::last_os_error().into()),
    }
}

/// The clock that the helper program `clock` prints.
pub fn monotonic_nanos() -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one timespec to a live value.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Keeps this thread, and what it starts, on the first of its CPUs, or lets it have all.
pub fn pin(to_one: bool, all: &libc::cpu_set_t) -> io::Result<()> {
    match each_of(all).next().filter(|_| to_one) {
        Some(first) => keep_to(&first),
        None => keep_to(all),
    }
}

/// The CPUs of a set, a set each.
pub fn each_of(all: &libc::cpu_set_t) -> impl Iterator<Item = libc::cpu_set_t> + '_ {
    // SAFETY: zero is a valid cpu_set_t; the macros work on live ones and on numbers in range.
    let numbers =
        (0..libc::CPU_SETSIZE as usize).filter(|cpu| unsafe { libc::CPU_ISSET(*cpu, all) });
    // SAFETY: zero is a valid cpu_set_t; the macro writes to a live one at a number in range.
    numbers.map(|cpu| unsafe {
        let mut one = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut one);
        one
    })
}

/// Keeps this thread, and what it starts, on these CPUs.
pub fn keep_to(set: &libc::cpu_set_t) -> io::Result<()> {
    // SAFETY: the call reads a live cpu_set_t of the size given.
    match unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), set) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The CPUs that this process may use.
pub fn cpus() -> io::Result<libc::cpu_set_t> {
    // SAFETY: zero is a valid cpu_set_t, and the call writes one of the size given.
    unsafe {
        let mut set = std::mem::zeroed();
        if libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(set)
    }
}

/// How many descriptors this process may have open.
pub fn descriptor_limit() -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call writes one rlimit to a live value.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(limit.rlim_cur)
}
