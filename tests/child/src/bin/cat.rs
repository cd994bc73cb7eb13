//! Copies standard input to standard output until its end, each chunk as soon as it comes.

use std::io::Read;

fn main() -> std::io::Result<()> {
    let mut stdin = std::io::stdin().lock();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match stdin.read(&mut buffer)? {
            0 => return Ok(()),
            count => process_manager_child::put(&buffer[..count]),
        }
    }
}
