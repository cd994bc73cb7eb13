//! Mode `relay`: the guard of a command of another user, started by sudo.
//!
//! Sudo closes everything but the standard streams, so its input is the control socket; where sudo
//! logs input, that is a pipe, and the relay connects to the host itself. The relay says hello, is
//! given in records what the spawn layer puts in place for a guard (descriptors, directory, limits,
//! strings), and then is a guard. A host that goes away ends it.

use crate::connect;
use crate::control::{Control, Received};
use crate::entry::Args;
use crate::guard;
use crate::process;
use crate::protocol::{kind, step, Record, TEXT};
use crate::raw::numbers as nr;
use crate::raw::{self, Answer, Poll};

const POINTER: usize = size_of::<usize>();
const MOST_BYTES: i64 = 1 << 30;
const MOST_STRINGS: i64 = 1 << 24;

struct Relay {
    control: Control,
    args: Option<Args>,
}

/// Runs the mode: `keeper relay ADDRESS`.
pub fn run(args: &Args) -> i32 {
    let mask = process::set_mask(u64::MAX);
    let Some(control) = greet(args) else { return 64 };
    let mut relay = Relay { control, args: None };
    loop {
        raw::poll(&mut [Poll::readable(relay.control.fd)], -1);
        match relay.control.receive() {
            Received::Closed => return 0,
            Received::Nothing => {}
            Received::Record(record, _) if record.kind == kind::GO => return relay.go(mask),
            Received::Record(record, fds) => {
                if let Err((step, errno)) = relay.obey(&record, fds[0]) {
                    return relay.fail(step, errno);
                }
            }
        }
    }
}

/// Says hello, over the input or back to the host where sudo has put a pipe in its place. Then the
/// word that comes through the pipe goes back, which only the program that sudo has started knows.
fn greet(args: &Args) -> Option<Control> {
    let mut hello = Record::new(kind::HELLO, 0, &[]);
    let mut control = Control { fd: 0 };
    if !connect::is_control(0) {
        control.fd = connect::to_host(args.get(2)?).ok()?;
        let mut word = [0; TEXT];
        hello.set_text(read_word(&mut word)?);
    }
    let own = process::pidfd_open(process::getpid()).unwrap_or(-1);
    control.send(&hello, own);
    raw::close(own);
    Some(control)
}

/// The first line of the input; nothing if it ends before.
fn read_word(word: &mut [u8; TEXT]) -> Option<&[u8]> {
    for length in 0..TEXT {
        read_all(0, word.get_mut(length..=length)?).ok()?;
        if word[length] == b'\n' {
            return word.get(..length);
        }
    }
    None
}

impl Relay {
    fn fail(&self, step: i64, errno: i32) -> i32 {
        self.control.send(&Record::new(kind::FAILED, 0, &[step, errno.into(), 0]), -1);
        0
    }

    fn go(self, mask: u64) -> i32 {
        let Some(args) = &self.args else { return 64 };
        if let (Some([_, ..]), Some(path)) = (args.get(0), args.pointer(0)) {
            // SAFETY: the string ends with NUL.
            if let Err(errno) = unsafe { raw::ask(nr::CHDIR, &[path as usize]) } {
                return self.fail(step::CHDIR, errno);
            }
        }
        guard::serve(args, self.control, process::getppid(), mask)
    }

    fn obey(&mut self, record: &Record, fd: i32) -> Result<(), (i64, i32)> {
        let values = &record.values;
        let (step, answer) = match record.kind {
            kind::BEGIN => (step::DESCRIPTORS, self.move_away(values[0])),
            kind::PLACE => (step::DESCRIPTORS, place(fd, values[0])),
            kind::DIRECTORY => (step::CHDIR, change_directory(fd)),
            kind::STRINGS => (step::EXEC, self.take_strings(fd, values)),
            kind::UMASK => (step::LIMIT, raw::plain(nr::UMASK, &[values[0]])),
            kind::NICE => (step::NICE, raw::plain(nr::SETPRIORITY, &[0, 0, values[0]])),
            kind::CPUS => (step::AFFINITY, set_cpus(record.text())),
            kind::LIMIT => (step::LIMIT, set_limit(values)),
            _ => return Ok(()),
        };
        answer.map(drop).map_err(|errno| (step, errno))
    }

