//! Which interpreter a program needs, read from its `#!` line or its ELF header. Only asked after
//! exec has failed, to name what is missing.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Interpreters may themselves be scripts; the kernel follows a few levels.
const LEVELS: usize = 5;

/// The kernel reads that much of a script's first line.
const FIRST_LINE: usize = 256;

/// The first missing interpreter on the way from `program` down; relative ones start from `base`.
pub(super) fn missing(program: &Path, base: &Path) -> Option<PathBuf> {
    let mut file = program.to_path_buf();
    for _ in 0..LEVELS {
        let interpreter = of(&base.join(&file))?;
        if !base.join(&interpreter).exists() {
            return Some(interpreter);
        }
        file = interpreter;
    }
    None
}

/// The interpreter that the file names.
pub(super) fn of(path: &Path) -> Option<PathBuf> {
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path).ok()?;
    let start = read(&file, 0, FIRST_LINE)?;
    let name = match start.strip_prefix(b"#!") {
        Some(line) => from_line(line),
        None => from_elf(&file, &start)?,
    };
    (!name.is_empty()).then(|| PathBuf::from(OsString::from_vec(name)))
}

fn from_line(line: &[u8]) -> Vec<u8> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let ends = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | 0);
    line.iter().copied().skip_while(is_blank).take_while(|byte| !ends(byte)).collect()
}

/// The string of the PT_INTERP program header.
fn from_elf(file: &File, header: &[u8]) -> Option<Vec<u8>> {
    let layout = Layout::of(header)?;
    let table = number(header, layout.table_at)?;
    let entry_size = number(header, layout.entry_size_at)?;
    let count = number(header, layout.count_at)?;
    let headers = (0..count).map(|index| table.checked_add(index * entry_size));
    for at in headers {
        let entry = read(file, at?, 56)?;
        if number(&entry, (0, 4))? == u64::from(libc::PT_INTERP) {
            let length = usize::try_from(number(&entry, layout.length_at)?).ok()?.min(4096);
            let name = read(file, number(&entry, layout.offset_at)?, length)?;
            return Some(name.into_iter().take_while(|byte| *byte != 0).collect());
        }
    }
    None
}

/// Where the fields are (offset, size) for 32 and 64 bits, little-endian as on both of our
/// architectures.
struct Layout {
    table_at: (usize, usize),
    entry_size_at: (usize, usize),
    count_at: (usize, usize),
    offset_at: (usize, usize),
    length_at: (usize, usize),
}

impl Layout {
    fn of(header: &[u8]) -> Option<Self> {
        match header.strip_prefix(b"\x7fELF")? {
            [2, 1, ..] => Some(Self {
                table_at: (32, 8),
                entry_size_at: (54, 2),
                count_at: (56, 2),
                offset_at: (8, 8),
                length_at: (32, 8),
            }),
            [1, 1, ..] => Some(Self {
                table_at: (28, 4),
                entry_size_at: (42, 2),
                count_at: (44, 2),
                offset_at: (4, 4),
                length_at: (16, 4),
            }),
            _ => None,
        }
    }
}

fn number(bytes: &[u8], (offset, size): (usize, usize)) -> Option<u64> {
    let field = bytes.get(offset..offset + size)?;
    Some(field.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

/// Up to `length` bytes from `offset`.
fn read(file: &File, offset: u64, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    let filled = file.read_at(&mut bytes, offset).ok()?;
    bytes.truncate(filled);
    Some(bytes)
}
