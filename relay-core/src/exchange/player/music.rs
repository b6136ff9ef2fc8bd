//! `music`: a small piece that never repeats: slow chords, an arpeggio over them, now and then a note of melody.
//!
//! Equal temperament over A4 = 440 Hz; the harmony walks through chords of C major that follow each other well. Voices
//! are a few decaying sines, below 3,400 Hz, because a telephone hears no more.

use super::tone::{Oscillator, RATE, samples, to_sample};

/// An eighth note at 84 beats a minute.
const STEP: u32 = samples(357);
const STEPS_OF_A_BAR: u32 = 8;
const MAX_VOICES: usize = 24;
/// A voice below this is over.
const SILENCE: f32 = 0.000_5;
const HIGHEST: f32 = 3_300.0;

/// Its notes as MIDI numbers from the bass upward, and the chords that may follow it.
struct Chord {
    notes: [u8; 4],
    next: [usize; 3],
}

const CHORDS: [Chord; 6] = [
    Chord { notes: [48, 55, 64, 71], next: [1, 3, 4] }, // C maj7
    Chord { notes: [45, 52, 60, 67], next: [2, 3, 5] }, // A m7
    Chord { notes: [50, 57, 65, 72], next: [4, 4, 0] }, // D m7
    Chord { notes: [53, 60, 64, 69], next: [4, 0, 2] }, // F maj7
    Chord { notes: [55, 59, 62, 69], next: [0, 1, 0] }, // G add9
    Chord { notes: [52, 59, 67, 71], next: [3, 1, 3] }, // E m
];
/// Up, down and around: indices into the upper notes of a chord, doubled an octave above from 3 on.
const PATTERNS: [[usize; 8]; 3] = [[0, 1, 2, 3, 4, 3, 2, 1], [0, 2, 1, 3, 2, 4, 3, 1], [4, 3, 2, 1, 0, 1, 2, 3]];
/// C major pentatonic: fits each of the chords.
const MELODY: [u8; 7] = [72, 74, 76, 79, 81, 84, 86];

/// See the module.
#[derive(Debug)]
pub(super) struct Music {
    voices: Vec<Voice>,
    at: u32,
    chord: usize,
    pattern: usize,
    /// The place in [`MELODY`] of the last note.
    melody: usize,
    random: u64,
}

impl Music {
    pub(super) fn new(seed: u64) -> Self {
        // Xorshift must not begin with 0.
        Self { voices: Vec::new(), at: 0, chord: 0, pattern: 0, melody: 3, random: seed | 1 }
    }

    pub(super) fn sample(&mut self) -> i16 {
        if self.at.is_multiple_of(STEP) {
            self.step(self.at / STEP % STEPS_OF_A_BAR);
        }
        self.at = (self.at + 1) % (STEP * STEPS_OF_A_BAR);
        let level: f32 = self.voices.iter_mut().map(Voice::sample).sum();
        to_sample(level)
    }

    fn step(&mut self, step: u32) {
        self.voices.retain(|voice| !voice.is_over());
        if step == 0 {
            self.begin_bar();
        }
        let Some(Chord { notes: [_, low, middle, high], .. }) = CHORDS.get(self.chord) else { return };
        let tones = [*low, *middle, *high, *low + 12, *middle + 12];
        let place = PATTERNS.get(self.pattern).and_then(|pattern| pattern.get(step as usize)).copied().unwrap_or(0);
        let tone = tones.get(place).copied().unwrap_or(*middle);
        self.add(Voice::pluck(tone, if step.is_multiple_of(4) { 0.13 } else { 0.095 }));
        if step.is_multiple_of(2) && self.chance(35) {
            self.sing();
        }
    }

    /// The next chord, with a soft pad of all its notes under the bar.
    fn begin_bar(&mut self) {
        let choices = CHORDS.get(self.chord).map_or([0; 3], |chord| chord.next);
        let choice = self.random(3);
        self.chord = choices.get(choice).copied().unwrap_or(0);
        self.pattern = self.random(PATTERNS.len());
        if let Some(Chord { notes, .. }) = CHORDS.get(self.chord) {
            notes.iter().for_each(|note| self.add(Voice::pad(*note)));
        }
    }

    /// A note of melody beside the last one.
    fn sing(&mut self) {
        let up = self.random(5);
        self.melody = (self.melody + up).saturating_sub(2).min(MELODY.len() - 1);
        if let Some(note) = MELODY.get(self.melody) {
            self.add(Voice::bell(*note));
        }
    }

    fn add(&mut self, voice: Voice) {
        if self.voices.len() < MAX_VOICES {
            self.voices.push(voice);
        }
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.random(100) < percent
    }

