//! The tables, in the order in which they are measured.

mod cold;
mod python;
mod scale;
mod starts;
mod streams;

use crate::plan::{Plan, Program, Size};
use crate::work::Outcome;

/// The rows' names that more than one table has.
pub const RAW: &str = "raw floor";
/// This library as it comes, from Rust.
pub const OURS: &str = "process_manager";
/// The same with the process group alone.
pub const GROUP: &str = "process_manager, group";
/// The same with a guard process demanded.
pub const GUARD: &str = "process_manager, guard";
/// This library from C.
pub const C: &str = "process_manager, C";
/// The standard library.
pub const STD: &str = "std::process";
/// tokio.
pub const TOKIO: &str = "tokio::process";

/// Those that take part in nearly every table.
pub const MAIN: &[(&str, Program)] = &[
    (RAW, Program::Rust("raw")),
    (OURS, Program::Rust("ours")),
    (GROUP, Program::Rust("group")),
    (STD, Program::Rust("std")),
    (TOKIO, Program::Rust("tokio")),
];

/// Every table.
pub fn all(size: Size) -> Outcome<Vec<Plan>> {
    let mut plans = starts::plans(size)?;
    plans.extend(cold::plans(size)?);
    plans.extend(streams::plans(size));
    plans.extend(python::plans(size));
    // Last: for a while the kernel goes on taking thousands of children apart.
    plans.extend(scale::plans(size));
    Ok(plans)
}
