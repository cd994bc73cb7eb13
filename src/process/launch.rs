//! From a command to a watched process: nothing is left when a step fails.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use chrono::Utc;
use uuid::Uuid;

use super::core::{After, Inner, Policy, Process};
use super::deadlines::Timer;
use super::engine::Engine;
use super::exit::{GUARD, HOLDER, PIDFD};
use super::hold::{self, Ends};
use super::input::Input;
use super::observer::Observer;
use super::pipes::Pipe;
use super::snapshots::Snapshots;
use super::state::{Event, Output, State};
use super::tree::Tree;
use crate::command::{Command, Stdin};
use crate::error::Result;
use crate::output::{OutputLog, OutputSource};
use crate::reactor::{Interest, Key};
use crate::sudo::Relay;
use crate::sys::orphans;
use crate::types::{ExitStatus, ProcessInfo, ProcessStatus};

/// What a launch needs beside the command.
pub(crate) struct Launch<'a> {
    pub engine: &'a Arc<Engine>,
    /// The file to execute, where the command names an extracted binary.
    pub program: &'a Path,
    /// The same as a descriptor, where it has no path that can be executed.
    pub exec_fd: Option<Arc<OwnedFd>>,
    pub observer: Option<Arc<dyn Observer>>,
    pub origin: Origin,
    /// Called once the process exists and before anything of it can be seen.
    pub announce: &'a mut dyn FnMut(&Arc<Process>),
}

/// Who starts a process, and who serves it as long as nobody waits for it.
pub(crate) enum Origin {
    /// This thread; it is left to the engine's.
    Attended,
    /// This thread, which waits for its end next, and so serves it itself.
    Awaited,
    /// What sudo has started, to start it as another user; it is left to the engine's thread.
    Relayed(Relay),
}

/// Starts the process on this thread and hands it to the reactor.
pub(crate) fn launch(command: &Command, launch: Launch<'_>) -> Result<Arc<Process>> {
    let engine = launch.engine;
    engine.reactor().check_fork()?;
    engine.reactor().hold_off();
    orphans::sweep();
    let exec_fd = launch.exec_fd.as_ref();
    let is_awaited = matches!(launch.origin, Origin::Awaited);
    let (tree, ends) = match launch.origin {
        Origin::Relayed(relay) => hold::start_relayed(command, launch.program, exec_fd, relay)?,
        _ => hold::start(engine, command, launch.program, exec_fd)?,
    };
    let process = Process::new(command, tree, ends, engine.clone(), launch.observer);
    let process = Arc::new(process);
    (launch.announce)(&process);
    match process.watch_all(command, is_awaited) {
        Ok(()) => Ok(process),
        Err(error) => {
            process.give_up();
            Err(error)
        }
    }
}

impl Process {
    fn new(
        command: &Command,
        tree: Tree,
        ends: Ends,
        engine: Arc<Engine>,
        observer: Option<Arc<dyn Observer>>,
    ) -> Self {
        let is_open = ends.stdout.is_some() || ends.stderr.is_some();
        let state = State::started(if is_open { Output::Open } else { Output::Ended });
        let log = OutputLog::new(command.output, ends.stdout.is_some(), ends.stderr.is_some());
        let info = first_info(command, &tree);
        Self {
            id: info.id,
            engine,
            pid: tree.pid(),
            key: OnceLock::new(),
            log,
            pipes: [
                Pipe::new(OutputSource::Stdout, 1, ends.stdout),
                Pipe::new(OutputSource::Stderr, 2, ends.stderr),
            ],
            input: Input::new(ends.stdin, feed_of(command)),
            policy: Policy {
                ladder: command.stop.clone(),
                output: command.output,
                descendants: command.descendants,
                on_drop: command.on_drop,
            },
            snapshots: Snapshots::new(info),
            observer,
            is_let_go: AtomicBool::new(false),
            is_awaited: AtomicBool::new(false),
            inner: std::sync::Mutex::new(Inner::new(state, tree)),
        }
    }

    /// The pidfd is watched last: the end may be seen at once, and then all else must stand.
    fn watch_all(self: &Arc<Self>, command: &Command, is_awaited: bool) -> Result<()> {
        let key = match is_awaited {
            true => self.reactor().insert_unattended(self.clone())?,
            false => self.reactor().insert(self.clone())?,
        };
        // Nobody else has set the key: the process is not shared yet.
        let _ = self.key.set(key);
        let hook = |act: fn(&Self)| {
            let weak = Arc::downgrade(self);
            Box::new(move || weak.upgrade().iter().for_each(|process| act(process)))
        };
        self.log.set_resume(hook(Self::resume_pipes));
        self.log.set_deserted(hook(Self::reader_gone));
        (0..self.pipes.len()).try_for_each(|index| self.watch_pipe(index))?;
        self.feed_input();
        self.start_clock(command.timeout);
        self.watch_end(key)
    }

    /// Also for a stop that came before there was a key: its deadline stands and was told nobody.
    fn start_clock(&self, timeout: Option<Duration>) {
        let mut inner = self.lock();
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        inner.deadlines.set(Timer::Timeout, until);
        self.rearm(&mut inner);
    }

    /// A guard tells of the end over its socket, and proves it by its own end.
    fn watch_end(&self, key: Key) -> Result<()> {
        let inner = self.lock();
        if inner.state.is_over() {
            // Left to itself before there was a key to remove.
            self.reactor().remove(key);
            return Ok(());
        }
        if let Some(guard) = inner.tree.guard() {
            self.reactor().watch(key, HOLDER, guard.as_fd(), Interest::READ)?;
            return self.reactor().watch(key, GUARD, guard.pidfd.as_fd(), Interest::READ);
        }
        let pidfd = inner.tree.pidfd();
        pidfd.map_or(Ok(()), |pidfd| self.reactor().watch(key, PIDFD, pidfd, Interest::READ))
    }

    /// Ends what was started and cannot be watched. Whoever was told of its start is told of its
    /// end.
    fn give_up(&self) {
        let mut after = After::default();
        let mut inner = self.lock();
        self.leave_reactor(&mut inner);
        inner.tree.end_now();
        self.run(&mut inner, Event::LeaderEnded(ExitStatus::Unknown, None), &mut after);
        drop(inner);
        after.tell(self, &mut |waker| waker.wake());
        self.abandon_output(&mut |waker| waker.wake());
    }
}

fn feed_of(command: &Command) -> Option<Arc<[u8]>> {
    match &command.stdin {
        Stdin::Bytes(bytes) => Some(bytes.clone()),
        _ => None,
    }
}

fn first_info(command: &Command, tree: &Tree) -> ProcessInfo {
    let program = command.program_label();
    let file_name = || {
        let name = Path::new(&program).file_name().map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_else(|| program.clone())
    };
    ProcessInfo {
        id: Uuid::now_v7(),
        name: command.name.clone().unwrap_or_else(file_name),
        pid: u32::try_from(tree.pid()).ok(),
        status: ProcessStatus::Running,
        exit: None,
        started_at: Some(Utc::now()),
        stopped_at: None,
        stop_requested: false,
        timed_out: false,
        containment: tree.level(),
        usage: None,
        program,
    }
}
