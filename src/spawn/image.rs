//! What execve(2) is given: arguments, environment, the paths or the descriptor to execute.

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;

use super::{lookup, SpawnContext};
use crate::command::{Command, Program};
use crate::sys::spawn::{ExecFd, StringTable, StringTableBuilder};

/// The tables for one start.
pub(super) struct Image {
    pub(super) argv: StringTable,
    pub(super) envp: StringTable,
    pub(super) candidates: StringTable,
}

impl Image {
    /// Prepares the tables.
    ///
    /// The host's environment is copied through `std::env`, whose lock keeps Rust code that sets
    /// variables away meanwhile. A host that calls C's setenv(3) on another thread at the same
    /// time races with every reader of its environment, this one included.
    pub(super) fn new(command: &Command, context: &SpawnContext<'_>) -> Self {
        let variables = environment(command);
        Self {
            argv: arguments(command, context),
            candidates: lookup::candidates(program(context), path_in(&variables)),
            envp: assignments(&variables),
        }
    }
}

/// The paths to try, without the rest: the environment is asked only where they depend on it.
pub(super) fn candidates(command: &Command, context: &SpawnContext<'_>) -> StringTable {
    let program = program(context);
    let is_searched = lookup::is_searched(program);
    let variables = if is_searched { environment(command) } else { Vec::new() };
    lookup::candidates(program, path_in(&variables))
}

fn program<'a>(context: &SpawnContext<'a>) -> &'a [u8] {
    context.program.as_os_str().as_bytes()
}

fn path_in(variables: &[(OsString, OsString)]) -> Option<&[u8]> {
    let path = variables.iter().find(|(name, _)| name.as_bytes() == b"PATH");
    path.map(|(_, value)| value.as_bytes())
}

fn environment(command: &Command) -> Vec<(OsString, OsString)> {
    if command.env.is_inherited() {
        return std::env::vars_os().collect();
    }
    command.env.resolve(std::env::vars_os())
}

fn assignments(variables: &[(OsString, OsString)]) -> StringTable {
    let length = |(name, value): &(OsString, OsString)| name.len() + 1 + value.len();
    let room = variables.iter().map(length).sum();
    let mut table = StringTableBuilder::with_room(variables.len(), room);
    for (name, value) in variables {
        table.push(&[name.as_bytes(), b"=", value.as_bytes()]);
    }
    table.build()
}

fn arguments(command: &Command, context: &SpawnContext<'_>) -> StringTable {
    let own_name = own_name(command, context).as_bytes();
    let room = own_name.len() + command.args.iter().map(|arg| arg.len()).sum::<usize>();
    let mut table = StringTableBuilder::with_room(1 + command.args.len(), room);
    table.push(&[own_name]);
    command.args.iter().for_each(|arg| table.push(&[arg.as_bytes()]));
    table.build()
}

/// `argv[0]`: as chosen, else the program as given. An extracted binary gets its path, by which
/// it can find what lies beside it.
pub(super) fn own_name<'a>(command: &'a Command, context: &SpawnContext<'a>) -> &'a OsStr {
    match (&command.arg0, &command.program) {
        (Some(arg0), _) => arg0,
        (None, Program::Path(path)) => path.as_os_str(),
        (None, Program::Extracted(_)) => context.program.as_os_str(),
    }
}

/// How to execute a descriptor. A script's interpreter opens the script by the descriptor's
/// number, so that one must survive exec; for a binary nothing stays open.
pub(super) fn exec_fd(fd: BorrowedFd<'_>) -> ExecFd {
    let mut start = [0u8; 2];
    let keep = rustix::io::pread(fd, &mut start, 0) == Ok(2) && start == *b"#!";
    ExecFd { fd: Cell::new(fd.as_raw_fd()), keep }
}