    /// A number below `limit` (Marsaglia's xorshift: good enough for a melody).
    fn random(&mut self, limit: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        ((self.random >> 33) as usize).checked_rem(limit).unwrap_or(0)
    }
}

/// A note that sounds and dies away.
#[derive(Debug)]
struct Voice {
    partials: Vec<Partial>,
    /// Rises from 0 to 1 by this much a sample.
    attack: f32,
    risen: f32,
}

#[derive(Debug)]
struct Partial {
    tone: Oscillator,
    level: f32,
    /// What is left of the level after a sample.
    decay: f32,
}

impl Voice {
    /// A string or bar that is struck once.
    fn pluck(note: u8, level: f32) -> Self {
        Self::new(note, 0.004, &[(1.0, level, 0.55), (2.0, level * 0.35, 0.3), (3.0, level * 0.15, 0.18)])
    }

    fn bell(note: u8) -> Self {
        Self::new(note, 0.01, &[(1.0, 0.10, 0.8), (2.0, 0.03, 0.4)])
    }

    /// Rises slowly and lies under a whole bar.
    fn pad(note: u8) -> Self {
        Self::new(note, 0.5, &[(1.0, 0.06, 2.4), (2.0, 0.02, 1.6)])
    }

    /// Partials as multiple of the note's frequency, level, and seconds to a third of it.
    fn new(note: u8, attack: f32, partials: &[(f32, f32, f32)]) -> Self {
        let frequency = frequency(note);
        let audible = partials.iter().filter(|(multiple, ..)| multiple * frequency < HIGHEST);
        let partial = |(multiple, level, seconds): &(f32, f32, f32)| Partial {
            tone: Oscillator::new(frequency * multiple),
            level: *level,
            decay: (-1.0 / (seconds * RATE)).exp(),
        };
        Self { partials: audible.map(partial).collect(), attack: 1.0 / (attack * RATE), risen: 0.0 }
    }

    fn sample(&mut self) -> f32 {
        self.risen = (self.risen + self.attack).min(1.0);
        self.risen * self.partials.iter_mut().map(Partial::sample).sum::<f32>()
    }

    fn is_over(&self) -> bool {
        self.partials.iter().all(|partial| partial.level < SILENCE)
    }
}

impl Partial {
    fn sample(&mut self) -> f32 {
        self.level *= self.decay;
        self.tone.sample() * self.level
    }
}

/// Equal temperament.
fn frequency(note: u8) -> f32 {
    440.0 * ((f32::from(note) - 69.0) / 12.0).exp2()
}

#[cfg(test)]
mod tests {
    use super::super::FRAME;
    use super::*;
    use core::f32::consts::TAU;

    const SECOND: usize = 8_000;

    fn piece(seconds: usize) -> Vec<f32> {
        let mut music = Music::new(7);
        (0..seconds * SECOND).map(|_| f32::from(music.sample()) / 32_768.0).collect()
    }

    fn decibel(samples: &[f32]) -> f32 {
        let power: f32 = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32;
        10.0 * power.max(1e-12).log10()
    }

    /// How much of a frequency there is.
    fn strength(samples: &[f32], frequency: f32) -> f32 {
        let turn = |(n, sample): (usize, &f32)| {
            let angle = TAU * frequency * n as f32 / RATE;
            (sample * angle.cos(), sample * angle.sin())
        };
        let sum = samples.iter().enumerate().map(turn).fold((0.0, 0.0), |(x, y), (c, s)| (x + c, y + s));
        sum.0.hypot(sum.1) / samples.len() as f32
    }

    #[test]
    fn it_is_never_silent_and_never_loud() {
        let piece = piece(60);

        for second in piece.chunks(SECOND) {
            let level = decibel(second);
            assert!((-30.0..-9.0).contains(&level), "{level} dB");
        }
        assert!(piece.iter().all(|sample| sample.abs() < 0.95));
        assert!(piece.chunks(FRAME).skip(20).all(|frame| decibel(frame) > -50.0));
    }

    #[test]
    fn it_is_in_tune() {
        let piece = piece(30);
        let on: f32 = (57..80).map(|note| strength(&piece, frequency(note))).sum();
        let between: f32 = (57..80).map(|note| strength(&piece, frequency(note) * (0.5_f32 / 12.0).exp2())).sum();

        assert!(on > 10.0 * between, "{on} on the notes, {between} half way between them");
    }

    #[test]
    fn another_seed_is_another_piece() {
        let (mut a, mut b) = (Music::new(7), Music::new(8_000_000));

        assert!((0..SECOND * 20).any(|_| a.sample() != b.sample()));
    }
}
