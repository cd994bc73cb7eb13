//! SHA-256 of what is extracted, compared with what the caller expects.

use sha2::{Digest, Sha256};

use crate::error::{ProcessError, Result};

/// An expected SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Expected([u8; 32]);

impl Expected {
    /// Reads 64 hexadecimal digits of either case.
    ///
    /// Errors: [`ProcessError::InvalidArgument`] for "sha256".
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut bytes = [0; 32];
        let digits = text.as_bytes();
        if digits.len() != 64 {
            let reason = format!("{text:?} has {} digits, not 64", digits.len());
            return Err(ProcessError::invalid("sha256", reason));
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = parse_pair(pair).ok_or_else(|| {
                ProcessError::invalid("sha256", format!("{text:?} is not hexadecimal"))
            })?;
        }
        Ok(Self(bytes))
    }
}

fn parse_pair(pair: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let [high, low] = pair else { return None };
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

/// Hashes what passes by, if there is something to compare with.
pub(super) struct Check {
    expected: Option<Expected>,
    hasher: Sha256,
}

impl Check {
    pub(super) fn new(expected: Option<Expected>) -> Self {
        Self { expected, hasher: Sha256::new() }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        if self.expected.is_some() {
            self.hasher.update(bytes);
        }
    }

    /// Names both digests where they differ.
    pub(super) fn finish(self) -> std::result::Result<(), String> {
        let Some(Expected(expected)) = self.expected else { return Ok(()) };
        let found: [u8; 32] = self.hasher.finalize().into();
        if found == expected {
            return Ok(());
        }
        Err(format!("its SHA-256 is {}, expected {}", hex(&found), hex(&expected)))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
