//! Comfort noise: of the level that a sender tells (RFC 3389), or soft where nothing is known, about -66 dB of full scale.
//!
//! White, whatever colour the sender may have described: what matters is that the line is not dead.

/// How loud a noise is: the largest sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoiseLevel(i32);

/// Nobody's silence is louder, in -dBov; who says so is not believed.
const LOUDEST: u8 = 30;

impl NoiseLevel {
    /// For a gap whose own noise is not known.
    pub const SOFT: Self = Self(28);

    /// The level of a comfort noise payload: its first octet, in -dBov (RFC 3389 §3.1).
    #[must_use]
    pub fn of(payload: &[u8]) -> Option<Self> {
        let level = (payload.first()? & 0x7F).max(LOUDEST);
        // The root mean square of even noise is its largest sample by the root of three.
        let largest = 32_768.0 * 3.0_f32.sqrt() * 10.0_f32.powf(-f32::from(level) / 20.0);
        Some(Self(largest as i32))
    }
}

/// A noise that never repeats audibly.
#[derive(Clone, Debug)]
pub struct ComfortNoise(u32);

impl ComfortNoise {
    /// A source that starts at `seed`; different calls should not hiss in step.
    #[must_use]
    pub const fn new(seed: u32) -> Self {
        Self(seed | 1)
    }

    /// Appends `count` samples.
    pub fn fill(&mut self, level: NoiseLevel, count: usize, samples: &mut Vec<i16>) {
        samples.extend((0..count).map(|_| self.sample(level)));
    }

    /// Xorshift (Marsaglia 2003): good enough to sound like nothing.
    fn sample(&mut self, NoiseLevel(largest): NoiseLevel) -> i16 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        let spread = (self.0 >> 16) as i32 % (2 * largest + 1);
        (spread - largest) as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_as_loud_as_it_was_told_within_reason() {
        for (told, expected) in [(50, -50.0), (78, -78.0), (30, -30.0), (0, -30.0), (0x80 | 60, -60.0)] {
            let mut samples = Vec::new();
            ComfortNoise::new(7).fill(NoiseLevel::of(&[told, 1, 2]).unwrap(), 8_000, &mut samples);
            let power: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / 8_000.0;
            let level = 10.0 * (power / 32_768.0_f64.powi(2)).log10();
            assert!((level - expected).abs() < 1.5, "{level} dB instead of {expected}");
        }
        assert_eq!(NoiseLevel::of(&[]), None);
    }
}
