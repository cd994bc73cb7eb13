//! What `os.fork()` needs: CPython 3.12 and newer warn when the process has a second thread, so the
//! core's thread is not there while the host forks. Called by the hooks of `os.register_at_fork`.

use process_manager::support;
use pyo3::prelude::*;

use crate::hub;

/// Ends the core's thread, and waits for those that still end collected managers.
///
/// The GIL is kept: no other Python thread can fork meanwhile, and no thread of the core wants it.
#[pyfunction]
pub fn begin_fork() {
    hub::join_enders();
    support::begin_fork();
}

/// Has the core's thread back, in the parent.
#[pyfunction]
pub fn end_fork() {
    support::end_fork();
}
