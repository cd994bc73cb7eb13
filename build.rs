//! The platform gate (other systems get one clear message, not a broken build) and the keeper:
//! the freestanding program in `src/sys/keeper`, compiled for the target and embedded.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCES: &str = "src/sys/keeper";
const PROTOCOL: &str = "src/keeper/protocol.rs";

/// The keeper needs no libc, no start files and no unwinding; its file should stay small.
const OPTIONS: [&str; 13] = [
    "--edition=2021",
    "--crate-name=keeper",
    "--crate-type=bin",
    "-Cpanic=abort",
    "-Copt-level=s",
    "-Ccodegen-units=1",
    "-Cstrip=symbols",
    "-Crelocation-model=static",
    "-Ctarget-feature=+crt-static",
    "-Crelro-level=off",
    "-Clink-arg=-Wl,-z,noseparate-code",
    "-Clink-arg=-nostartfiles",
    "-Clink-arg=-static",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={SOURCES}");
    println!("cargo::rerun-if-changed={PROTOCOL}");
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    let result = check_platform().and_then(|()| build_keeper());
    if let Err(message) = result {
        for line in message.lines() {
            println!("cargo::error={line}");
        }
    }
}

fn check_platform() -> Result<(), String> {
    let os = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    if os != "linux" {
        return Err(format!(
            "process_manager supports Linux 5.10 and newer only (target os: {os})"
        ));
    }
    if arch != "x86_64" && arch != "aarch64" {
        return Err(format!(
            "process_manager supports x86_64 and aarch64 only (target arch: {arch})"
        ));
    }
    Ok(())
}

fn build_keeper() -> Result<(), String> {
    let variable = |name: &str| env::var(name).map_err(|_| format!("cargo did not set {name}"));
    let target = variable("TARGET")?;
    let output = PathBuf::from(variable("OUT_DIR")?).join("keeper");
    let mut rustc = Command::new(variable("RUSTC")?);
    rustc.args(OPTIONS).arg("--target").arg(&target).arg("-o").arg(&output);
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    if target.contains("musl") {
        rustc.arg("-Clink-self-contained=no");
    }
    rustc.arg(Path::new(SOURCES).join("main.rs"));
    let done = rustc.output().map_err(|error| format!("cannot run rustc: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    let messages = String::from_utf8_lossy(&done.stderr);
    Err(format!("the keeper ({SOURCES}) cannot be built for {target}:\n{messages}"))
}
