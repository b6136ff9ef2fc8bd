//! Payload types of one leg and the codecs behind them (RFC 3551, RFC 7587).

use super::control::{G711Law, TrunkCodec, WebCodec};
use crate::codec::{
    CodecError, Decoder, Encoder, G711Decoder, G711Encoder, G722Decoder, G722Encoder, OpusDecoder, OpusEncoder,
    OpusSettings, Rate,
};

/// Time inside a call is counted in these, whatever its sound's rate: 125 µs.
pub(super) const TICKS: u32 = 8_000;

/// A negotiated codec with its payload type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) payload_type: u8,
    pub(super) kind: Kind,
    /// Of the samples that its codec takes and gives.
    pub(super) rate: Rate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Opus,
    G711(G711Law),
    G722,
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
            WebCodec::Opus { payload_type } => Self::narrow(payload_type, Kind::Opus),
            WebCodec::G711(law, payload_type) => Self::narrow(payload_type, Kind::G711(law)),
        }
    }
}

impl From<TrunkCodec> for Format {
    fn from(codec: TrunkCodec) -> Self {
        let rate = codec.rate();
        match codec {
            TrunkCodec::G711(law @ G711Law::Mu) => Self { payload_type: 0, kind: Kind::G711(law), rate },
            TrunkCodec::G711(law @ G711Law::A) => Self { payload_type: 8, kind: Kind::G711(law), rate },
            TrunkCodec::G722 => Self { payload_type: 9, kind: Kind::G722, rate },
        }
    }
}

impl Format {
    const fn narrow(payload_type: u8, kind: Kind) -> Self {
        Self { payload_type, kind, rate: Rate::Narrow }
    }

    /// The same codec for a call at `rate`; G.711 knows one rate only.
    pub(super) const fn at(self, rate: Rate) -> Self {
        match self.kind {
            Kind::Opus | Kind::G722 => Self { rate, ..self },
            Kind::G711(_) => self,
        }
    }

    /// Of the RTP time stamps: Opus counts at 48 kHz whatever it carries (RFC 7587 §4.1), G.722 at 8 (RFC 3551 §4.5.2).
    pub(super) const fn clock(self) -> u32 {
        match self.kind {
            Kind::Opus => 48_000,
            Kind::G711(_) | Kind::G722 => 8_000,
        }
    }

    /// Clock units in one tick.
    pub(super) const fn ratio(self) -> u32 {
        self.clock() / TICKS
    }

    /// Samples in a packet of about `millis`: what the codec can do, from 10 to 60 ms.
    pub(super) fn frame(self, millis: u128) -> usize {
        let millis = match (self.kind, millis) {
            (Kind::Opus, ..=19) | (_, ..=10) => 10,
            (Kind::Opus, 20..=39) => 20,
            (Kind::Opus, 40..=59) => 40,
            (_, 60..) => 60,
            (Kind::G711(_) | Kind::G722, other) => other as usize / 10 * 10,
        };
        millis * self.rate.per_ms()
    }

    pub(super) fn encoder(self, opus: OpusSettings) -> Result<Box<dyn Encoder>, CodecError> {
        Ok(match self.kind {
            Kind::Opus => Box::new(OpusEncoder::new(opus, self.rate)?),
            Kind::G711(law) => Box::new(G711Encoder::new(law)),
            Kind::G722 => Box::new(G722Encoder::new(self.rate)),
        })
    }

    pub(super) fn decoder(self) -> Result<Box<dyn Decoder>, CodecError> {
        Ok(match self.kind {
            Kind::Opus => Box::new(OpusDecoder::new(self.rate)?),
            Kind::G711(law) => Box::new(G711Decoder::new(law)),
            Kind::G722 => Box::new(G722Decoder::new(self.rate)),
        })
    }
}
