//! What only the shared library needs: its name for the dynamic linker, and to stay loaded.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The ABI may break between minor versions until 1.0, the major number follows then.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libprocess_manager.so.0");
    // A thread of ours may still be on its way out when the host calls dlclose.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
