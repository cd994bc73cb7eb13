//! Direct mode: a thread of this library polls a manager, so that the host need not.
//!
//! It starts with the first thing that there is to watch and ends with the manager. All signals are
//! blocked on it: they are the host's.

use std::mem;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use crate::error::pm_error;
use crate::error::Failure;
use crate::guard;
use crate::handle;
use crate::hub::{lock, Hub};
use crate::manager::pm_manager;
use crate::status::pm_status::{self, PM_OK};

/// Whether, and by which thread, callbacks are delivered directly.
#[derive(Default)]
pub(crate) struct Direct {
    state: Mutex<State>,
}

#[derive(Default)]
enum State {
    #[default]
    Off,
    Wanted,
    Running(JoinHandle<()>),
}

impl Direct {
    fn want(&self) {
        let mut state = lock(&self.state);
        if matches!(*state, State::Off) {
            *state = State::Wanted;
        }
    }

    /// True where this thread may not poll, because another one does for it.
    pub(crate) fn refuses(&self) -> bool {
        match &*lock(&self.state) {
            State::Off => false,
            State::Wanted => true,
            State::Running(thread) => thread.thread().id() != thread::current().id(),
        }
    }

    /// Starts the thread if it is wanted and does not run.
    pub(crate) fn start(&self, hub: &Arc<Hub>) -> Result<(), Failure> {
        let mut state = lock(&self.state);
        if !matches!(*state, State::Wanted) {
            return Ok(());
        }
        let hub = hub.clone();
        let builder = thread::Builder::new().name("pm-callbacks".into());
        let spawned = without_signals(|| builder.spawn(move || deliver(&hub)));
        let failed = |error| core_api::ProcessError::io("start the thread for callbacks", error);
        *state = State::Running(spawned.map_err(failed)?);
        Ok(())
    }

    /// Waits for the thread, which has been told to end, unless this is it.
    pub(crate) fn join(&self) {
        let state = mem::take(&mut *lock(&self.state));
        if let State::Running(thread) = state {
            if thread.thread().id() != thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

/// Polls until the manager is freed. A poll that had begun before ends first.
fn deliver(hub: &Hub) {
    loop {
        match hub.poll(None) {
            Ok(_) => {}
            Err(failure) if failure.status() == pm_status::PM_ERROR_BUSY => {
                hub.wait_for_poll();
            }
            Err(failure) => return failure.log_unless_closed("the callbacks' thread ends"),
        }
    }
}

/// Runs `body` with all signals blocked, so that a thread made in it begins so.
fn without_signals<T>(body: impl FnOnce() -> T) -> T {
    // SAFETY: all-zero is a valid signal set, and the calls only fill and read the two sets.
    let before = unsafe {
        let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        before
    };
    let result = body();
    // SAFETY: the set was filled by the call above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut()) };
    result
}

/// Has the callbacks of this manager called directly, on a thread of the library, from now on: for
/// programs without a loop of their own. pm_manager_poll() then gives `PM_ERROR_BUSY`. Callbacks
/// should be short, and what they share with other threads is the program's to protect.
///
/// manager: borrows. Errors: `PM_ERROR_CLOSED`, `PM_ERROR_IO`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_manager_deliver_directly(
    manager: *mut pm_manager,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let hub = unsafe { handle::borrow(manager, "manager")? }.hub();
        hub.direct.want();
        // A poll that has begun makes way.
        hub.wake()?;
        if hub.manager()?.get_process_count() > 0 {
            hub.direct.start(hub)?;
        }
        Ok(PM_OK)
    })
}
