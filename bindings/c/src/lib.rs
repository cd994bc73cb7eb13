//! The C ABI: thin functions around the public API of the core, one file a handle type.
//!
//! `include/process_manager.h` is generated from these files, in the order of the modules below,
//! by the test `header` (`PM_UPDATE=1 cargo test -p process_manager_capi --test header`). Each
//! exported function converts its inputs, makes one call of the core and converts the output, all
//! inside `guard::call`, which turns a panic or a failure into a status and an error object.
//!
//! This crate and `src/sys` of the core are the only places with unsafe code: here it is pointers
//! from C. What holds for all of them is said once:
//!
//! - A pointer argument is NULL (checked, where it is an error) or valid as its doc says; that is
//!   the caller's part of the contract, and the reason why the functions are unsafe.
//! - A handle is what this library made with `handle::give` or `handle::share`, not yet freed.

#![allow(unsafe_code, non_camel_case_types, clippy::missing_safety_doc)]

// What the exported functions are made of.
mod callback;
mod convert;
mod guard;
mod handle;
mod hub;
mod maker;
mod sized;
mod source;
mod watch;

// The header, in the order of its sections.
mod version;

mod status;

mod error;

mod types;

mod names;

mod extractor;

mod binaries;

mod command;

mod stdio;

mod options;

mod policy;

mod info;

mod manager;

mod batch;

mod run;

mod record;

mod event;

mod poll;

mod direct;

mod stream;

mod process;

mod sudo;

mod input;

mod output;

mod log;
