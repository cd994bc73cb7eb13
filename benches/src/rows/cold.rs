//! The table of cold use: a whole program that runs one process and ends.

use std::fs;
use std::path::{Path, PathBuf};

use super::RAW;
use crate::native;
use crate::plan::Limit::Above;
use crate::plan::{Plan, Program, Size};
use crate::work::Outcome;
use crate::worker::built;

const RAW_C: &str = "raw floor, C";
const OURS_C: &str = "process_manager, C";
const OURS_RUST: &str = "process_manager, Rust";

/// The tables of this file.
pub fn plans(size: Size) -> Outcome<Vec<Plan>> {
    let title = "cold use: a program loads its libraries, runs one process, captures and checks \
                 its output, ends; the same program with system calls only is its floor (all are \
                 copies, as an installation makes them, and started by the raw floor)";
    let count = if size.is_quick { 20 } else { 100 };
    let own = installed(&std::env::current_exe()?)?;
    installed(&built()?.join("libprocess_manager.so.0"))?;
    let rust = |name: &str| format!("cold {count} {} --cold {name}", own.display());
    let c = |name| -> Outcome<String> {
        Ok(format!("cold {count} {}", installed(&native::build(name)?)?.display()))
    };
    let starter = Program::Rust("raw");
    let plan = Plan::new("cold", title.to_owned(), "us each")
        .entry(RAW, starter, &rust("raw"))
        .about("this benchmark with `--cold raw`: clone, execve, read(2), waitid")
        .entry(OURS_RUST, starter, &rust("ours"))
        .about("this benchmark with `--cold ours`: ProcessManager::default, manager.run")
        .entry(RAW_C, starter, &c("cold_raw")?)
        .about("cold_raw.c: vfork, execve, read(2), waitpid")
        .entry(OURS_C, starter, &c("cold_ours")?)
        .about("cold_ours.c, linked to libprocess_manager.so: pm_command_run")
        .target(OURS_RUST, Above(1000.0), RAW)
        .target(OURS_C, Above(1000.0), RAW_C);
    Ok(vec![plan])
}

/// A copy, as a user has it. A linker writes its file in small pieces, and the page cache keeps it in
/// those: each touched page costs more than it does in a file that was written at once.
fn installed(file: &Path) -> Outcome<PathBuf> {
    let directory = built()?.join("installed");
    fs::create_dir_all(&directory)?;
    let copy = directory.join(file.file_name().ok_or("no file name")?);
    fs::copy(file, &copy)?;
    Ok(copy)
}
