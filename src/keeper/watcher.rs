//! The host's watcher: what has to end when the host does is registered here.
//!
//! One per host, started with the first registration, told goodbye when the last handle goes. The
//! registrations are kept on this side too, so that a watcher that was killed is replaced by one
//! that knows as much. All calls from any thread. One that sends waits a second at most for a watcher
//! that does not read; one that needs it to watch waits ten for it to come up.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use rustix::process::{getpid, pidfd_send_signal, Signal};

use super::channel::{Channel, Incoming};
use super::protocol::{kind, Record};
use super::registration::Registration;
use super::Image;
use crate::command::{Command, Stdin, Stdout};
use crate::error::{ProcessError, Result};
use crate::spawn::{self, SpawnContext};
use crate::sys::fork::{epoch, PerProcess};
use crate::sys::pidfd;

const START_WAIT: Duration = Duration::from_secs(10);
const CONTROL_AT: i32 = 3;
/// Records that come with a start are left in the socket, up to so many: to read one costs the
/// watcher two switches.
const MOST_UNHEARD: u32 = 64;
static SHARED: PerProcess<Mutex<Weak<Watcher>>> = PerProcess::new();

/// The watcher of this host.
#[derive(Debug)]
pub(crate) struct Watcher {
    epoch: u64,
    image: Image,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    channel: Arc<Channel>,
    life: Life,
    entries: Vec<Slot>,
    free: Vec<u32>,
    unheard: u32,
    /// The watcher itself, once it watches.
    pidfd: Option<OwnedFd>,
    #[cfg(test)]
    pid: i32,
}

/// How far the watcher is. The host does other things while it comes up.
#[derive(Debug)]
enum Life {
    /// It has not said yet that it watches; until then nothing may rely on it.
    Starting { _intermediate: Intermediate },
    /// It watches.
    Ready,
}

/// The child that starts the watcher, so that the host is not its parent, and ends at once.
#[derive(Debug)]
struct Intermediate(OwnedFd);

impl Drop for Intermediate {
    fn drop(&mut self) {
        pidfd::collect(self.0.as_fd());
    }
}

#[derive(Debug)]
enum Slot {
    Free,
    Watched(Registration),
    /// Handed over: the number stays taken until the watcher says that it is done.
    Finishing(Registration),
}

/// A registration. Dropping it makes the watcher forget; [`Watched::finish`] makes it act.
#[derive(Debug)]
pub(crate) struct Watched {
    watcher: Arc<Watcher>,
    id: u32,
    active: bool,
}

