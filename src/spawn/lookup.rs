//! Where a program is looked for.
//!
//! A name with a slash is used as it is; a relative one is resolved by the child, after it has
//! entered its working directory. Any other name is looked for as execvp(3) does, in the `PATH`
//! that the *child* will have: an empty element is the child's working directory, relative
//! elements start from there, and a child without `PATH` gets `/bin:/usr/bin`. Files that may not
//! be executed are passed over, but reported if nothing better is found.

use crate::sys::spawn::{StringTable, StringTableBuilder};

/// What execvp(3) uses when there is no `PATH`.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// Whether `program` is looked for in `PATH`.
pub(super) fn is_searched(program: &[u8]) -> bool {
    !program.contains(&b'/')
}

/// The paths to try, in order. Never empty.
pub(super) fn candidates(program: &[u8], path: Option<&[u8]>) -> StringTable {
    if !is_searched(program) {
        let mut table = StringTableBuilder::with_room(1, program.len());
        table.push(&[program]);
        return table.build();
    }
    let directories = path.unwrap_or(DEFAULT_PATH);
    let count = directories.iter().filter(|byte| **byte == b':').count() + 1;
    let room = directories.len() + count * (program.len() + 1);
    let mut table = StringTableBuilder::with_room(count, room);
    for directory in directories.split(|byte| *byte == b':') {
        match directory {
            [] => table.push(&[b"./", program]),
            _ => table.push(&[directory, b"/", program]),
        }
    }
    table.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(program: &str, path: Option<&str>) -> Vec<String> {
        let table = candidates(program.as_bytes(), path.map(str::as_bytes));
        table.strings().map(|string| string.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_name_with_a_slash_is_not_looked_up() {
        assert_eq!(listed("./tool", Some("/bin")), ["./tool"]);
        assert_eq!(listed("/opt/tool", None), ["/opt/tool"]);
    }

    #[test]
    fn an_empty_element_is_the_working_directory() {
        assert_eq!(listed("tool", Some("/a::b:")), ["/a/tool", "./tool", "b/tool", "./tool"]);
        assert_eq!(listed("tool", Some("")), ["./tool"]);
    }

    #[test]
    fn without_path_the_default_is_searched() {
        assert_eq!(listed("tool", None), ["/bin/tool", "/usr/bin/tool"]);
    }
}
