//! G.722: 7 kHz speech in two sub-bands of ADPCM at 64 kbit/s (ITU-T G.722, mode 1).
//!
//! Opened at 16 kHz it speaks both bands. Opened at 8 kHz it speaks the lower alone: the decoder leaves out the upper, the
//! encoder marks it as silent; so it fits beside a narrow-band leg without a resampler. In SDP its clock is 8000 (RFC 3551
//! §4.5.2).

mod band;
mod tables;

use super::concealment::Concealment;
use super::{CodecError, Decoder, Encoder, Rate};
use band::{Band, saturate};
use tables::{HIGH_NEGATIVE, HIGH_POSITIVE, LOW_NEGATIVE, LOW_POSITIVE, QM2, QM4, QM6, QMF, RH2, RL42, STEPS, WH, WL};

/// The longest packet: 120 ms, an octet for each pair of samples.
const MAX_OCTETS: usize = 120 * 8;
/// Both bands' codes of silence in the upper band: its smallest step.
const SILENT_HIGH: i32 = 0xC0;
const LOW_START: i32 = 32;
const HIGH_START: i32 = 8;

/// The two bands' states and the history of the filter that splits or joins them.
#[derive(Debug)]
struct Bands {
    low: Band,
    high: Band,
    history: [i32; 24],
}

impl Bands {
    fn new() -> Self {
        Self { low: Band::new(LOW_START), high: Band::new(HIGH_START), history: [0; 24] }
    }

    fn push(&mut self, older: i32, newer: i32) {
        self.history.copy_within(2.., 0);
        [self.history[22], self.history[23]] = [older, newer];
    }

    /// The two halves of the quadrature mirror filter.
    fn filter(&self) -> (i32, i32) {
        let (mut even, mut odd) = (0, 0);
        for (n, pair) in self.history.chunks_exact(2).enumerate() {
            odd += pair[0] * QMF[n];
            even += pair[1] * QMF[11 - n];
        }
        (even, odd)
    }

    /// The lower band's difference from six bits, which also moves its scale.
    fn low_difference(&mut self, code: usize) -> i32 {
        let coarse = code >> 2;
        let difference = (self.low.det * QM4[coarse]) >> 15;
        self.low.rescale(WL[RL42[coarse]], 18_432, 8);
        difference
    }

    fn high_difference(&mut self, code: usize) -> i32 {
        let difference = (self.high.det * QM2[code]) >> 15;
        self.high.rescale(WH[RH2[code]], 22_528, 10);
        difference
    }
}

/// Samples to G.722 octets.
#[derive(Debug)]
pub struct G722Encoder {
    bands: Bands,
    rate: Rate,
}

impl G722Encoder {
    /// An encoder of samples at `rate`.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self { bands: Bands::new(), rate }
    }

    fn low(&mut self, sample: i32) -> i32 {
        let error = saturate(sample - self.bands.low.s);
        let size = if error < 0 { -(error + 1) } else { error };
        let det = self.bands.low.det;
        let level = STEPS.iter().position(|step| size < (step * det) >> 12).unwrap_or(STEPS.len()) + 1;
        let code = if error < 0 { LOW_NEGATIVE[level] } else { LOW_POSITIVE[level] };
        let difference = self.bands.low_difference(code);
        self.bands.low.adapt(difference);
        code as i32
    }

    fn high(&mut self, sample: i32) -> i32 {
        let error = saturate(sample - self.bands.high.s);
        let size = if error < 0 { -(error + 1) } else { error };
        let level = if size >= (564 * self.bands.high.det) >> 12 { 2 } else { 1 };
        let code = if error < 0 { HIGH_NEGATIVE[level] } else { HIGH_POSITIVE[level] };
        let difference = self.bands.high_difference(code);
        self.bands.high.adapt(difference);
        (code as i32) << 6
    }

    fn wide(&mut self, older: i16, newer: i16) -> u8 {
        self.bands.push(older.into(), newer.into());
        let (even, odd) = self.bands.filter();
        (self.low((even + odd) >> 14) | self.high((even - odd) >> 14)) as u8
    }
}

impl Encoder for G722Encoder {
    fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> Result<usize, CodecError> {
        let length = samples.len() / self.rate.factor();
        let octets = payload.get_mut(..length).ok_or(CodecError::Payload)?;
        match self.rate {
            Rate::Wide => {
                for (octet, pair) in octets.iter_mut().zip(samples.chunks_exact(2)) {
                    *octet = self.wide(pair[0], pair[1]);
                }
            }
            Rate::Narrow => {
                for (octet, sample) in octets.iter_mut().zip(samples) {
                    *octet = (self.low(i32::from(*sample) >> 1) | SILENT_HIGH) as u8;
                }
            }
        }
        Ok(length)
    }
}

/// G.722 octets to samples.
#[derive(Debug)]
pub struct G722Decoder {
    bands: Bands,
    rate: Rate,
    concealment: Concealment,
}

impl G722Decoder {
    /// A decoder to samples at `rate`.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self { bands: Bands::new(), rate, concealment: Concealment::new(rate) }
    }

    fn low(&mut self, code: usize) -> i32 {
        let (det, s) = (self.bands.low.det, self.bands.low.s);
        let sample = (s + ((det * QM6[code]) >> 15)).clamp(-16_384, 16_383);
        let difference = self.bands.low_difference(code);
        self.bands.low.adapt(difference);
        sample
    }

    fn high(&mut self, code: usize) -> i32 {
        let s = self.bands.high.s;
        let difference = self.bands.high_difference(code);
        self.bands.high.adapt(difference);
        (s + difference).clamp(-16_384, 16_383)
    }

    fn wide(&mut self, octet: u8) -> [i16; 2] {
        let low = self.low(usize::from(octet & 0x3F));
        let high = self.high(usize::from(octet >> 6));
        self.bands.push(low + high, low - high);
        let (first, second) = self.bands.filter();
        [saturate(first >> 11) as i16, saturate(second >> 11) as i16]
    }
}

impl Decoder for G722Decoder {
    fn decode(&mut self, payload: &[u8], samples: &mut Vec<i16>) -> Result<(), CodecError> {
        if payload.is_empty() || payload.len() > MAX_OCTETS {
            return Err(CodecError::Payload);
        }
        let start = samples.len();
        match self.rate {
            Rate::Wide => samples.extend(payload.iter().flat_map(|octet| self.wide(*octet))),
            Rate::Narrow => {
                samples.extend(payload.iter().map(|octet| (self.low(usize::from(octet & 0x3F)) << 1) as i16))
            }
        }
        self.concealment.good(samples.get_mut(start..).unwrap_or_default());
        Ok(())
    }

    fn conceal(&mut self, missing: usize, _next: Option<&[u8]>, samples: &mut Vec<i16>) {
        self.concealment.missing(missing, samples);
    }
}

#[cfg(test)]
mod tests;
