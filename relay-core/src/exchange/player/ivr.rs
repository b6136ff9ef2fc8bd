//! `ivr`: asks with three notes, collects digits until `#` or a pause, and plays each of them as its DTMF tone.
//!
//! Tones and not speech, so that a machine can say exactly which digits arrived.

use super::tone::{Oscillator, dtmf, fade, samples, to_sample};
use std::collections::VecDeque;

/// Digits that may wait to be played.
const MAX_DIGITS: usize = 64;
/// After the last digit; a `#` ends the collection at once.
const PAUSE: u32 = samples(3_000);
/// After which the question is asked again.
const REMINDER: u32 = samples(12_000);
/// Each tone of the answer, and the silence after it.
const TONE: u32 = samples(180);
const GAP: u32 = samples(90);
/// The question: D5, F♯5, A5. None of them is near a frequency of DTMF.
const NOTES: [f32; 3] = [587.33, 739.99, 880.0];
const NOTE: u32 = samples(160);

#[derive(Debug)]
enum State {
    /// The question sounds.
    Asking { note: usize, at: u32, tone: Oscillator },
    /// Digits come; `quiet` since the last one.
    Collecting { quiet: u32 },
    /// A digit sounds.
    Playing { at: u32, low: Oscillator, high: Oscillator },
}

/// See the module.
#[derive(Debug)]
pub(super) struct Ivr {
    state: State,
    digits: VecDeque<char>,
    /// How many of `digits` are played before the next question: up to the last `#`, or all after a pause.
    ready: usize,
}

impl Default for Ivr {
    fn default() -> Self {
        Self { state: asking(0), digits: VecDeque::new(), ready: 0 }
    }
}

fn asking(note: usize) -> State {
    let frequency = NOTES.get(note).copied().unwrap_or_default();
    State::Asking { note, at: 0, tone: Oscillator::new(frequency) }
}

impl Ivr {
    /// A key was pressed. It interrupts the question.
    pub(super) fn digit(&mut self, digit: char) {
        if self.digits.len() >= MAX_DIGITS {
            return;
        }
        self.digits.push_back(digit);
        if digit == '#' {
            self.ready = self.digits.len();
        }
        if !matches!(self.state, State::Playing { .. }) {
            self.state = State::Collecting { quiet: 0 };
        }
    }

    pub(super) fn sample(&mut self) -> i16 {
        match &mut self.state {
            State::Asking { note, at, tone } => {
                let level = tone.sample() * 0.12 * fade(*at, NOTE);
                *at += 1;
                if *at >= NOTE {
                    let next = *note + 1;
                    self.state = if next < NOTES.len() { asking(next) } else { State::Collecting { quiet: 0 } };
                }
                to_sample(level)
            }
            State::Collecting { quiet } => {
                *quiet += 1;
                let quiet = *quiet;
                self.collect(quiet);
                0
            }
            State::Playing { at, low, high } => {
                let level = if *at < TONE { (low.sample() + high.sample()) * 0.16 * fade(*at, TONE) } else { 0.0 };
                *at += 1;
                if *at >= TONE + GAP {
                    self.play_next();
                }
                to_sample(level)
            }
        }
    }

    fn collect(&mut self, quiet: u32) {
        if quiet >= PAUSE {
            self.ready = self.digits.len();
        }
        if self.ready > 0 {
            self.play_next();
        } else if quiet >= REMINDER {
            self.state = asking(0);
        }
    }

    /// The next digit; else collects what came meanwhile, or asks again.
    fn play_next(&mut self) {
        if self.ready == 0 {
            self.state = if self.digits.is_empty() { asking(0) } else { State::Collecting { quiet: 0 } };
            return;
        }
        self.ready -= 1;
        let pair = self.digits.pop_front().and_then(dtmf);
        if let Some((low, high)) = pair {
            self.state = State::Playing { at: 0, low: Oscillator::new(low), high: Oscillator::new(high) };
        }
    }
}
