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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn check(data: &[u8], expected: Option<&str>) -> std::result::Result<(), String> {
        let expected = expected.map(|text| Expected::parse(text).unwrap());
        let mut check = Check::new(expected);
        check.update(data);
        check.finish()
    }

    #[test]
    fn the_known_digest_is_accepted_in_either_case() {
        check(b"abc", Some(ABC)).unwrap();
        check(b"abc", Some(&ABC.to_uppercase())).unwrap();
        check(b"anything", None).unwrap();
    }

    #[test]
    fn a_mismatch_names_both_digests() {
        let message = check(b"abd", Some(ABC)).unwrap_err();
        assert!(message.contains(ABC), "{message}");
        let found = "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9";
        assert!(message.contains(found), "{message}");
    }

    #[test]
    fn what_is_not_64_hexadecimal_digits_is_refused() {
        let wrong =
            ["", &ABC[1..], &ABC.replace('f', "g"), &ABC.replace('f', "+"), &"é".repeat(32)];
        for text in wrong {
            assert!(Expected::parse(text).is_err(), "{text}");
        }
    }
}
