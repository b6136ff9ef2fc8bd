//! Speech codecs behind two one-purpose traits, all at the rate of the trunk leg.
//!
//! Opus is opened at that rate on both sides, so no resampler stands between it and the PBX's codec (RFC 6716 §2.1.3, RFC
//! 7587). What this room does not do: sequence, time and loss detection are the media session's business.

mod concealment;
mod g711;
mod g722;
mod installed;
mod noise;
mod opus;

pub use g711::{G711Decoder, G711Encoder};
pub use g722::{G722Decoder, G722Encoder};
pub use installed::{InstalledCodec, InstalledCodecs, Shelf};
pub use noise::{ComfortNoise, NoiseLevel};
pub use opus::{OpusDecoder, OpusEncoder, OpusSettings, opus_ticks};

/// Samples in a second of a call: what its trunk leg's codec speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rate {
    /// 8 kHz: G.711, G.729, Speex in narrow band.
    #[default]
    Narrow,
    /// 16 kHz: G.722, Speex in wide band.
    Wide,
}

impl Rate {
    /// In Hz.
    #[must_use]
    pub const fn hz(self) -> u32 {
        8_000 * self.factor() as u32
    }

    /// Samples in the time of one at 8 kHz.
    #[must_use]
    pub const fn factor(self) -> usize {
        match self {
            Self::Narrow => 1,
            Self::Wide => 2,
        }
    }

    /// Samples in a millisecond.
    #[must_use]
    pub const fn per_ms(self) -> usize {
        8 * self.factor()
    }
}

/// The longest payload an encoder writes.
pub const MAX_PAYLOAD: usize = 1_000;

/// The longest piece of sound that one packet may stand for, in milliseconds: Opus' own limit (RFC 6716 §3.2).
pub const MAX_PACKET_MS: usize = 120;

/// Samples to a payload.
pub trait Encoder: Send {
    /// Writes the payload of `samples` and returns its length.
    ///
    /// # Errors
    /// When the codec refuses: an impossible number of samples, or too small a buffer.
    fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> Result<usize, CodecError>;

    /// How much of what we send the far end says it loses, in per cent; codecs with redundancy adapt to it.
    fn expect_loss(&mut self, _percent: u8) {}

    /// How hard to try at most, from 0 to 10; codecs that know no degrees go on as they are.
    fn limit(&mut self, _complexity: u8) {}
}

/// A payload to samples.
pub trait Decoder: Send {
    /// Appends the samples of `payload` to `samples`.
    ///
    /// # Errors
    /// When `payload` is not of this codec; nothing is appended then.
    fn decode(&mut self, payload: &[u8], samples: &mut Vec<i16>) -> Result<(), CodecError>;

    /// Appends `missing` samples in place of lost ones; `next` is the packet after the loss, where it is there already.
    fn conceal(&mut self, missing: usize, next: Option<&[u8]>, samples: &mut Vec<i16>);
}

/// A codec's refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodecError {
    /// The payload is not of this codec, or the codec cannot take it.
    Payload,
    /// The codec could not be made.
    Unavailable,
}

impl core::fmt::Display for CodecError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Payload => "the payload is not of this codec",
            Self::Unavailable => "the codec could not be made",
        })
    }
}

impl std::error::Error for CodecError {}
