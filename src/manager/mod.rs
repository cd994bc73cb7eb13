//! Many processes over one extractor and one reactor: start, query, stop, watch.

mod batch;
mod events;
mod pipeline;
mod ready;
mod registry;
mod sudo;
mod talk;
mod watch;

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;
use uuid::Uuid;

pub use events::{EventKind, EventStream, ProcessEvent};
pub use pipeline::Pipeline;
pub use ready::ReadyList;
pub use watch::{Watch, WatchItem};

use crate::command::{Command, Program, StopLadder, UserSpec};
use crate::error::{ProcessError, Result};
use crate::extractor::BinaryExtractor;
use crate::keeper::{Registration, Watched};
use crate::output::OutputStream;
use crate::process::{launch, Engine, Launch, Observer, Origin, Process, ProcessRunner};
use crate::reactor::{Hold, Reactor};
use crate::types::ProcessInfo;
use events::Events;
use registry::Registry;

/// What is executed, and the same as a descriptor.
type Executable = (PathBuf, Option<Arc<OwnedFd>>);

/// A registry of processes over one extractor.
///
/// Clones share it. All methods may be called from any thread, at once. When the last clone goes,
/// every process that has no other handle is ended by its [`DropPolicy`](crate::DropPolicy).
#[derive(Clone)]
pub struct ProcessManager {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    /// The extractor's directory with the watcher: forgotten there before it is removed here.
    directory: OnceCell<Watched>,
    extractor: BinaryExtractor,
    engine: OnceCell<Arc<Engine>>,
    registry: Arc<Mutex<Registry>>,
    events: Arc<Events>,
    ready: OnceCell<ReadyList>,
    /// Comes with the engine and goes last.
    hold: OnceCell<Hold>,
}

impl Default for ProcessManager {
    /// A manager whose extractor makes its directory when the first binary is added.
    fn default() -> Self {
        Self::new(BinaryExtractor::default())
    }
}

