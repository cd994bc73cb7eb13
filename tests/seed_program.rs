//! The program that users wrote against the documented API compiles and runs unchanged, as an
//! outside crate, with warnings as errors and only the path of the dependency filled in.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn the_published_program_compiles_and_runs_unchanged() {
    let seed = lay_out();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--manifest-path"]).arg(seed.join("Cargo.toml"));
    cargo.arg("--target-dir").arg(seed.join("target"));
    let output = cargo.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}\n{stderr}");
    assert!(stdout.contains("--arg1\nvalue\n"), "{stdout}");
    assert!(stdout.ends_with("seed program done\n"), "{stdout}");
}

/// Copies the crate out of this workspace, with the lock file's versions and a real program.
fn lay_out() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let seed = Path::new(env!("CARGO_TARGET_TMPDIR")).join("seed");
    fs::create_dir_all(seed.join("src")).unwrap();
    let manifest = fs::read_to_string(root.join("tests/seed/Cargo.toml")).unwrap();
    let filled = manifest.replace("\"../..\"", &format!("{root:?}"));
    assert_ne!(manifest, filled, "the dependency's path was not found in the manifest");
    fs::write(seed.join("Cargo.toml"), filled).unwrap();
    fs::copy(root.join("Cargo.lock"), seed.join("Cargo.lock")).unwrap();
    fs::copy(root.join("tests/seed/src/main.rs"), seed.join("src/main.rs")).unwrap();
    fs::copy(common::child("echo_args"), seed.join("my_program")).unwrap();
    seed
}
