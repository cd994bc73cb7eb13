//! System calls that no crate offers: the only unsafe code of the core.

pub(crate) mod duplicate;
pub(crate) mod fork;
pub(crate) mod guarded;
pub(crate) mod high;
pub(crate) mod lease;
pub(crate) mod mask;
pub(crate) mod orphans;
pub(crate) mod page;
pub(crate) mod pidfd;
pub(crate) mod read;
pub(crate) mod secret;
pub(crate) mod sigpipe;
pub(crate) mod spawn;
pub(crate) mod users;
