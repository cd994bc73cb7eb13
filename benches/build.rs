//! Builds the smallest child there is, so that the benchmarks measure the starter, and the smallest
//! guard.

use std::path::Path;
use std::process::Command;

fn main() {
    freestanding("../tests/child/tiny.c", "TINY");
    match std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() {
        Ok("x86_64") => freestanding("native/least_guard.c", "GUARD"),
        _ => println!("cargo::rustc-env=GUARD="),
    }
}

/// Builds a program that needs no C library, and says where it is.
fn freestanding(source: &str, name: &str) {
    println!("cargo::rerun-if-changed={source}");
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    let program = Path::new(&out).join(name.to_lowercase());
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector"]);
    if !cc.arg(source).arg("-o").arg(&program).status().is_ok_and(|status| status.success()) {
        println!("cargo::error=cc could not build {source}");
    }
    println!("cargo::rustc-env={name}={}", program.display());
}
