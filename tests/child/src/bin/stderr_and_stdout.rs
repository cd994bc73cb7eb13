//! Writes "out N" to standard output and "err N" to standard error in turn, each in one write(2).

use std::io::Write;

fn main() -> std::io::Result<()> {
    let count: u64 = process_manager_child::arg_or(1, 3, "[COUNT]");
    for number in 0..count {
        process_manager_child::say(&format!("out {number}"));
        std::io::stderr().write_all(format!("err {number}\n").as_bytes())?;
    }
    Ok(())
}
