//! Makes a tone, finds a tone.

use std::f64::consts::TAU;

/// `count` samples of a sine from sample `from` on.
pub(crate) fn sine(frequency: f64, amplitude: f64, rate: f64, from: usize, count: usize) -> Vec<i16> {
    (from..from + count).map(|n| (amplitude * (n as f64 * frequency * TAU / rate).sin()) as i16).collect()
}

/// The level of `frequency` in `samples`, in dB of full scale (Goertzel's sum, by its definition).
pub(crate) fn level(samples: &[i16], frequency: f64, rate: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let phase = n as f64 * frequency * TAU / rate;
        re += f64::from(*sample) * phase.cos();
        im += f64::from(*sample) * phase.sin();
    }
    let amplitude = 2.0 * (re * re + im * im).sqrt() / samples.len() as f64;
    20.0 * (amplitude / 32_768.0).max(1e-6).log10()
}

/// Lets `samples`, which begin at sample `from`, swell and fade four times a second, as syllables do: the tone itself is
/// 6 dB lower then.
pub(crate) fn syllables(samples: &mut [i16], rate: f64, from: usize) {
    for (n, sample) in samples.iter_mut().enumerate() {
        let swell = 0.5 + 0.5 * ((from + n) as f64 * 4.0 * TAU / rate).sin();
        *sample = (f64::from(*sample) * swell) as i16;
    }
}
