//! Writes much output fast, in writes of 64 KiB.
//!
//! `bytes N`: N bytes in which each repeats the alphabet. `lines COUNT SIZE`: COUNT lines of SIZE
//! bytes, the newline included, each beginning with its number in ten digits. A last argument
//! `checksum` adds the line `fnv1a HEX` of all that on standard error.

use process_manager_child::{arg, fnv1a, put, usage, FNV_START};

const USAGE: &str = "bytes N [checksum] | lines COUNT SIZE [checksum] (SIZE 11 to 1048576)";
const BLOCK: usize = 1 << 16;

fn main() {
    let mut sum =
        Sum { hash: std::env::args().next_back().filter(|a| a == "checksum").map(|_| FNV_START) };
    match arg::<String>(1, USAGE).as_str() {
        "bytes" => bytes(arg(2, USAGE), &mut sum),
        "lines" => lines(arg(2, USAGE), arg(3, USAGE), &mut sum),
        _ => usage(USAGE),
    }
    if let Some(hash) = sum.hash {
        eprintln!("fnv1a {hash:016x}");
    }
}

struct Sum {
    hash: Option<u64>,
}

impl Sum {
    fn put(&mut self, block: &[u8]) {
        self.hash = self.hash.map(|hash| fnv1a(hash, block));
        put(block);
    }
}

fn bytes(count: u64, sum: &mut Sum) {
    let block: Vec<u8> = (b'a'..=b'z').cycle().take(BLOCK).collect();
    let mut left = count;
    while left > 0 {
        let size = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
        sum.put(&block[..size]);
        left -= size as u64;
    }
}

fn lines(count: u64, size: usize, sum: &mut Sum) {
    if !(11..=1 << 20).contains(&size) {
        usage(USAGE);
    }
    let mut line: Vec<u8> = vec![b'.'; size];
    line[..10].fill(b'0');
    line[size - 1] = b'\n';
    let mut block = Vec::with_capacity(BLOCK + size);
    for _ in 0..count {
        block.extend_from_slice(&line);
        increment(&mut line[..10]);
        while block.len() >= BLOCK {
            sum.put(&block[..BLOCK]);
            block.drain(..BLOCK);
        }
    }
    sum.put(&block);
}

/// Adds one to a decimal number in ASCII digits, in place: formatting would cost more than writing.
fn increment(digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        if *digit != b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
}
