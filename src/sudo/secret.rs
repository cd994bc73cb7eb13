//! The password: one buffer, no Debug, no copy, gone after use. Owned by who asks sudo.

use crate::error::{ProcessError, Result};
use crate::sys::secret::SecretPage;

/// Sudo splits a longer answer into further attempts.
const MOST: usize = 511;

/// A password that sudo will read as it is.
pub(crate) struct Secret(SecretPage);

impl Secret {
    /// Takes a copy; what the caller holds is the caller's to wipe.
    ///
    /// Errors: `InvalidArgument` for a line end or NUL byte (sudo would read something else), or
    /// more than 511 bytes.
    pub(crate) fn new(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MOST {
            return Err(ProcessError::invalid("password", "longer than 511 bytes"));
        }
        if bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
            return Err(ProcessError::invalid("password", "contains a line end or a NUL byte"));
        }
        let page = SecretPage::new(bytes);
        page.map(Self).map_err(|error| ProcessError::io("memory for the password", error))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_sudo_would_misread_is_refused_before_sudo_starts() {
        for bad in [&b"a\nb"[..], b"a\rb", b"a\0b", &[b'x'; 512]] {
            let refused = Secret::new(bad).err().unwrap();
            assert!(refused.to_string().starts_with("invalid password"), "{refused}");
        }
    }

    #[test]
    fn any_other_bytes_are_kept_as_they_are() {
        for good in [&b""[..], b"p\xff \t%u\\", &[b'x'; 511]] {
            assert_eq!(Secret::new(good).unwrap().bytes(), good);
        }
    }
}