    /// Moves the socket above all numbers that the command's descriptors will take.
    fn move_away(&mut self, highest: i64) -> Answer {
        const F_DUPFD_CLOEXEC: i64 = 1030;
        let fd = raw::plain(nr::FCNTL, &[self.control.fd.into(), F_DUPFD_CLOEXEC, highest + 1])?;
        self.control.fd = fd as i32;
        Ok(0)
    }

    fn take_strings(&mut self, fd: i32, values: &[i64; 6]) -> Answer {
        let [arguments, variables, length, ..] = *values;
        let sane = |count: i64, most: i64| (0..=most).contains(&count);
        if fd < 0 || self.args.is_some() || !sane(length, MOST_BYTES) {
            return Err(raw::EINVAL);
        }
        if !sane(arguments, MOST_STRINGS) || !sane(variables, MOST_STRINGS) {
            return Err(raw::EINVAL);
        }
        let args = strings(fd, arguments as usize, variables as usize, length as usize);
        raw::close(fd);
        self.args = Some(args?);
        Ok(0)
    }
}

/// The descriptor is put in its place and stays open across exec.
fn place(fd: i32, target: i64) -> Answer {
    const F_SETFD: i64 = 2;
    if fd < 0 {
        return Err(raw::EMFILE);
    }
    if i64::from(fd) == target {
        return raw::plain(nr::FCNTL, &[target, F_SETFD, 0]);
    }
    let placed = raw::plain(nr::DUP3, &[fd.into(), target, 0]);
    raw::close(fd);
    placed
}

fn change_directory(fd: i32) -> Answer {
    let answer = raw::plain(nr::FCHDIR, &[fd.into()]);
    raw::close(fd);
    answer
}

fn set_cpus(cpus: &[u8]) -> Answer {
    // SAFETY: the bytes are readable over their length.
    unsafe { raw::ask(nr::SCHED_SETAFFINITY, &[0, cpus.len(), cpus.as_ptr() as usize]) }
}

fn set_limit(values: &[i64; 6]) -> Answer {
    let [resource, soft, hard, ..] = *values;
    let limit = [soft as u64, hard as u64];
    // SAFETY: struct rlimit64 has two words.
    unsafe { raw::ask(nr::PRLIMIT64, &[0, resource as usize, limit.as_ptr() as usize, 0]) }
}

/// Lays the strings out as the kernel does: pointers to arguments, null, to variables, null.
fn strings(fd: i32, arguments: usize, variables: usize, length: usize) -> Result<Args, i32> {
    let table = (arguments + variables + 2) * POINTER;
    let memory = process::map(table + length + 1)?;
    // SAFETY: inside the fresh mapping; the last byte stays zero.
    let bytes = unsafe { core::slice::from_raw_parts_mut(memory.add(table), length) };
    read_all(fd, bytes)?;
    let mut rest = bytes;
    for index in 0..arguments + variables {
        let end = rest.iter().position(|byte| *byte == 0).ok_or(raw::EINVAL)?;
        let (string, after) = rest.split_at_mut(end + 1);
        let slot = index + usize::from(index >= arguments);
        // SAFETY: the table has a slot for each string and two nulls.
        unsafe { memory.cast::<*mut u8>().add(slot).write(string.as_mut_ptr()) };
        rest = after;
    }
    // SAFETY: laid out as promised, in memory that is never given back.
    Ok(unsafe { Args::new(memory.cast(), arguments) })
}

fn read_all(fd: i32, mut bytes: &mut [u8]) -> Result<(), i32> {
    while !bytes.is_empty() {
        match raw::read(fd, bytes) {
            Ok(0) => return Err(raw::EINVAL),
            Ok(count) => bytes = bytes.get_mut(count..).unwrap_or_default(),
            Err(raw::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
