//! System calls that no crate offers: the only unsafe code of the core.

pub(crate) mod lease;
