//! Packet loss concealment for waveform codecs, after the idea of G.711 Appendix I.
//!
//! The last pitch period is repeated while it fades to silence within 60 ms; where sound returns, the two are
//! blended. It is not bit-exact to the Appendix: no second and third period, no delay of its own.

use super::Rate;

/// 200 Hz, a high voice; shorter periods repeat as a multiple.
const SHORTEST_PERIOD_MS: usize = 5;
/// 66 Hz.
const LONGEST_PERIOD_MS: usize = 15;
/// Compared in the search for the pitch.
const WINDOW_MS: usize = 20;
/// Full level for so long; silent after that and the fade.
const HOLD_MS: usize = 10;
const FADE_MS: usize = 50;
/// Blending where sound returns.
const BLEND_MS: usize = 4;
/// Samples kept at the wider rate.
const MOST_HISTORY: usize = (WINDOW_MS + LONGEST_PERIOD_MS) * Rate::Wide.per_ms();

/// The recent past of one stream, and how far a running loss has been bridged.
#[derive(Debug)]
pub(super) struct Concealment {
    /// Its end, as long as the rate needs, is in use.
    history: [i16; MOST_HISTORY],
    per_ms: usize,
    /// The repeated period, 0 while nothing is lost.
    period: usize,
    bridged: usize,
}

impl Concealment {
    pub(super) const fn new(rate: Rate) -> Self {
        Self { history: [0; MOST_HISTORY], per_ms: rate.per_ms(), period: 0, bridged: 0 }
    }

    /// Sound that came; its beginning is blended with what a running concealment would have gone on with.
    pub(super) fn good(&mut self, samples: &mut [i16]) {
        if self.period != 0 {
            let blend = BLEND_MS * self.per_ms;
            for step in 0..blend.min(samples.len()) {
                let ghost = i32::from(self.next());
                if let Some(sample) = samples.get_mut(step) {
                    let (new, old) = (step as i32 + 1, (blend - step) as i32 - 1);
                    *sample = ((i32::from(*sample) * new + ghost * old) / blend as i32) as i16;
                }
            }
            self.period = 0;
        }
        self.remember(samples);
    }

    /// Appends `count` samples in the place of missing ones.
    pub(super) fn missing(&mut self, count: usize, samples: &mut Vec<i16>) {
        if self.period == 0 {
            (self.period, self.bridged) = (self.pitch(), 0);
        }
        samples.extend((0..count).map(|_| self.next()));
    }

    fn remember(&mut self, samples: &[i16]) {
        let new = samples.get(samples.len().saturating_sub(MOST_HISTORY)..).unwrap_or_default();
        self.history.copy_within(new.len().., 0);
        self.history[MOST_HISTORY - new.len()..].copy_from_slice(new);
    }

    fn next(&mut self) -> i16 {
        let (hold, fade) = (HOLD_MS * self.per_ms, FADE_MS * self.per_ms);
        let sample = self.history[MOST_HISTORY - self.period + self.bridged % self.period];
        let faded = (hold + fade).saturating_sub(self.bridged.max(hold)) as i32;
        self.bridged = self.bridged.wrapping_add(1);
        (i32::from(sample) * faded / fade as i32) as i16
    }

    /// The lag at which the last 20 ms look most like what was before them.
    fn pitch(&self) -> usize {
        let window = WINDOW_MS * self.per_ms;
        let score = |lag: usize| {
            let (mut product, mut energy) = (0_i64, 1_i64);
            let recent = &self.history[MOST_HISTORY - window..];
            let earlier = &self.history[MOST_HISTORY - window - lag..];
            for (a, b) in recent.iter().zip(earlier) {
                product += i64::from(*a) * i64::from(*b);
                energy += i64::from(*b) * i64::from(*b);
            }
            product as f64 / (energy as f64).sqrt()
        };
        let longest = LONGEST_PERIOD_MS * self.per_ms;
        let lags = SHORTEST_PERIOD_MS * self.per_ms..=longest;
        lags.max_by(|a, b| score(*a).total_cmp(&score(*b))).unwrap_or(longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(from: usize, count: usize) -> Vec<i16> {
        let sample = |n: usize| (8_000.0 * (n as f64 * 2.0 * std::f64::consts::PI * 200.0 / 8_000.0).sin()) as i16;
        (from..from + count).map(sample).collect()
    }

    #[test]
    fn a_short_loss_in_a_tone_goes_on_with_the_tone() {
        let mut concealment = Concealment::new(Rate::Narrow);
        concealment.good(&mut tone(0, 480));

        let mut bridged = Vec::new();
        concealment.missing(80, &mut bridged);

        let error = bridged.iter().zip(tone(480, 80)).map(|(a, b)| i32::from(*a).abs_diff(i32::from(b))).max();
        assert!(error < Some(400), "{error:?}");
    }

    #[test]
    fn a_long_loss_fades_to_silence_and_sound_returns_whole() {
        let mut concealment = Concealment::new(Rate::Narrow);
        concealment.good(&mut tone(0, 480));
        let mut bridged = Vec::new();
        concealment.missing(8_000, &mut bridged);
        assert!(bridged[60 * 8..].iter().all(|sample| *sample == 0));

        let mut back = tone(0, 160);
        concealment.good(&mut back);
        assert_eq!(back[4 * 8..], tone(0, 160)[4 * 8..]);
    }
}
