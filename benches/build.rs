//! Builds the smallest child there is, so that the benchmarks measure the starter.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=../tests/child/tiny.c");
    let tiny = Path::new(&std::env::var_os("OUT_DIR").unwrap_or_default()).join("tiny");
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-static", "-nostdlib", "-ffreestanding", "../tests/child/tiny.c", "-o"]);
    if !cc.arg(&tiny).status().is_ok_and(|status| status.success()) {
        println!("cargo::error=cc could not build tests/child/tiny.c");
    }
    println!("cargo::rustc-env=TINY={}", tiny.display());
}
