//! The PBX's side of the bridge: what an ordinary phone says.

use super::{Origin, PTIME, SdpFault, audio, audio_line, described, seen_from_us};
use crate::media::control::{Direction, G711Law, TrunkCodec, TrunkRemote};
use core::net::{IpAddr, SocketAddr};
use sip_core::Duration;
use sip_core::sdp::{self, Codec, Media, SessionDescription, offer_answer};

/// What we use of a PBX's description, and the description itself where it is to be answered.
#[derive(Clone, Debug)]
pub(in crate::b2bua) struct TrunkSdp {
    pub(in crate::b2bua) remote: TrunkRemote,
    description: SessionDescription,
    audio: usize,
    /// The PBX has switched the audio off (port 0, RFC 3264 §8.2); a later offer of its own may bring it back.
    pub(in crate::b2bua) is_off: bool,
}

/// telephone-event in offers of ours.
const EVENT: u8 = 101;
const PROTOCOL: &str = "RTP/AVP";

impl TrunkSdp {
    /// A PBX's offer, or its answer to ours.
    pub(in crate::b2bua) fn read(text: &str) -> Result<Self, SdpFault> {
        let description = SessionDescription::parse(text).map_err(|_| SdpFault::Unreadable)?;
        let (index, media) = audio(&description, |media| media.protocol == PROTOCOL)?;
        let ip = description.address_of(media).ok_or(SdpFault::NoAddress)?;
        let rtp = SocketAddr::new(ip, media.port);
        let remote = TrunkRemote {
            rtp,
            rtcp: rtcp_address(media, rtp),
            codec: codec(media).ok_or(SdpFault::NoCodec)?,
            telephone_event: media.codec("telephone-event", 8_000).map(|codec| codec.payload_type),
            direction: direction(&description, media, ip),
            ptime: media.ptime().map_or(PTIME, |ms| Duration::from_millis(u64::from(ms.clamp(10, 60)))),
        };
        Ok(Self { remote, audio: index, description, is_off: false })
    }

    /// A PBX's description inside the call, where the audio may have been switched off.
    pub(in crate::b2bua) fn read_again(&self, text: &str) -> Result<Self, SdpFault> {
        let found = Self::read(text);
        if !matches!(found, Err(SdpFault::NoAudio)) {
            return found;
        }
        let description = SessionDescription::parse(text).map_err(|_| SdpFault::Unreadable)?;
        let is_off = description.media.get(self.audio).is_some_and(|media| media.kind == "audio" && media.port == 0);
        // Something else in the place of the audio (a fax over T.38) is not switching off.
        if !is_off || description.media.iter().any(|media| media.port != 0) {
            return Err(SdpFault::NoAudio);
        }
        let remote = TrunkRemote { direction: Direction::INACTIVE, ..self.remote.clone() };
        Ok(Self { remote, description, audio: self.audio, is_off })
    }

    /// Our answer to this offer.
    pub(in crate::b2bua) fn write_answer(&self, local: SocketAddr, origin: Origin, direction: Direction) -> String {
        let TrunkCodec::G711(law) = self.remote.codec;
        self.write(origin.at(local.ip()), &line(local, &[law], self.remote.telephone_event, direction))
    }

    /// Our offer inside the call: the same m-lines, what is in use first (RFC 3264 §8).
    pub(in crate::b2bua) fn write_offer(&self, local: SocketAddr, origin: Origin, direction: Direction) -> String {
        let TrunkCodec::G711(law) = self.remote.codec;
        let other = if law == G711Law::Mu { G711Law::A } else { G711Law::Mu };
        let event = self.remote.telephone_event.unwrap_or(EVENT);
        self.write(origin.at(local.ip()), &line(local, &[law, other], Some(event), direction))
    }

    fn write(&self, origin: sdp::Origin, audio: &Media) -> String {
        let mut description = SessionDescription::new(origin);
        for (index, theirs) in self.description.media.iter().enumerate() {
            let is_audio = index == self.audio && !self.is_off;
            description.media.push(if is_audio { audio.clone() } else { offer_answer::refusal(theirs) });
        }
        description.to_string()
    }
}

/// Our offer to a PBX, well under the 1,300 bytes that fit a datagram with its INVITE.
pub(in crate::b2bua) fn trunk_offer(local: SocketAddr, origin: Origin, direction: Direction) -> String {
    let mut offer = SessionDescription::new(origin.at(local.ip()));
    offer.media.push(line(local, &[G711Law::Mu, G711Law::A], Some(EVENT), direction));
    offer.to_string()
}

fn line(local: SocketAddr, laws: &[G711Law], event: Option<u8>, direction: Direction) -> Media {
    let mut line = audio_line(PROTOCOL, local.port(), local.ip());
    for law in laws {
        line.push_codec(&g711(*law));
    }
    if let Some(payload_type) = event {
        let name = "telephone-event".to_owned();
        line.push_codec(&Codec { payload_type, name, clock_rate: 8_000, channels: 1, fmtp: Some("0-16".to_owned()) });
    }
    line.push("ptime", "20");
    line.set_direction(described(direction));
    line
}

fn g711(law: G711Law) -> Codec {
    let (payload_type, name) = match law {
        G711Law::Mu => (0, "PCMU"),
        G711Law::A => (8, "PCMA"),
    };
    Codec { payload_type, name: name.to_owned(), clock_rate: 8_000, channels: 1, fmtp: None }
}

/// The first codec of theirs that we have: their order counts, in an offer and in an answer.
fn codec(media: &Media) -> Option<TrunkCodec> {
    let ours = |codec: &Codec| match codec {
        codec if codec.is("PCMU", 8_000) => Some(TrunkCodec::G711(G711Law::Mu)),
        codec if codec.is("PCMA", 8_000) => Some(TrunkCodec::G711(G711Law::A)),
        _ => None,
    };
    media.codecs().iter().find_map(ours)
}

/// `a=rtcp` (RFC 3605), else one port above RTP.
fn rtcp_address(media: &Media, rtp: SocketAddr) -> SocketAddr {
    match media.rtcp() {
        Some((port, ip)) => SocketAddr::new(ip.unwrap_or_else(|| rtp.ip()), port),
        None => SocketAddr::new(rtp.ip(), rtp.port().saturating_add(1)),
    }
}

/// `c=0.0.0.0` is the old way to say that nothing may be sent there (RFC 3264 §8.4).
fn direction(description: &SessionDescription, media: &Media, ip: IpAddr) -> Direction {
    let mut direction = seen_from_us(description.direction_of(media));
    direction.send &= !ip.is_unspecified();
    direction
}
