//! A child-process engine: start, stream, watch and stop many processes, and leave nothing behind.
//!
//! The modules in data-flow order; an arrow points to what may be used:
//! `error <- command <- sys <- { spawn, reactor } <- { keeper, cgroup, output } <- process <-
//! manager <- run`, with `sudo` between `keeper` and `process` and `extractor` beside `manager`.

#![deny(unsafe_code)]

mod cgroup;
mod command;
mod error;
mod extractor;
mod keeper;
mod manager;
mod output;
mod process;
mod quiesce;
mod reactor;
mod run;
mod spawn;
mod sudo;
mod sync;
mod sys;
mod types;

pub use command::{
    Affinity, Command, Descendants, DropPolicy, EnvPlan, ExtraFd, GroupMode, OutputOptions,
    OutputPolicy, Program, Rlimit, Stdin, Stdout, StopLadder, StopStep, UserSpec,
};
pub use error::{ExtractionError, ProcessError, Result, StartError, StartErrorKind, StartStep};
pub use extractor::{BinaryExtractor, BinaryExtractorBuilder, ExtractionLocation};
pub use manager::{
    EventKind, EventStream, Pipeline, ProcessEvent, ProcessManager, ReadyList, Watch, WatchItem,
};
pub use output::{
    Batch, BatchCursor, BlockingLines, ChunkStream, Chunks, LineStream, Lines, OutputChunk,
    OutputData, OutputRead, OutputReader, OutputRecord, OutputSource, OutputStream, Record,
    RecordData, RecordStream, Records, SharedBytes,
};
pub use process::{Closed, Exit, ProcessRunner, StdinWriter, Stopped};
pub use run::RunOptions;
pub use sudo::{SudoError, SudoErrorKind, SudoMode, SudoOptions};
pub use types::{
    Containment, ExitStatus, ProcessConfig, ProcessInfo, ProcessStatus, ResourceUsage, RunEnd,
    RunError, RunOutput,
};

/// What the language bindings share with the core; not part of the API.
#[doc(hidden)]
pub mod support {
    pub use crate::output::SharedBatch;
    pub use crate::quiesce::Quiesce;
    pub use zeroize::Zeroizing;

    /// A duplicate of a descriptor that the host names by its number.
    ///
    /// Errors: EBADF for one that is not open, EMFILE.
    pub fn duplicate(fd: std::os::fd::RawFd) -> std::io::Result<std::os::fd::OwnedFd> {
        crate::sys::duplicate::duplicate(fd)
    }

    /// As `start_all_or_none`, with the handles of what was started: a process that has ended
    /// meanwhile may have lost its entry.
    ///
    /// Errors: as there.
    pub fn start_together(
        manager: &crate::ProcessManager,
        commands: Vec<crate::Command>,
    ) -> crate::Result<Vec<crate::ProcessRunner>> {
        manager.start_together(commands)
    }

    /// Ends the engine's thread for a fork of a host that counts its threads, until
    /// [`end_fork`] is called as often. Processes run on; what they do is seen afterwards.
    pub fn begin_fork() {
        crate::reactor::park();
    }

    /// Takes one [`begin_fork`] back, in the process that called it.
    pub fn end_fork() {
        crate::reactor::unpark();
    }
}
