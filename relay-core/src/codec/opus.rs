//! Opus at the call's rate, mono, on both sides (RFC 6716, RFC 7587): libopus resamples and mixes inside.
//!
//! Lost packets come back from the in-band FEC of their successor when it is there, else libopus conceals them.

use super::{CodecError, Decoder, Encoder, MAX_PACKET_MS, Rate};

/// libopus speaks in multiples of 2.5 ms: samples at 8 kHz.
const GRAIN: usize = 20;
/// Above this, redundancy no longer helps and starves the voice.
const MAX_EXPECTED_LOSS: u8 = 30;

/// How our encoder spends its time and bits.
///
/// Bits toward a browser cost nobody much, time costs calls: for speech that was G.711, complexity 1 at 32 kbit/s sounds as
/// good as 10 at 24, at a third of the time (docs/benchmarks.md has the table). Below 4, wide band loses a fifth of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpusSettings {
    /// Of narrow-band speech: 0 (cheap) to 10.
    pub complexity: u8,
    /// Bits per second of narrow-band speech.
    pub bitrate: u32,
    /// Of wide-band speech: 0 (cheap) to 10.
    pub wide_complexity: u8,
    /// Bits per second of wide-band speech.
    pub wide_bitrate: u32,
}

impl Default for OpusSettings {
    fn default() -> Self {
        Self { complexity: 1, bitrate: 32_000, wide_complexity: 4, wide_bitrate: 48_000 }
    }
}

impl OpusSettings {
    /// The complexity of the dearest encoder.
    #[must_use]
    pub fn most_complexity(&self) -> u8 {
        self.complexity.max(self.wide_complexity).min(10)
    }

    const fn at(&self, rate: Rate) -> (u8, u32) {
        match rate {
            Rate::Narrow => (self.complexity, self.bitrate),
            Rate::Wide => (self.wide_complexity, self.wide_bitrate),
        }
    }
}

/// How long the sound of a packet is, in units of 125 µs; none for what is no Opus packet (RFC 6716 §3.4).
#[must_use]
pub fn opus_ticks(payload: &[u8]) -> Option<u32> {
    let ticks = opus::packet::get_nb_samples(payload, Rate::Narrow.hz()).ok()?;
    u32::try_from(ticks).ok().filter(|ticks| (1..=MAX_PACKET_MS as u32 * 8).contains(ticks))
}

/// Samples to Opus packets.
#[derive(Debug)]
pub struct OpusEncoder {
    codec: opus::Encoder,
    complexity: u8,
}

impl OpusEncoder {
    /// An encoder for speech with in-band FEC, which stays unused until a loss is expected.
    ///
    /// # Errors
    /// When libopus has no memory for it.
    pub fn new(settings: OpusSettings, rate: Rate) -> Result<Self, CodecError> {
        Self::configured(settings, rate).map_err(|_| CodecError::Unavailable)
    }

    fn configured(settings: OpusSettings, rate: Rate) -> Result<Self, opus::Error> {
        let (complexity, bitrate) = settings.at(rate);
        let mut encoder = opus::Encoder::new(rate.hz(), opus::Channels::Mono, opus::Application::Voip)?;
        encoder.set_complexity(i32::from(complexity.min(10)))?;
        encoder.set_bitrate(opus::Bitrate::Bits(i32::try_from(bitrate).unwrap_or(24_000)))?;
        encoder.set_inband_fec(true)?;
        encoder.set_packet_loss_perc(0)?;
        Ok(Self { codec: encoder, complexity: complexity.min(10) })
    }
}

impl Encoder for OpusEncoder {
    fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> Result<usize, CodecError> {
        self.codec.encode(samples, payload).map_err(|_| CodecError::Payload)
    }

    fn expect_loss(&mut self, percent: u8) {
        // Refused only for values above 100.
        let _ = self.codec.set_packet_loss_perc(i32::from(percent.min(MAX_EXPECTED_LOSS)));
    }

    fn limit(&mut self, complexity: u8) {
        // Refused only for values above 10.
        let _ = self.codec.set_complexity(i32::from(complexity.min(self.complexity)));
    }
}

/// Opus packets to samples.
#[derive(Debug)]
pub struct OpusDecoder {
    codec: opus::Decoder,
    rate: Rate,
}

impl OpusDecoder {
    /// A decoder for any Opus packet: stereo is mixed, full band is resampled.
    ///
    /// # Errors
    /// When libopus has no memory for it.
    pub fn new(rate: Rate) -> Result<Self, CodecError> {
        let codec = opus::Decoder::new(rate.hz(), opus::Channels::Mono).map_err(|_| CodecError::Unavailable)?;
        Ok(Self { codec, rate })
    }

    const fn most(&self) -> usize {
        MAX_PACKET_MS * self.rate.per_ms()
    }

    /// Decodes into `count` new samples at the end of `samples`; fewer stay where libopus has fewer.
    fn append(&mut self, payload: &[u8], fec: bool, count: usize, samples: &mut Vec<i16>) -> Result<(), CodecError> {
        let start = samples.len();
        samples.resize(start + count, 0);
        let decoded = self.codec.decode(payload, samples.get_mut(start..).unwrap_or_default(), fec);
        samples.truncate(start + decoded.as_ref().map_or(0, |length| *length));
        decoded.map(drop).map_err(|_| CodecError::Payload)
    }

    /// One piece of a loss; silence where libopus will not.
    fn bridge(&mut self, payload: &[u8], count: usize, samples: &mut Vec<i16>) {
        if self.append(payload, !payload.is_empty(), count, samples).is_err() {
            samples.resize(samples.len() + count, 0);
        }
    }
}

impl Decoder for OpusDecoder {
    fn decode(&mut self, payload: &[u8], samples: &mut Vec<i16>) -> Result<(), CodecError> {
        if payload.is_empty() {
            return Err(CodecError::Payload);
        }
        self.append(payload, false, self.most(), samples)
    }

    fn conceal(&mut self, missing: usize, next: Option<&[u8]>, samples: &mut Vec<i16>) {
        let mut left = missing.next_multiple_of(GRAIN * self.rate.factor());
        let surplus = left - missing;
        // The last piece goes with the packet that carries the redundancy (RFC 6716 §2.1.7).
        while left > self.most() {
            self.bridge(&[], self.most(), samples);
            left -= self.most();
        }
        if left > 0 {
            self.bridge(next.unwrap_or_default(), left, samples);
        }
        samples.truncate(samples.len().saturating_sub(surplus));
    }
}
