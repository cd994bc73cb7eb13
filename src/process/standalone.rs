//! The reactor of processes that are started without a manager: shared, and gone with the last.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::error::Result;
use crate::reactor::Reactor;

/// The shared reactor, made when nobody holds one. A forked copy of the host makes its own.
pub(crate) fn reactor() -> Result<Arc<Reactor>> {
    static SHARED: Mutex<Weak<Reactor>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(reactor) = shared.upgrade().filter(|reactor| reactor.check_fork().is_ok()) {
        return Ok(reactor);
    }
    let reactor = Reactor::new()?;
    *shared = Arc::downgrade(&reactor);
    Ok(reactor)
}
