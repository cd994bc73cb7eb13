//! Gives a relay all that the spawn layer would have put in place for a guard.

use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{MemfdFlags, Mode, OFlags};

use crate::command::{Command, GroupMode, UserSpec};
use crate::error::{ProcessError, Result};
use crate::keeper::protocol::{kind, Record, TEXT};
use crate::keeper::{self, Channel};
use crate::spawn::{Prepared, SpawnContext};
use crate::types::Containment;

/// Refuses what a relay cannot do.
fn check(command: &Command) -> Result<()> {
    if command.user != UserSpec::default() {
        return Err(ProcessError::invalid("user", "with sudo, the options of sudo say who"));
    }
    if command.group == GroupMode::Host {
        let reason = "a process started by sudo cannot join the host's group";
        return Err(ProcessError::Unsupported(reason.into()));
    }
    match command.containment {
        None | Some(Containment::Guard) => Ok(()),
        Some(_) => {
            let reason = "a process started by sudo is contained by a guard only";
            Err(ProcessError::Unsupported(reason.into()))
        }
    }
}

/// Sends everything. Limits come last: they may forbid the rest.
pub(super) fn send(
    channel: &Channel,
    command: &Command,
    context: &SpawnContext<'_>,
    prepared: &Prepared,
) -> Result<()> {
    check(command)?;
    let highest = prepared.descriptors.iter().map(|(_, target)| *target).max().unwrap_or(2);
    let exec_at = highest.saturating_add(1);
    let to = Sender { channel };
    to.tell(kind::BEGIN, &[exec_at.into()], None)?;
    for (fd, target) in &prepared.descriptors {
        to.tell(kind::PLACE, &[(*target).into()], Some(fd.as_fd()))?;
    }
    if let Some(fd) = context.exec_fd {
        to.tell(kind::PLACE, &[exec_at.into()], Some(fd))?;
    }
    to.directory()?;
    let exec_at = if context.exec_fd.is_some() { exec_at } else { -1 };
    to.strings(command, context, prepared, exec_at)?;
    to.options(command)?;
    to.tell(kind::GO, &[], None)
}

struct Sender<'a> {
    channel: &'a Channel,
}

impl Sender<'_> {
    fn tell(&self, kind: u16, values: &[i64], fd: Option<BorrowedFd<'_>>) -> Result<()> {
        self.record(&Record::new(kind, 0, values), fd)
    }

    fn record(&self, record: &Record, fd: Option<BorrowedFd<'_>>) -> Result<()> {
        let sent = self.channel.send(record, fd.as_slice());
        sent.map_err(|error| ProcessError::io("hand the command to the relay", error))
    }

    /// The host's own directory, from which relative paths count. A host whose directory was
    /// removed has none to give.
    fn directory(&self) -> Result<()> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::open(".", flags, Mode::empty()) {
            Ok(fd) => self.tell(kind::DIRECTORY, &[], Some(fd.as_fd())),
            Err(_) => Ok(()),
        }
    }

    fn strings(
        &self,
        command: &Command,
        context: &SpawnContext<'_>,
        prepared: &Prepared,
        exec_at: i32,
    ) -> Result<()> {
        // The relay's socket has its own number there; a guard's start names one, unused here.
        let arguments = keeper::guard_arguments(command, context, (0, exec_at));
        let mut bytes = Vec::new();
        let mut push = |text: &[u8]| {
            bytes.extend_from_slice(text);
            bytes.push(0);
        };
        push(command.cwd.as_ref().map_or(b"", |path| path.as_os_str().as_bytes()));
        arguments.iter().for_each(|text| push(text.as_bytes()));
        prepared.environment().for_each(&mut push);
        let counts = [arguments.len() + 1, prepared.environment().count(), bytes.len()];
        let counts = counts.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        let file = memory_file(&bytes);
        let file = file.map_err(|error| ProcessError::io("memory for the arguments", error))?;
        self.tell(kind::STRINGS, &counts, Some(file.as_fd()))
    }

    fn options(&self, command: &Command) -> Result<()> {
        if let Some(umask) = command.umask {
            self.tell(kind::UMASK, &[umask.into()], None)?;
        }
        if let Some(nice) = command.nice {
            self.tell(kind::NICE, &[nice.into()], None)?;
        }
        if let Some(affinity) = &command.affinity {
            let mut record = Record::new(kind::CPUS, 0, &[]);
            let bytes: Vec<u8> =
                affinity.words.iter().flat_map(|word| word.to_ne_bytes()).collect();
            record.set_text(bytes.get(..bytes.len().min(TEXT)).unwrap_or_default());
            self.record(&record, None)?;
        }
        for limit in &command.rlimits {
            let (soft, hard) = (limit.soft.cast_signed(), limit.hard.cast_signed());
            self.tell(kind::LIMIT, &[limit.resource.into(), soft, hard], None)?;
        }
        Ok(())
    }
}

fn memory_file(bytes: &[u8]) -> std::io::Result<OwnedFd> {
    let mut file = File::from(rustix::fs::memfd_create("pm-arguments", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file.into())
}
