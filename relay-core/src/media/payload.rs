//! Payload types of one leg and the codecs behind them (RFC 3551, RFC 7587).

use super::control::{G711Law, TrunkCodec, WebCodec};
use crate::codec::{CodecError, Decoder, Encoder, G711Decoder, G711Encoder, OpusDecoder, OpusEncoder, OpusSettings};

/// The rate of all codecs' samples.
pub(super) const SAMPLE_RATE: u32 = 8_000;

/// A negotiated codec with its payload type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) payload_type: u8,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Opus,
    G711(G711Law),
}

/// telephone-event: payload type and clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventFormat {
    pub(super) payload_type: u8,
    pub(super) rate: u32,
}

impl From<WebCodec> for Format {
    fn from(codec: WebCodec) -> Self {
        match codec {
            WebCodec::Opus { payload_type } => Self { payload_type, kind: Kind::Opus },
            WebCodec::G711(law, payload_type) => Self { payload_type, kind: Kind::G711(law) },
        }
    }
}

impl From<TrunkCodec> for Format {
    fn from(codec: TrunkCodec) -> Self {
        match codec {
            TrunkCodec::G711(G711Law::Mu) => Self { payload_type: 0, kind: Kind::G711(G711Law::Mu) },
            TrunkCodec::G711(G711Law::A) => Self { payload_type: 8, kind: Kind::G711(G711Law::A) },
        }
    }
}

impl Format {
    /// Of the RTP time stamps: Opus counts at 48 kHz whatever it carries (RFC 7587 §4.1).
    pub(super) const fn clock(self) -> u32 {
        match self.kind {
            Kind::Opus => 48_000,
            Kind::G711(_) => 8_000,
        }
    }

    /// Clock units in one sample.
    pub(super) const fn ratio(self) -> u32 {
        self.clock() / SAMPLE_RATE
    }

    /// Samples in a packet of about `millis`: what the codec can do, from 10 to 60 ms.
    pub(super) fn frame(self, millis: u128) -> usize {
        let millis = match (self.kind, millis) {
            (Kind::Opus, ..=19) | (Kind::G711(_), ..=10) => 10,
            (Kind::Opus, 20..=39) => 20,
            (Kind::Opus, 40..=59) => 40,
            (_, 60..) => 60,
            (Kind::G711(_), other) => other as usize / 10 * 10,
        };
        millis * SAMPLE_RATE as usize / 1_000
    }

    pub(super) fn encoder(self, opus: OpusSettings) -> Result<Box<dyn Encoder>, CodecError> {
        Ok(match self.kind {
            Kind::Opus => Box::new(OpusEncoder::new(opus)?),
            Kind::G711(law) => Box::new(G711Encoder::new(law)),
        })
    }

    pub(super) fn decoder(self) -> Result<Box<dyn Decoder>, CodecError> {
        Ok(match self.kind {
            Kind::Opus => Box::new(OpusDecoder::new()?),
            Kind::G711(law) => Box::new(G711Decoder::new(law)),
        })
    }
}
