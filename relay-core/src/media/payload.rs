//! Payload types of one leg and the codecs behind them (RFC 3551, RFC 7587).

use super::control::{G711Law, TrunkCodec, TrunkRemote, WebCodec};
use crate::codec::{
    CodecError, Decoder, Encoder, G711Decoder, G711Encoder, G722Decoder, G722Encoder, InstalledCodec, OpusDecoder,
    OpusEncoder, Rate, Shelf,
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
    Installed(InstalledCodec),
}

impl Kind {
    /// The rate that it speaks by itself.
    pub(super) const fn rate(self) -> Rate {
        match self {
            Self::G722 | Self::Installed(InstalledCodec::Speex(Rate::Wide)) => Rate::Wide,
            Self::Opus | Self::G711(_) | Self::Installed(_) => Rate::Narrow,
        }
    }

    /// The same, of what knows no other.
    pub(super) const fn only_rate(self) -> Option<Rate> {
        match self {
            Self::Opus | Self::G722 => None,
            Self::G711(_) | Self::Installed(_) => Some(self.rate()),
        }
    }
}

/// telephone-event: payload type and clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventFormat {
    pub(super) payload_type: u8,
    pub(super) rate: u32,
    /// What we offered where the other side answered with a number of its own: either may come (RFC 3264 §6.1).
    pub(super) offered: Option<u8>,
}

impl EventFormat {
    pub(super) fn is(self, payload_type: u8) -> bool {
        self.payload_type == payload_type || self.offered == Some(payload_type)
    }
}

impl From<WebCodec> for Format {
    fn from(codec: WebCodec) -> Self {
        match codec {
            WebCodec::Opus { payload_type } => Self::narrow(payload_type, Kind::Opus),
            WebCodec::G711(law, payload_type) => Self::narrow(payload_type, Kind::G711(law)),
        }
    }
}

impl From<&TrunkRemote> for Format {
    fn from(remote: &TrunkRemote) -> Self {
        let kind = match remote.codec {
            TrunkCodec::G711(law) => Kind::G711(law),
            TrunkCodec::G722 => Kind::G722,
            TrunkCodec::G729 => Kind::Installed(InstalledCodec::G729),
            TrunkCodec::Opus => Kind::Opus,
            TrunkCodec::Speex(rate) => Kind::Installed(InstalledCodec::Speex(rate)),
        };
        Self { payload_type: remote.payload_type, kind, rate: kind.rate() }
    }
}

impl Format {
    const fn narrow(payload_type: u8, kind: Kind) -> Self {
        Self { payload_type, kind, rate: Rate::Narrow }
    }

    /// The other law of G.711 under its static number: who named both in one description sends whichever it likes
    /// (RFC 3264 §6.1), and many who named one do so too.
    pub(super) fn other_law(self) -> Option<Self> {
        let (law, payload_type) = match self.kind {
            Kind::G711(G711Law::Mu) => (G711Law::A, 8),
            Kind::G711(G711Law::A) => (G711Law::Mu, 0),
            _ => return None,
        };
        (payload_type != self.payload_type).then_some(Self { payload_type, kind: Kind::G711(law), ..self })
    }

    /// The same codec for a call at `rate`, if it knows another than its own.
    pub(super) const fn at(self, rate: Rate) -> Self {
        match self.kind.only_rate() {
            None => Self { rate, ..self },
            Some(_) => self,
        }
    }

    /// Of the RTP time stamps: Opus counts at 48 kHz whatever it carries (RFC 7587 §4.1), G.722 at 8 (RFC 3551 §4.5.2).
    pub(super) const fn clock(self) -> u32 {
        match self.kind {
            Kind::Opus => 48_000,
            Kind::Installed(InstalledCodec::Speex(rate)) => rate.hz(),
            Kind::G711(_) | Kind::G722 | Kind::Installed(InstalledCodec::G729) => 8_000,
        }
    }

    /// Clock units in one tick.
    pub(super) const fn ratio(self) -> u32 {
        self.clock() / TICKS
    }

    /// Samples in a packet of about `millis`: what the codec can do, from 10 to 60 ms.
    pub(super) fn frame(self, millis: u128) -> usize {
        let millis = match (self.kind, millis) {
            // Speex has frames of 20 ms alone; Opus has shorter and longer ones, but none of 30 or 50.
            (Kind::Installed(InstalledCodec::Speex(_)), ..=39) | (Kind::Opus, 20..=39) => 20,
            (Kind::Installed(InstalledCodec::Speex(_)) | Kind::Opus, 40..=59) => 40,
            (Kind::Opus, ..=19) | (_, ..=10) => 10,
            (_, 60..) => 60,
            (_, other) => other as usize / 10 * 10,
        };
        millis * self.rate.per_ms()
    }

    pub(super) fn encoder(self, shelf: &Shelf) -> Result<Box<dyn Encoder>, CodecError> {
        Ok(match self.kind {
            Kind::Opus => Box::new(OpusEncoder::new(shelf.opus, self.rate)?),
            Kind::G711(law) => Box::new(G711Encoder::new(law)),
            Kind::G722 => Box::new(G722Encoder::new(self.rate)),
            Kind::Installed(codec) => shelf.encoder(codec)?,
        })
    }

    pub(super) fn decoder(self, shelf: &Shelf) -> Result<Box<dyn Decoder>, CodecError> {
        Ok(match self.kind {
            Kind::Opus => Box::new(OpusDecoder::new(self.rate)?),
            Kind::G711(law) => Box::new(G711Decoder::new(law)),
            Kind::G722 => Box::new(G722Decoder::new(self.rate)),
            Kind::Installed(codec) => shelf.decoder(codec)?,
        })
    }
}
