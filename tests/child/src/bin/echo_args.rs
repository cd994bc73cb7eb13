//! Prints each argument on a line of its own, then ends with code 0.

use std::io::Write;
use std::os::unix::ffi::OsStrExt;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for arg in std::env::args_os().skip(1) {
        out.write_all(arg.as_bytes())?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
