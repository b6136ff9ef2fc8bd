//! Sines: the one oscillator that everything here is made of, DTMF pairs, and the ringing tone.

use core::f32::consts::TAU;

pub(super) const RATE: f32 = 8_000.0;
/// Full scale of 16 bits.
const FULL: f32 = 32_767.0;

/// A sine that costs four multiplications a sample: a vector turned by the same angle each time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Oscillator {
    vector: (f32, f32),
    step: (f32, f32),
}

impl Oscillator {
    pub(super) fn new(frequency: f32) -> Self {
        let angle = TAU * frequency / RATE;
        Self { vector: (1.0, 0.0), step: (angle.cos(), angle.sin()) }
    }

    /// From -1 to 1, beginning at 0.
    pub(super) fn sample(&mut self) -> f32 {
        let ((x, y), (c, s)) = (self.vector, self.step);
        // Rounding makes the vector grow or shrink; this pulls its length back to 1.
        let gain = (3.0 - (x * x + y * y)) / 2.0;
        self.vector = ((x * c - y * s) * gain, (x * s + y * c) * gain);
        y
    }
}

/// To 16 bits; what is too loud is bent, not cut.
pub(super) fn to_sample(level: f32) -> i16 {
    (level.tanh() * FULL) as i16
}

/// Samples in so many milliseconds.
pub(super) const fn samples(millis: u32) -> u32 {
    millis * 8
}

/// From 0 to 1 and back at the ends of a tone, so that it does not click.
pub(super) fn fade(at: u32, length: u32) -> f32 {
    const EDGE: f32 = 40.0;
    let distance = at.min(length.saturating_sub(at)) as f32;
    (distance / EDGE).min(1.0)
}

/// The two frequencies of a digit (ITU-T Q.23); none for other characters.
pub(super) fn dtmf(digit: char) -> Option<(f32, f32)> {
    const ROWS: [(&str, f32); 4] = [("123A", 697.0), ("456B", 770.0), ("789C", 852.0), ("*0#D", 941.0)];
    const COLUMNS: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
    let mut places = ROWS.iter().filter_map(|(keys, row)| Some((*row, *COLUMNS.get(keys.find(digit)?)?)));
    places.next()
}

/// 425 Hz, one second on, four seconds off, as most of Europe hears it (ITU-T E.180).
#[derive(Debug)]
pub(super) struct Ringback {
    tone: Oscillator,
    at: u32,
}

impl Default for Ringback {
    fn default() -> Self {
        Self { tone: Oscillator::new(425.0), at: 0 }
    }
}

impl Ringback {
    pub(super) fn sample(&mut self) -> i16 {
        const ON: u32 = samples(1_000);
        const PERIOD: u32 = samples(5_000);
        let at = self.at;
        self.at = (at + 1) % PERIOD;
        let tone = self.tone.sample();
        if at < ON { to_sample(tone * 0.15 * fade(at, ON)) } else { 0 }
    }
}
