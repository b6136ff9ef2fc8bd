//! The PBX's side of the bridge: what an ordinary phone says.

use super::{Origin, PTIME, SdpFault, audio, audio_line, described, seen_from_us};
use crate::media::control::{Direction, G711Law, TrunkCodec, TrunkRemote};
use core::net::{IpAddr, SocketAddr};
use sip_core::Duration;
use sip_core::sdp::{self, Codec, Media, SessionDescription, offer_answer};
use std::sync::Arc;

/// What we use of a PBX's description, and the description itself where it is to be answered.
#[derive(Clone, Debug)]
pub(in crate::b2bua) struct TrunkSdp {
    pub(in crate::b2bua) remote: TrunkRemote,
    description: SessionDescription,
    audio: usize,
    /// What this call may speak.
    codecs: Arc<[TrunkCodec]>,
    /// The PBX has switched the audio off (port 0, RFC 3264 §8.2); a later offer of its own may bring it back.
    pub(in crate::b2bua) is_off: bool,
}

/// telephone-event in offers of ours.
const EVENT: u8 = 101;
const PROTOCOL: &str = "RTP/AVP";

impl TrunkSdp {
    /// A PBX's offer, or its answer to ours.
    pub(in crate::b2bua) fn read(text: &str, codecs: &Arc<[TrunkCodec]>) -> Result<Self, SdpFault> {
        let description = SessionDescription::parse(text).map_err(|_| SdpFault::Unreadable)?;
        let (index, media) = audio(&description, |media| media.protocol == PROTOCOL)?;
        let ip = description.address_of(media).ok_or(SdpFault::NoAddress)?;
        let rtp = SocketAddr::new(ip, media.port);
        let remote = TrunkRemote {
            rtp,
            rtcp: rtcp_address(media, rtp),
            codec: agreed(media, codecs).ok_or(SdpFault::NoCodec)?,
            telephone_event: media.codec("telephone-event", 8_000).map(|codec| codec.payload_type),
            direction: direction(&description, media, ip),
            ptime: media.ptime().map_or(PTIME, |ms| Duration::from_millis(u64::from(ms.clamp(10, 60)))),
        };
        Ok(Self { remote, audio: index, description, codecs: Arc::clone(codecs), is_off: false })
    }

    /// A PBX's description inside the call, where the audio may have been switched off.
    pub(in crate::b2bua) fn read_again(&self, text: &str) -> Result<Self, SdpFault> {
        let found = Self::read(text, &self.codecs);
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
        Ok(Self { remote, description, is_off, audio: self.audio, codecs: Arc::clone(&self.codecs) })
    }

    /// Our answer to this offer.
    pub(in crate::b2bua) fn write_answer(&self, local: SocketAddr, origin: Origin, direction: Direction) -> String {
        self.write(origin.at(local.ip()), &line(local, &[self.remote.codec], self.remote.telephone_event, direction))
    }

    /// Our offer inside the call: the same m-lines, what is in use first (RFC 3264 §8).
    pub(in crate::b2bua) fn write_offer(&self, local: SocketAddr, origin: Origin, direction: Direction) -> String {
        let others = self.codecs.iter().filter(|codec| **codec != self.remote.codec);
        let codecs: Vec<_> = core::iter::once(&self.remote.codec).chain(others).copied().collect();
        let event = self.remote.telephone_event.unwrap_or(EVENT);
        self.write(origin.at(local.ip()), &line(local, &codecs, Some(event), direction))
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
pub(in crate::b2bua) fn trunk_offer(
    local: SocketAddr,
    codecs: &[TrunkCodec],
    origin: Origin,
    direction: Direction,
) -> String {
    let mut offer = SessionDescription::new(origin.at(local.ip()));
    offer.media.push(line(local, codecs, Some(EVENT), direction));
    offer.to_string()
}

fn line(local: SocketAddr, codecs: &[TrunkCodec], event: Option<u8>, direction: Direction) -> Media {
    let mut line = audio_line(PROTOCOL, local.port(), local.ip());
    for codec in codecs {
        line.push_codec(&written(*codec));
    }
    if let Some(payload_type) = event {
        let name = "telephone-event".to_owned();
        line.push_codec(&Codec { payload_type, name, clock_rate: 8_000, channels: 1, fmtp: Some("0-16".to_owned()) });
    }
    line.push("ptime", "20");
    line.set_direction(described(direction));
    line
}

/// Static payload types (RFC 3551 §6); G.722 says 8000 for its 16 kHz (§4.5.2).
fn written(codec: TrunkCodec) -> Codec {
    let payload_type = match codec {
        TrunkCodec::G711(G711Law::Mu) => 0,
        TrunkCodec::G711(G711Law::A) => 8,
        TrunkCodec::G722 => 9,
    };
    Codec { payload_type, name: codec.name().to_owned(), clock_rate: 8_000, channels: 1, fmtp: None }
}

/// The first codec of theirs that is among ours: their order counts, in an offer and in an answer.
fn agreed(media: &Media, ours: &[TrunkCodec]) -> Option<TrunkCodec> {
    let is = |theirs: &Codec, ours: TrunkCodec| theirs.is(ours.name(), 8_000);
    media.codecs().iter().find_map(|theirs| ours.iter().copied().find(|ours| is(theirs, *ours)))
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
