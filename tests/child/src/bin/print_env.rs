//! Prints the environment, "NAME=value" a line, as it is; with arguments only those variables.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

fn main() {
    let wanted: Vec<_> = std::env::args_os().skip(1).collect();
    for (name, value) in std::env::vars_os() {
        if wanted.is_empty() || wanted.contains(&name) {
            let parts: [&OsStr; 4] = [&name, OsStr::new("="), &value, OsStr::new("\n")];
            process_manager_child::put(&parts.map(OsStr::as_bytes).concat());
        }
    }
}
