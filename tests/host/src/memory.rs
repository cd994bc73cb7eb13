//! The host's memory.

use process_manager::{OutputChunk, OutputPolicy, ProcessManager};

use super::{descriptors, run_short, Children, SOON};

/// Resident memory in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("/proc is mounted");
    let pages: usize =
        statm.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a number");
    pages * 4096
}

/// 1 GiB without a newline: raw, and as lines that are split and flagged.
pub fn no_newline(children: &Children) {
    let manager = ProcessManager::default();
    let command = || {
        let flood = children.command("no_newline").arg((1u64 << 30).to_string());
        flood.output_limit(1 << 20, OutputPolicy::Block)
    };
    let mut reader = manager.start(command()).expect("starts").output();
    let mut total = 0u64;
    while let Some(chunks) = reader.next_chunks_blocking(SOON).expect("no error") {
        for chunk in chunks.iter() {
            match chunk {
                OutputChunk::Data(bytes) => total += bytes.len() as u64,
                gap => panic!("{gap:?}"),
            }
        }
        assert!(resident() < 64 << 20, "{} bytes resident", resident());
    }
    assert_eq!(total, 1 << 30);
    let mut lines = manager.start(command()).expect("starts").get_output_stream().bytes();
    let mut total = 0u64;
    while let Some(part) = lines.next_blocking(SOON).expect("no error") {
        assert!(part.len() <= 1 << 20, "a part of {} bytes", part.len());
        total += part.len() as u64;
        assert!(resident() < 64 << 20, "{} bytes resident", resident());
    }
    assert_eq!(total, 1 << 30);
}

pub fn ten_thousand(children: &Children) {
    let manager = ProcessManager::default();
    manager.set_retention(100);
    run_short(children, &manager, 1000);
    let (memory, open) = (resident(), descriptors::open());
    run_short(children, &manager, 10_000);
    assert!(resident() <= memory + (1 << 20), "grew by {} bytes", resident() - memory);
    assert_eq!(descriptors::open(), open);
    // SAFETY: asks for any child without waiting; none may be left unreaped.
    let left = unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) };
    assert_eq!(left, -1, "a zombie is left");
}
