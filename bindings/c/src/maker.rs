//! Which process made a handle: a forked copy of it is told so by every function, whether or not
//! the core would have to do something for it.

use core_api::ProcessError;

use crate::error::Failure;

/// The process that made a handle.
#[derive(Clone, Copy)]
pub(crate) struct Maker(u32);

impl Maker {
    pub(crate) fn this() -> Self {
        Self(std::process::id())
    }

    pub(crate) fn is_this(self) -> bool {
        self.0 == std::process::id()
    }

    pub(crate) fn check(self) -> Result<(), Failure> {
        self.is_this().then_some(()).ok_or_else(|| ProcessError::Forked.into())
    }
}
