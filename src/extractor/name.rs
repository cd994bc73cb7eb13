//! Which names a binary may have: exactly those that are one component of a path.

use crate::error::{ProcessError, Result};

/// NAME_MAX of Linux, in bytes.
const LONGEST: usize = 255;

/// Refuses a name that is not one component of a path.
///
/// Errors: [`ProcessError::InvalidArgument`] for "binary name".
pub(super) fn check(name: &str) -> Result<()> {
    match fault(name) {
        Some(reason) => Err(ProcessError::invalid("binary name", format!("{name:?} {reason}"))),
        None => Ok(()),
    }
}

fn fault(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("is empty"),
        "." | ".." => Some("is not a file name"),
        _ if name.contains('/') => Some("contains '/'"),
        _ if name.contains('\0') => Some("contains a NUL byte"),
        _ if name.len() > LONGEST => Some("is longer than 255 bytes"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    #[test]
    fn a_name_is_one_path_component() {
        let long = "n".repeat(LONGEST + 1);
        for name in ["", ".", "..", "a/b", "/", "/etc", "a\0b", long.as_str()] {
            match check(name) {
                Err(ProcessError::InvalidArgument { argument, .. }) => {
                    assert_eq!(argument, "binary name");
                }
                other => panic!("{name:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn unusual_names_are_names() {
        let long = "n".repeat(LONGEST);
        for name in ["a", "...", ".hidden", "-rf", "with space", "ünïcode", "a\nb", &long] {
            check(name).unwrap();
        }
    }
}
