//! `process_manager._core`: the extension module under the Python package.
//!
//! Every function here converts its arguments, makes one call of the core with the interpreter
//! released where it may wait, and converts the answer. No thread of the core ever calls Python:
//! what a thread has to say goes through the manager's ready list and its descriptor.

#![deny(unsafe_code)]
#![warn(missing_docs)]

mod batch;
mod collector;
mod command;
mod convert;
mod errors;
mod events;
mod extractor;
mod forks;
mod hub;
mod info;
mod item;
mod logs;
mod manager;
mod operation;
mod process;
mod pull;
mod reader;
mod source;
mod stdio;
mod sudo;
mod wait;
mod watch;

use pyo3::prelude::*;

#[pymodule(gil_used = true)]
mod _core {
    #[pymodule_export]
    use crate::batch::Outcomes;
    #[pymodule_export]
    use crate::collector::Collector;
    #[pymodule_export]
    use crate::command::PyCommand;
    #[pymodule_export]
    use crate::events::Events;
    #[pymodule_export]
    use crate::extractor::PyExtractor;
    #[pymodule_export]
    use crate::forks::{begin_fork, end_fork};
    #[pymodule_export]
    use crate::item::Shape;
    #[pymodule_export]
    use crate::logs::take_logs;
    #[pymodule_export]
    use crate::manager::PyManager;
    #[pymodule_export]
    use crate::operation::Operation;
    #[pymodule_export]
    use crate::process::PyProcess;
    #[pymodule_export]
    use crate::reader::{Portion, Portions, Reader};
    #[pymodule_export]
    use crate::sudo::SudoStart;
    #[pymodule_export]
    use crate::watch::PyWatch;

    #[pymodule_init]
    fn init() {
        crate::logs::install();
    }
}
