//! Comfort noise for a gap whose own noise is not known: soft white noise, about -66 dB of full scale.
//!
//! What it does not do: RFC 3389 payloads; the trunk leg does not negotiate them.

/// A soft noise that never repeats audibly.
#[derive(Clone, Debug)]
pub struct ComfortNoise(u32);

impl ComfortNoise {
    const AMPLITUDE: i32 = 28;

    /// A source that starts at `seed`; different calls should not hiss in step.
    #[must_use]
    pub const fn new(seed: u32) -> Self {
        Self(seed | 1)
    }

    /// Appends `count` samples.
    pub fn fill(&mut self, count: usize, samples: &mut Vec<i16>) {
        samples.extend((0..count).map(|_| self.sample()));
    }

    /// Xorshift (Marsaglia 2003): good enough to sound like nothing.
    fn sample(&mut self) -> i16 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        let spread = (self.0 >> 16) as i32 % (2 * Self::AMPLITUDE + 1);
        (spread - Self::AMPLITUDE) as i16
    }
}
