//! Offer and answer (RFC 3264): directions, hold, and whether an answer fits its offer.

use super::{Attribute, Codec, Media, SessionDescription};

/// Which way media flows, seen from whoever wrote the description (RFC 8866 §6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    SendRecv,
    /// Only from the writer.
    SendOnly,
    /// Only to the writer.
    RecvOnly,
    /// Neither way.
    Inactive,
}

impl Direction {
    /// The direction in which media flows as told.
    #[must_use]
    pub const fn from_flows(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// The attribute's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// The direction that an attribute's name means.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let all = [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive];
        all.into_iter().find(|direction| direction.as_str() == name)
    }

    /// Whether the writer sends.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the writer receives.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same flow seen from the other side.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self::from_flows(self.receives(), self.sends())
    }

    /// The answer to this offer that comes closest to `wish` (RFC 3264 §6.1).
    #[must_use]
    pub const fn answer(self, wish: Self) -> Self {
        Self::from_flows(wish.sends() && self.receives(), wish.receives() && self.sends())
    }
}

/// Whether the writer put the m-line on hold: it does not want to receive (RFC 3264 §8.4), or asks for packets to the
/// unspecified address, as RFC 2543 did.
#[must_use]
pub fn is_hold(description: &SessionDescription, media: &Media) -> bool {
    let is_nowhere = description.address_of(media).is_some_and(|ip| ip.is_unspecified());
    is_nowhere || !description.direction_of(media).receives()
}

/// An m-line that refuses an offered one (RFC 3264 §6): same kind, protocol and formats, port 0, and its `mid`.
#[must_use]
pub fn refusal(offered: &Media) -> Media {
    let mid = offered.attributes.iter().filter(|attribute| attribute.name == "mid").take(1);
    Media {
        kind: offered.kind.clone(),
        protocol: offered.protocol.clone(),
        formats: offered.formats.iter().take(1).cloned().collect(),
        attributes: mid.cloned().chain([Attribute::flag(Direction::Inactive.as_str())]).collect(),
        ..Media::default()
    }
}

/// Whether an answer has the m-lines of its offer, in its order and of its kinds (RFC 3264 §6).
#[must_use]
pub fn is_answer_to(answer: &SessionDescription, offer: &SessionDescription) -> bool {
    answer.media.len() == offer.media.len()
        && answer.media.iter().zip(&offer.media).all(|(answer, offer)| answer.kind == offer.kind)
}

/// The offered codecs that are among `supported`, in the order of the offer, with its payload types.
#[must_use]
pub fn common_codecs(offered: &Media, supported: &[(&str, u32)]) -> Vec<Codec> {
    let is_supported = |codec: &Codec| supported.iter().any(|(name, clock_rate)| codec.is(name, *clock_rate));
    offered.codecs().into_iter().filter(is_supported).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};

    #[test]
    fn answers_follow_the_table_of_rfc_3264() {
        let table = [
            (SendRecv, SendRecv, SendRecv),
            (SendRecv, SendOnly, SendOnly),
            (SendRecv, RecvOnly, RecvOnly),
            (SendRecv, Inactive, Inactive),
            (SendOnly, SendRecv, RecvOnly),
            (SendOnly, SendOnly, Inactive),
            (SendOnly, RecvOnly, RecvOnly),
            (RecvOnly, SendRecv, SendOnly),
            (RecvOnly, SendOnly, SendOnly),
            (RecvOnly, RecvOnly, Inactive),
            (Inactive, SendRecv, Inactive),
        ];
        for (offer, wish, answer) in table {
            assert_eq!(offer.answer(wish), answer, "{offer:?} {wish:?}");
            assert_eq!(Direction::of(answer.as_str()), Some(answer));
        }
        assert_eq!(SendOnly.reversed(), RecvOnly);
        assert_eq!(Direction::of("SENDRECV"), None);
    }

    fn parse(text: &str) -> SessionDescription {
        SessionDescription::parse(text).unwrap()
    }

    #[test]
    fn both_ways_to_hold_are_known() {
        let holds = [
            ("v=0\nc=IN IP4 0.0.0.0\nm=audio 1 RTP/AVP 0\n", true),
            ("v=0\nc=IN IP4 192.0.2.1\na=sendonly\nm=audio 1 RTP/AVP 0\n", true),
            ("v=0\nc=IN IP4 192.0.2.1\nm=audio 1 RTP/AVP 0\na=inactive\n", true),
            ("v=0\nc=IN IP4 192.0.2.1\na=sendonly\nm=audio 1 RTP/AVP 0\na=sendrecv\n", false),
            ("v=0\nc=IN IP4 192.0.2.1\nm=audio 1 RTP/AVP 0\na=recvonly\n", false),
        ];
        for (text, hold) in holds {
            let description = parse(text);
            assert_eq!(is_hold(&description, &description.media[0]), hold, "{text}");
        }
    }

    #[test]
    fn a_refusal_keeps_kind_and_mid() {
        let offer = parse("v=0\r\nm=video 5000 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\n");

        let refused = refusal(&offer.media[0]);

        assert_eq!(refused.to_string(), "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=inactive\r\n");
        let answer = SessionDescription { media: vec![refused], ..offer.clone() };
        assert!(is_answer_to(&answer, &offer));
        assert!(!is_answer_to(&parse("v=0\n"), &offer));
    }

    #[test]
    fn common_codecs_keep_the_offers_order_and_numbers() {
        let offer = parse("v=0\nm=audio 1 RTP/AVP 96 8 0\na=rtpmap:96 OPUS/48000/2\n");

        let common = common_codecs(&offer.media[0], &[("PCMU", 8_000), ("opus", 48_000)]);

        assert_eq!(common.iter().map(|codec| codec.payload_type).collect::<Vec<_>>(), [96, 0]);
    }
}
