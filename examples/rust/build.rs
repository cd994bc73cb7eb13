//! Builds the program that the example embeds: any executable would do.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--release", "-p", "process_manager_child", "--bin", "ticker"]);
    build.arg("--target-dir").arg(out.join("child")).current_dir(root);
    if !build.status().is_ok_and(|status| status.success()) {
        println!("cargo::error=the program to embed (tests/child, ticker) does not build");
    }
    println!("cargo::rerun-if-changed=../../tests/child");
    println!("cargo::rustc-env=TICKER={}", out.join("child/release/ticker").display());
}
