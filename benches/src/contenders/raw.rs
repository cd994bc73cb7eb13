//! The floor: what the kernel asks for the same work, with system calls only and no guarantees.
//!
//! A vfork-style clone with pidfd and own process group, blocking reads on pipes of the best size.
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::ffi::{c_char, c_int, c_void, CString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use super::fleet::RawFleet;
use crate::work::{check_said, Child, Contender, Fleet, Outcome, Tally, SAY};

/// The best pipe size by measurement: larger ones bring nothing.
const PIPE_SIZE: c_int = 256 << 10;
const READ_SIZE: usize = 64 << 10;

/// The floor.
pub struct Raw {
    null: File,
    stack: Vec<u8>,
    say: Image,
    fleet: RawFleet,
}

impl Raw {
    /// Prepares what is the same for every start.
    pub fn new() -> Outcome<Self> {
        let say = Image::new(&Child::tiny(&[SAY]))?;
        let (null, stack) = (File::open("/dev/null")?, vec![0; 64 << 10]);
        Ok(Self { null, stack, say, fleet: RawFleet::default() })
    }

    fn open(&mut self, child: &Child) -> Outcome<Running> {
        let image = Image::new(child)?;
        let running = start(&image, &self.null, &mut self.stack, false)?;
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
    fn new(child: &Child) -> Outcome<Self> {
        let mut strings = vec![CString::new(child.program.as_os_str().as_bytes())?];
        for arg in &child.args {
            strings.push(CString::new(arg.as_bytes())?);
        }
        let pointers = strings.iter().map(|s| s.as_ptr()).chain([ptr::null()]).collect();
        Ok(Self { strings, pointers })
    }
}

/// A child with what the host holds of it.
pub struct Running {
    /// Its end.
    pub pidfd: OwnedFd,
    /// Its output.
    pub stdout: File,
    /// Its other output; not there when that is merged.
    pub stderr: Option<File>,
}

impl Running {
    /// Reads what is left and takes the exit code, which must be 0.
    fn finish(mut self) -> Outcome<()> {
        let said = read_to_end(&mut self.stdout)?;
        self.end().and_then(|success| check_nothing(success, &said))
    }

    /// Reads stderr to its end and reaps; whether the child succeeded and said nothing there.
    fn end(&mut self) -> Outcome<bool> {
        let rest = self.stderr.as_mut().map_or(Ok(Vec::new()), read_to_end)?;
        let (code, status) = reap(&self.pidfd)?;
        Ok(code == libc::CLD_EXITED && status == 0 && rest.is_empty())
    }

    fn finish_said(mut self) -> Outcome<()> {
        let said = read_to_end(&mut self.stdout)?;
        check_said(self.end()?, &said, b"")
    }
}

fn check_nothing(success: bool, said: &[u8]) -> Outcome<()> {
    if success && said.is_empty() {
        return Ok(());
    }
    Err(format!("success {success}, then {} bytes", said.len()).into())
}

/// Waits for a child's end: how it ended and with what.
pub fn reap(pidfd: &OwnedFd) -> io::Result<(c_int, c_int)> {
    // SAFETY: waitid writes one siginfo_t to a live value; zero is a valid one.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let fd = pidfd.as_raw_fd() as libc::id_t;
        if libc::waitid(libc::P_PIDFD, fd, &mut info, libc::WEXITED) != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok((info.si_code, info.si_status()))
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

fn start(image: &Image, null: &File, stack: &mut [u8], is_merged: bool) -> io::Result<Running> {
    let (stdout, child_stdout) = pipe()?;
    let (stderr, child_stderr) = if is_merged { None } else { Some(pipe()?) }.unzip();
    let last = child_stderr.as_ref().unwrap_or(&child_stdout);
    let descriptors = [null.as_raw_fd(), child_stdout.as_raw_fd(), last.as_raw_fd()];
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

impl Raw {
    fn say(&mut self) -> Outcome<Running> {
        Ok(start(&self.say, &self.null, &mut self.stack, false)?)
    }
}

impl Contender for Raw {
    fn about(&self, work: &str) -> &'static str {
        match work {
            "starts" | "crowded" | "heavy" | "cold" => {
                "pipe2 twice, clone(CLONE_VM|CLONE_VFORK|CLONE_PIDFD) with setpgid, dup2 and execve \
                 in the child, read(2) of stdout then stderr to the end, waitid on the pidfd"
            }
            "flight" => "as for single starts; when 64 are running, the oldest is read and reaped",
            "bytes" => "a pipe of 256 KiB, read(2) of 64 KiB at a time on the calling thread",
            "lines" => {
                "a pipe of 256 KiB, read(2) on the calling thread, lines cut with memchr in place"
            },
            "latency" => "blocking read(2) on the calling thread",
            "idle" => "as for single starts, each pipe and pidfd entered into one epoll; the end is \
                       SIGTERM to all through their pidfds, then waitid of each and close",
            "chatty" => "one epoll loop, read(2) of what is ready, lines counted with memchr",
            _ => "clone, execve, read(2), waitid",
        }
    }

    fn start_and_reap(&mut self) -> Outcome<()> {
        self.say()?.finish_said()
    }

    fn in_flight(&mut self, count: usize, width: usize) -> Outcome<()> {
        let mut running = VecDeque::with_capacity(width);
        for _ in 0..count {
            if running.len() == width {
                running.pop_front().map_or(Ok(()), Running::finish_said)?;
            }
            running.push_back(self.say()?);
        }
        running.into_iter().try_for_each(Running::finish_said)
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

    fn open_fleet(&mut self, fleet: &Fleet) -> Outcome<()> {
        let image = Image::new(&fleet.child)?;
        for _ in 0..fleet.count {
            self.fleet.add(start(&image, &self.null, &mut self.stack, fleet.is_merged)?)?;
        }
        Ok(())
    }

    fn drain_fleet(&mut self, lines: u64) -> Outcome<()> {
        self.fleet.drain(lines)
    }

    fn stop_fleet(&mut self) -> Outcome<()> {
        self.fleet.stop()
    }
}
