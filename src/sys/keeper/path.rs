//! Text for the kernel, put together without allocating: `/proc/12/task/12/children`.

const ROOM: usize = 320;

/// NUL-terminated text of bounded length; what does not fit is left out.
pub struct Path {
    bytes: [u8; ROOM],
    length: usize,
}

impl Path {
    pub fn new(start: &[u8]) -> Self {
        Self { bytes: [0; ROOM], length: 0 }.text(start)
    }

    pub fn text(mut self, text: &[u8]) -> Self {
        for byte in text.iter().take(ROOM - 1 - self.length) {
            if let Some(slot) = self.bytes.get_mut(self.length) {
                *slot = *byte;
                self.length += 1;
            }
        }
        self
    }

    pub fn number(self, number: i32) -> Self {
        let mut digits = [0u8; 10];
        let mut left = number.unsigned_abs();
        let mut count = 0;
        for slot in digits.iter_mut().rev() {
            *slot = b'0' + (left % 10) as u8;
            left /= 10;
            count += 1;
            if left == 0 {
                break;
            }
        }
        self.text(digits.get(10 - count..).unwrap_or_default())
    }

    /// The text with its terminating NUL.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..=self.length).unwrap_or(b"\0")
    }
}
