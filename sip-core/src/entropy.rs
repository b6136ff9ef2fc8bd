//! Tags, branches and Call-IDs from a seed that the host draws once.
//!
//! A hash in counter mode: SHA-256 over seed and counter. With a seed of 32 unpredictable bytes its output is
//! unpredictable (RFC 3261 §19.3 asks for 32 random bits in a tag; RFC 5626 for more in an instance id).

use crate::hash::sha256;

/// A deterministic source of unpredictable bytes.
#[derive(Clone)]
pub struct Entropy {
    seed: [u8; 32],
    counter: u64,
}

impl Entropy {
    /// A source that repeats itself for an equal seed: constant in tests, drawn from the system elsewhere.
    #[must_use]
    pub const fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0 }
    }

    /// The next 32 bytes.
    pub fn bytes(&mut self) -> [u8; 32] {
        self.counter += 1;
        sha256(&[&self.seed, &self.counter.to_be_bytes()])
    }

    /// A number from 0 to `u64::MAX`.
    pub fn number(&mut self) -> u64 {
        self.bytes().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// A token of `length` lower-case letters and digits (at most 32): five bits each.
    pub fn token(&mut self, length: usize) -> String {
        const ALPHABET: [char; 32] = [
            'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w',
            'x', 'y', 'z', '2', '3', '4', '5', '6', '7', '8', '9',
        ];
        let bytes = self.bytes();
        let symbols = bytes.iter().take(length).filter_map(|byte| ALPHABET.get(usize::from(byte & 31)));
        symbols.collect()
    }

    /// A seed for another source, so that two machines of one host share one draw.
    pub fn fork(&mut self) -> Self {
        Self::new(self.bytes())
    }
}

impl core::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Entropy")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_repeat_and_other_seeds_do_not() {
        let (mut a, mut b, mut c) = (Entropy::new([1; 32]), Entropy::new([1; 32]), Entropy::new([2; 32]));

        let first = a.token(16);

        assert_eq!(first, b.token(16));
        assert_ne!(first, c.token(16));
        assert_ne!(first, a.token(16));
        assert_eq!(first.len(), 16);
    }
}