impl ProcessManager {
    /// A manager over this extractor. Costs nothing until the first process: no thread, no
    /// descriptor.
    pub fn new(extractor: BinaryExtractor) -> Self {
        let shared = Shared {
            directory: OnceCell::new(),
            extractor,
            engine: OnceCell::new(),
            registry: Arc::default(),
            events: Arc::default(),
            ready: OnceCell::new(),
            hold: OnceCell::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The extractor: binaries can be added and replaced while processes run.
    pub fn extractor(&self) -> BinaryExtractor {
        self.shared.extractor.clone()
    }

    /// The names of the extractor's binaries.
    pub fn available_binaries(&self) -> Vec<String> {
        self.shared.extractor.list_binaries()
    }

    /// Starts a process and gives its id. The start itself happens on this thread, at once.
    ///
    /// Errors: [`ProcessError::InvalidArgument`], [`ProcessError::BinaryNotFound`],
    /// [`ProcessError::StartFailed`], [`ProcessError::Forked`]; no entry is left then.
    pub async fn start_process(&self, command: impl Into<Command>) -> Result<Uuid> {
        self.start(command).map(|runner| runner.id())
    }

    /// Starts a process on this thread and gives its handle.
    ///
    /// Errors: as [`start_process`](Self::start_process).
    pub fn start(&self, command: impl Into<Command>) -> Result<ProcessRunner> {
        self.start_from(Origin::Attended, command.into())
    }

    pub(crate) fn start_from(&self, origin: Origin, command: Command) -> Result<ProcessRunner> {
        command.validate()?;
        let (program, exec_fd) = self.executable(&command, false)?;
        self.launch(&command, &program, exec_fd, origin)
    }

    /// The file to execute, and the same as a descriptor where it has no path for that.
    fn executable(&self, command: &Command, by_sudo: bool) -> Result<Executable> {
        let name = match &command.program {
            Program::Path(path) => return Ok((path.clone(), None)),
            Program::Extracted(name) => name,
        };
        let as_other_user = by_sudo || command.user != UserSpec::default();
        let binary = self.shared.extractor.open(name, as_other_user)?;
        self.watch_directory()?;
        Ok((binary.path, binary.exec_fd))
    }

    /// Has the extractor's directory removed when the host is killed, from its first use on.
    fn watch_directory(&self) -> Result<()> {
        if self.shared.directory.get().is_some() {
            return Ok(());
        }
        let Some(place) = self.shared.extractor.place() else { return Ok(()) };
        let watch = || {
            let watched = self.engine()?.watcher()?.watch(Registration::Directory(place))?;
            // It outlives every run, and so must whoever notices that the watcher was killed.
            self.reactor()?.attend()?;
            Ok::<_, ProcessError>(watched)
        };
        self.shared.directory.get_or_try_init(watch).map(drop)
    }

    fn launch(
        &self,
        command: &Command,
        program: &Path,
        exec_fd: Option<Arc<OwnedFd>>,
        origin: Origin,
    ) -> Result<ProcessRunner> {
        let engine = self.engine()?;
        let observer = Some(self.shared.observer());
        let mut admitted = None;
        let announce = &mut |process: &Arc<Process>| {
            let runner = ProcessRunner::new(process.clone());
            self.shared.admit(&runner);
            admitted = Some(runner);
        };
        let parts = Launch { engine, program, exec_fd, observer, origin, announce };
        let launched = launch(command, parts);
        match (launched, admitted) {
            (Ok(_), Some(runner)) => Ok(runner),
            (Ok(process), None) => Ok(ProcessRunner::new(process)),
            (Err(error), admitted) => {
                admitted.iter().for_each(|runner| self.forget(runner.id()));
                Err(error)
            }
        }
    }

    /// Stops a process and its descendants by its ladder and waits until they are gone.
    ///
    /// Errors: [`ProcessError::ProcessNotFound`], [`ProcessError::Forked`].
    pub async fn stop_process(&self, id: Uuid) -> Result<()> {
        self.find(id)?.stop().await
    }

    /// Blocking twin of [`stop_process`](Self::stop_process); `None` means the process's own
    /// ladder.
    ///
    /// Errors: as there, and [`ProcessError::StopFailed`] when something is left at the end.
    pub fn stop_process_blocking(&self, id: Uuid, ladder: Option<StopLadder>) -> Result<()> {
        self.find(id)?.stop_blocking(ladder)
    }

    /// Kills the tree of a process, waits until it is gone (at most five seconds) and removes its
    /// entry.
    ///
    /// Errors: [`ProcessError::ProcessNotFound`], [`ProcessError::StopFailed`] (the entry stays
    /// then), [`ProcessError::Forked`].
    pub fn kill_process(&self, id: Uuid) -> Result<()> {
        self.find(id)?.kill()?;
        self.forget(id);
        Ok(())
    }

    /// The newest facts about a process.
    pub fn get_process_info(&self, id: Uuid) -> Option<ProcessInfo> {
        self.runner(id).map(|runner| runner.info().clone())
    }

    /// The output of a process as lines, from the oldest that is retained.
    pub fn get_output_stream(&self, id: Uuid) -> Option<OutputStream> {
        self.runner(id).map(|runner| runner.get_output_stream())
    }

    /// The handle of a process.
    pub fn runner(&self, id: Uuid) -> Option<ProcessRunner> {
        self.registry().get(id)
    }

    /// All entries, in the order of their start.
    pub fn list_processes(&self) -> Vec<ProcessInfo> {
        self.runners().iter().map(|runner| runner.info().clone()).collect()
    }

    /// The entries whose process runs.
    pub fn get_running_processes(&self) -> Vec<ProcessInfo> {
        let running = self.runners().into_iter().filter(ProcessRunner::is_running);
        running.map(|runner| runner.info().clone()).collect()
    }

    /// The number of entries.
    pub fn get_process_count(&self) -> usize {
        self.registry().len()
    }

    /// The number of entries whose process runs.
    pub fn get_running_count(&self) -> usize {
        self.runners().iter().filter(|runner| runner.is_running()).count()
    }

    /// Removes the entry of a process that has ended.
    ///
    /// Errors: [`ProcessError::ProcessNotFound`], [`ProcessError::InvalidArgument`] while it runs.
    pub fn remove_process(&self, id: Uuid) -> Result<ProcessInfo> {
        let runner = self.find(id)?;
        if runner.is_running() {
            return Err(ProcessError::invalid("process id", format!("{id} is still running")));
        }
        self.forget(id);
        Ok(runner.info().clone())
    }

    /// Takes a process out of the registry without ending it, and gives its handle: what becomes
    /// of it is the handle's [`DropPolicy`](crate::DropPolicy) from now on.
    ///
    /// Errors: [`ProcessError::ProcessNotFound`].
    pub fn take_process(&self, id: Uuid) -> Result<ProcessRunner> {
        self.registry().remove(id).ok_or(ProcessError::ProcessNotFound(id))
    }

    /// How many ended entries are kept; the oldest go first. Default 1024.
    pub fn set_retention(&self, entries: usize) {
        // The handles go after the lock: dropping one may wait for its process.
        let evicted = self.registry().set_retention(entries);
        drop(evicted);
    }

    /// The events of all processes from now on.
    pub fn events(&self) -> Result<EventStream> {
        Ok(self.shared.events.subscribe(Hold::new(self.reactor()?)))
    }

    /// The events of all processes from now on together with their output, as one stream.
    ///
    /// Processes that run already take part with the output that is retained.
    pub fn watch(&self) -> Result<Watch> {
        let watch = Watch::new(self.events()?, Arc::downgrade(&self.shared.registry));
        Ok(watch)
    }

    /// The list behind one descriptor for event loops: see [`ReadyList`].
    ///
    /// Errors: [`ProcessError::Io`] when descriptors cannot be made.
    pub fn ready(&self) -> Result<ReadyList> {
        let ready = self
            .shared
            .ready
            .get_or_try_init(|| Ok::<_, ProcessError>(ReadyList::new(self.reactor()?.clone())))?;
        Ok(ready.clone())
    }

    /// Drives the engine until a token of the [`ReadyList`] is ready or the time is over, and
    /// takes the ready ones. Zero makes one turn without waiting; `None` waits without a deadline.
    ///
    /// Errors: [`ProcessError::Forked`], [`ProcessError::Io`].
    pub fn poll_ready(&self, timeout: Option<Duration>) -> Result<Vec<u64>> {
        let ready = self.ready()?;
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        ready.wait(deadline)
    }

    pub(crate) fn reactor(&self) -> Result<&Arc<Reactor>> {
        self.engine().map(|engine| engine.reactor())
    }

    fn engine(&self) -> Result<&Arc<Engine>> {
        let engine = self.shared.engine.get_or_try_init(Engine::new)?;
        self.shared.hold.get_or_init(|| Hold::new(engine.reactor()));
        Ok(engine)
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        lock(&self.shared.registry)
    }

    /// Removes an entry. Its handle goes after the lock: it can be the last one, which waits for
    /// the process and tells the registry of its end.
    fn forget(&self, id: Uuid) {
        let entry = self.registry().remove(id);
        drop(entry);
    }

    fn runners(&self) -> Vec<ProcessRunner> {
        self.registry().all()
    }

    fn find(&self, id: Uuid) -> Result<ProcessRunner> {
        self.runner(id).ok_or(ProcessError::ProcessNotFound(id))
    }
}

impl std::fmt::Debug for ProcessManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessManager").field("processes", &self.list_processes()).finish()
    }
}

impl Shared {
    fn observer(&self) -> Arc<dyn Observer> {
        Arc::new(registry::Watcher::new(&self.registry, &self.events))
    }

    /// Enters a process before anything of it can be seen. Its first event is its start: who finds
    /// it in the registry, to stop it say, comes after that.
    fn admit(&self, runner: &ProcessRunner) {
        let mut wakers = Vec::new();
        let mut registry = lock(&self.registry);
        registry.insert(runner.clone());
        self.events.publish(runner.id(), EventKind::Started, &mut wakers);
        drop(registry);
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Shared {
    /// All trees are asked to go before the first is waited for.
    fn drop(&mut self) {
        // In a forked copy the lock may never come free, and there is nothing to end.
        if self.hold.get().is_some_and(|hold| hold.check_fork().is_err()) {
            return;
        }
        let runners = lock(&self.registry).clear();
        batch::end_together(runners);
        self.events.end();
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
