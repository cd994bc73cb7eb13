//! The contenders in Rust, each served by a process of its own.

mod async_process;
mod duct;
mod fleet;
mod ours;
mod ours_fleet;
mod raw;
mod std_process;
mod tokio_fleet;
mod tokio_process;

use process_manager::Containment;

use crate::work::{Contender, Outcome};

/// The contender with this name, made in the process that serves it.
pub fn named(name: &str) -> Outcome<Box<dyn Contender>> {
    Ok(match name {
        "raw" => Box::new(raw::Raw::new()?),
        "ours" => Box::new(ours::Ours::new(None)),
        "group" => Box::new(ours::Ours::new(Some(Containment::Group))),
        "guard" => Box::new(ours::Ours::new(Some(Containment::Guard))),
        "std" => Box::new(std_process::StdProcess),
        "tokio" => Box::new(tokio_process::TokioProcess::new(false)?),
        "tokio-bytes" => Box::new(tokio_process::TokioProcess::new(true)?),
        "async-process" => Box::new(async_process::AsyncProcess),
        "duct" => Box::new(duct::Duct),
        other => return Err(format!("no contender {other:?}").into()),
    })
}
