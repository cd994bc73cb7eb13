//! The floor: what the kernel asks for the same work, with system calls only and no guarantees.
//!
//! A vfork-style clone with pidfd and own process group, blocking reads on pipes of the best size.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int, c_void, CString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use crate::work::{Child, Contender, Outcome, Tally, TINY};

/// The best pipe size by measurement: larger ones bring nothing.
const PIPE_SIZE: c_int = 256 << 10;
const READ_SIZE: usize = 64 << 10;

/// The floor.
pub struct Raw {
    null: File,
    stack: Vec<u8>,
    tiny: Image,
}

impl Raw {
    /// Prepares what is the same for every start.
    pub fn new() -> Outcome<Self> {
        let tiny = Image::new(TINY.as_bytes(), &[])?;
        Ok(Self { null: File::open("/dev/null")?, stack: vec![0; 64 << 10], tiny })
    }

    fn open(&mut self, child: &Child) -> Outcome<Running> {
        let image = Image::new(child.program.as_os_str().as_bytes(), &child.args)?;
        let running = start(&image, &self.null, &mut self.stack)?;
        // SAFETY: changes only the size of a pipe that is ours.
        unsafe { libc::fcntl(running.stdout.as_raw_fd(), libc::F_SETPIPE_SZ, PIPE_SIZE) };
        Ok(running)
    }
}

/// A program with its arguments as execve(2) wants them.
struct Image {
    strings: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl Image {
    fn new(program: &[u8], args: &[String]) -> Outcome<Self> {
        let mut strings = vec![CString::new(program)?];
        for arg in args {
            strings.push(CString::new(arg.as_bytes())?);
        }
        let pointers = strings.iter().map(|s| s.as_ptr()).chain([ptr::null()]).collect();
        Ok(Self { strings, pointers })
    }
}

struct Running {
    pidfd: OwnedFd,
    stdout: File,
    stderr: File,
}

impl Running {
    fn finish(mut self) -> Outcome<()> {
        let rest = read_to_end(&mut self.stderr)?;
        // SAFETY: waitid writes one siginfo_t to a live value; zero is a valid one.
        let (result, status) = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let fd = self.pidfd.as_raw_fd() as libc::id_t;
            (libc::waitid(libc::P_PIDFD, fd, &mut info, libc::WEXITED), info.si_status())
        };
        if result != 0 || status != 0 || !rest.is_empty() {
            return Err(format!("raw: waitid {result}, status {status}").into());
        }
        Ok(())
    }
}

/// What the child needs to know; it lives on the parent's stack while the parent waits.
struct Plan {
    program: *const c_char,
    argv: *const *const c_char,
    descriptors: [c_int; 3],
}

extern "C" fn child_main(plan: *mut c_void) -> c_int {
    // SAFETY: the parent, suspended by CLONE_VFORK, keeps the plan alive; system calls only.
    unsafe {
        let plan = &*plan.cast::<Plan>();
        libc::setpgid(0, 0);
        for (target, fd) in plan.descriptors.iter().enumerate() {
            libc::dup2(*fd, target as c_int);
        }
        libc::execve(plan.program, plan.argv, libc::environ.cast());
        libc::_exit(127)
    }
}

fn start(image: &Image, null: &File, stack: &mut [u8]) -> io::Result<Running> {
    let (stdout, child_stdout) = pipe()?;
    let (stderr, child_stderr) = pipe()?;
    let descriptors = [null.as_raw_fd(), child_stdout.as_raw_fd(), child_stderr.as_raw_fd()];
    let argv = image.pointers.as_ptr();
    let mut plan = Plan { program: image.strings[0].as_ptr(), argv, descriptors };
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    let mut pidfd: c_int = -1;
    // SAFETY: the child runs on its own stack, whose top is aligned to 16 bytes, while this
    // thread is suspended, and it only makes system calls before execve or _exit.
    let pid = unsafe {
        let end = stack.as_mut_ptr().add(stack.len());
        let top = end.sub(end as usize % 16);
        let plan: *mut Plan = &mut plan;
        libc::clone(child_main, top.cast(), flags, plan.cast(), &mut pidfd as *mut c_int)
    };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Running { pidfd, stdout, stderr })
}

fn pipe() -> io::Result<(File, File)> {
    let mut ends = [0; 2];
    // SAFETY: pipe2 writes two descriptors, which become ours.
    unsafe {
        if libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok((File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1])))
    }
}

/// Reads to the end with read(2) alone: `File::read_to_end` also asks for a size and a position.
fn read_to_end(input: &mut File) -> io::Result<Vec<u8>> {
    let (mut output, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match input.read(&mut buffer)? {
            0 => return Ok(output),
            count => output.extend_from_slice(&buffer[..count]),
        }
    }
}

/// Reads to the end, handing over whole lines without their newlines.
pub fn cut_lines(input: &mut impl Read, mut seen: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; 2 * READ_SIZE];
    let mut kept = 0;
    loop {
        let count = input.read(&mut buffer[kept..])?;
        if count == 0 {
            return Ok(());
        }
        let (end, mut start) = (kept + count, 0);
        for newline in memchr::memchr_iter(b'\n', &buffer[kept..end]) {
            seen(&buffer[start..kept + newline]);
            start = kept + newline + 1;
        }
        buffer.copy_within(start..end, 0);
        kept = end - start;
    }
}

impl Contender for Raw {
    fn name(&self) -> &'static str {
        "raw floor"
    }

    fn start_and_reap(&mut self) -> Outcome<()> {
        let mut running = start(&self.tiny, &self.null, &mut self.stack)?;
        read_to_end(&mut running.stdout)?;
        running.finish()
    }

    fn bytes(&mut self, child: &Child) -> Outcome<Tally> {
        let mut running = self.open(child)?;
        let (mut tally, mut buffer) = (Tally::default(), vec![0; READ_SIZE]);
        loop {
            match running.stdout.read(&mut buffer)? {
                0 => break,
                count => tally.bytes(&buffer[..count]),
            }
        }
        running.finish().map(|()| tally)
    }

    fn lines(&mut self, child: &Child) -> Outcome<Tally> {
        let mut running = self.open(child)?;
        let mut tally = Tally::default();
        cut_lines(&mut running.stdout, |line| tally.line(line))?;
        running.finish().map(|()| tally)
    }

    fn each_line(&mut self, child: &Child, seen: &mut dyn FnMut(&[u8])) -> Outcome<()> {
        let mut running = self.open(child)?;
        cut_lines(&mut running.stdout, seen)?;
        running.finish()
    }
}

/// The clock that the helper program `clock` prints.
pub fn monotonic_nanos() -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one timespec to a live value.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Keeps this process, and the children it starts, on the first of its CPUs, or lets it have all.
pub fn pin(to_one: bool, all: &libc::cpu_set_t) -> io::Result<()> {
    let mut set = *all;
    // SAFETY: the macros and the call work on a live cpu_set_t of the size given.
    let result = unsafe {
        if to_one {
            let first = (0..libc::CPU_SETSIZE as usize).find(|cpu| libc::CPU_ISSET(*cpu, all));
            libc::CPU_ZERO(&mut set);
            libc::CPU_SET(first.unwrap_or(0), &mut set);
        }
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set)
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
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
