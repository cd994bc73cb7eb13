//! The engine of processes that are started without a manager: shared, and gone with the last.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::engine::Engine;
use crate::error::Result;
use crate::sys::fork::PerProcess;

/// The shared engine, made when nobody holds one. A forked copy of the host makes its own.
pub(crate) fn engine() -> Result<Arc<Engine>> {
    static SHARED: PerProcess<Mutex<Weak<Engine>>> = PerProcess::new();
    let mut shared = SHARED.get().lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(engine) = shared.upgrade() {
        return Ok(engine);
    }
    let engine = Engine::new()?;
    *shared = Arc::downgrade(&engine);
    Ok(engine)
}