impl Watcher {
    /// The host's watcher, begun to start where none runs.
    pub(crate) fn shared() -> Result<Arc<Watcher>> {
        let mut shared = SHARED.get().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watcher) = shared.upgrade() {
            return Ok(watcher);
        }
        let watcher = Arc::new(Watcher::start()?);
        *shared = Arc::downgrade(&watcher);
        Ok(watcher)
    }

    /// A watcher of its own, apart from the shared one.
    pub(super) fn start() -> Result<Watcher> {
        let image = Image::get()?;
        let (channel, life) = launch(&image)?;
        let (channel, entries, free) = (Arc::new(channel), Vec::new(), Vec::new());
        let mut state = State {
            channel,
            life,
            entries,
            free,
            unheard: 0,
            pidfd: None,
            #[cfg(test)]
            pid: -1,
        };
        if let Some(place) = image.place() {
            let id = state.claim(Registration::Directory(place));
            state.announce(id)?;
            state.remind();
        }
        Ok(Watcher { epoch: epoch(), image, state: Mutex::new(state) })
    }

    /// Waits until it watches: what starts afterwards and is registered will be ended.
    pub(crate) fn ready(&self) -> Result<()> {
        let mut state = self.lock();
        state.await_ready().or_else(|_| state.restart(&self.image))
    }

    /// Has `registration` ended when the host ends.
    pub(crate) fn watch(self: &Arc<Self>, registration: Registration) -> Result<Watched> {
        let mut state = self.lock();
        let is_directory = matches!(registration, Registration::Directory(_));
        let id = state.claim(registration);
        let sent = state.await_ready().and_then(|()| state.announce(id));
        let sent = sent.or_else(|_| state.restart(&self.image));
        // A directory comes with no start.
        if is_directory {
            state.remind();
        }
        if let Err(error) = sent {
            drop(state.release(id));
            return Err(error);
        }
        Ok(Watched { watcher: Arc::clone(self), id, active: true })
    }

    /// The channel to wait on: readable when [`Watcher::tend`] should be called. It is another one
    /// after a restart.
    pub(crate) fn channel(&self) -> Arc<Channel> {
        Arc::clone(&self.lock().channel)
    }

    /// The watcher's own process id.
    #[cfg(test)]
    pub(crate) fn pid(&self) -> i32 {
        let mut state = self.lock();
        let _ = state.await_ready();
        state.pid
    }

    /// Takes what the watcher says, and replaces it if it was killed. True: it was, the channel is
    /// a new one.
    ///
    /// Errors: it was killed and cannot be started again; call again later.
    pub(crate) fn tend(&self) -> Result<bool> {
        let mut state = self.lock();
        loop {
            match state.channel.receive() {
                Incoming::Nothing => return Ok(false),
                Incoming::Record(record, fds) => state.note(&record, fds),
                Incoming::Closed => return state.restart(&self.image).map(|()| true),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if self.epoch == epoch() {
            let _ = self.lock().channel.send(&Record::new(kind::GOODBYE, 0, &[]), &[]);
        }
    }
}

impl Watched {
    /// Has the watcher end this now, host or no host: how a drop hands over what it cannot wait
    /// for. If the watcher is gone, its successor gets the same order.
    pub(crate) fn finish(mut self) {
        self.active = false;
        let mut state = self.watcher.lock();
        state.hand_over(self.id);
        if state.tell(&Record::new(kind::FINISH, self.id, &[]), &[]).is_err() {
            let _ = state.restart(&self.watcher.image);
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.active || self.watcher.epoch != epoch() {
            return;
        }
        let mut state = self.watcher.lock();
        let was = state.release(self.id);
        let is_group = matches!(was, Slot::Watched(Registration::Group { .. }));
        let record = Record::new(kind::REMOVE, self.id, &[]);
        // A watcher that is gone has nothing to forget; its successor will not be told of this.
        let _ = if is_group { state.leave(&record, &[]) } else { state.tell(&record, &[]) };
    }
}

impl State {
    fn claim(&mut self, registration: Registration) -> u32 {
        let slot = Slot::Watched(registration);
        if let Some(id) = self.free.pop() {
            self.entries[id as usize] = slot;
            return id;
        }
        self.entries.push(slot);
        u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
    }

    fn slot(&mut self, id: u32) -> Option<&mut Slot> {
        self.entries.get_mut(id as usize)
    }

    /// Frees the number, and gives back what had it.
    fn release(&mut self, id: u32) -> Slot {
        let Some(slot) = self.slot(id) else { return Slot::Free };
        let was = std::mem::replace(slot, Slot::Free);
        if !matches!(was, Slot::Free) {
            self.free.push(id);
        }
        was
    }

    fn hand_over(&mut self, id: u32) {
        if let Some(slot) = self.slot(id) {
            if let Slot::Watched(registration) = std::mem::replace(slot, Slot::Free) {
                *slot = Slot::Finishing(registration);
            }
        }
    }

    fn note(&mut self, record: &Record, fds: Vec<OwnedFd>) {
        match record.kind {
            kind::READY => {
                self.pidfd = fds.into_iter().next();
                self.become_ready(record.values[0] as i32);
            }
            kind::FINISHED => drop(self.release(record.id)),
            kind::REFUSED => log::warn!(
                "the watcher could not take entry {}: {}",
                record.id,
                std::io::Error::from_raw_os_error(record.values[0] as i32)
            ),
            _ => {}
        }
    }

    fn become_ready(&mut self, pid: i32) {
        log::debug!("watched by process {pid}");
        self.life = Life::Ready;
        #[cfg(test)]
        {
            self.pid = pid;
        }
    }

    /// For what the watcher has to know or to do now.
    fn tell(&mut self, record: &Record, fds: &[BorrowedFd<'_>]) -> std::io::Result<()> {
        self.unheard = 0;
        self.channel.send(record, fds)
    }

    /// For what it has to know when the host ends.
    fn leave(&mut self, record: &Record, fds: &[BorrowedFd<'_>]) -> std::io::Result<()> {
        if self.unheard >= MOST_UNHEARD {
            return self.tell(record, fds);
        }
        self.unheard += 1;
        self.channel.leave(record, fds)
    }

    /// Has the watcher read what was left.
    fn remind(&mut self) {
        self.unheard = 0;
        self.channel.ring();
    }

    /// Leaves entry `id` for the watcher.
    fn announce(&mut self, id: u32) -> Result<()> {
        let (registration, finishing) = match self.entries.get(id as usize) {
            Some(Slot::Watched(registration)) => (registration.clone(), false),
            Some(Slot::Finishing(registration)) => (registration.clone(), true),
            _ => return Ok(()),
        };
        let failed = |e| ProcessError::io("cannot reach the watcher", e);
        let (record, fds) = registration.record(id)?;
        self.leave(&record, &fds).map_err(failed)?;
        if finishing {
            self.tell(&Record::new(kind::FINISH, id, &[]), &[]).map_err(failed)?;
        }
        Ok(())
    }

    /// Waits until the watcher watches.
    fn await_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_WAIT;
        while let Life::Starting { .. } = self.life {
            match self.channel.receive_until(deadline) {
                Incoming::Record(record, fds) => self.note(&record, fds),
                _ => return Err(ProcessError::Unsupported("the watcher does not start".into())),
            }
        }
        Ok(())
    }

    /// Replaces a watcher that is gone, or does not answer, and tells the new one everything. The old
    /// one would take the end of its channel for that of the host, so it is ended first.
    fn restart(&mut self, image: &Image) -> Result<()> {
        if let Some(old) = self.pidfd.take() {
            let _ = pidfd_send_signal(old, Signal::KILL);
        }
        let (channel, life) = launch(image)?;
        (self.channel, self.life, self.unheard) = (Arc::new(channel), life, 0);
        self.await_ready()?;
        for id in 0..self.entries.len() {
            self.announce(u32::try_from(id).unwrap_or(u32::MAX))?;
        }
        // It reads nothing before it has been sent everything.
        self.remind();
        Ok(())
    }
}

/// Begins to start a watcher.
fn launch(image: &Image) -> Result<(Channel, Life)> {
    let failed = |what: &str, e: std::io::Error| ProcessError::io(what.to_owned(), e);
    let (channel, theirs) =
        Channel::with_bell().map_err(|e| failed("cannot make a control socket", e))?;
    let host = getpid().as_raw_nonzero().get().to_string();
    let command = Command::new(image.path())
        .arg0("keeper")
        .args([OsStr::new("watch"), OsStr::new("3"), OsStr::new(&host)])
        .env_clear()
        .stdin(Stdin::Null)
        .stdout(Stdout::Null)
        .stderr(Stdout::Null)
        .extra_fd(theirs.socket, CONTROL_AT)
        .extra_fd(theirs.bell, CONTROL_AT + 1);
    let context = SpawnContext {
        program: image.path(),
        exec_fd: image.exec_fd(),
        cgroup: None,
        pid_namespace: false,
    };
    let spawned = spawn::spawn_teller(&command, &context)?;
    Ok((channel, Life::Starting { _intermediate: Intermediate(spawned.pidfd) }))
}
