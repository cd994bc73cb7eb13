//! The platform gate: other systems get one clear message, not a broken build.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let arch = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    if os != "linux" {
        println!(
            "cargo::error=process_manager supports Linux 5.10 and newer only (target os: {os})"
        );
    }
    if arch != "x86_64" && arch != "aarch64" {
        println!(
            "cargo::error=process_manager supports x86_64 and aarch64 only (target arch: {arch})"
        );
    }
}
