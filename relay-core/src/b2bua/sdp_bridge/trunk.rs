//! The PBX's side of the bridge: what an ordinary phone says.

use super::opus::TO_PBX;
use super::sdes::{self, OUR_TAG};
use super::{OpusUse, Origin, PTIME, SdpFault, audio, audio_line, described, packet_time, seen_from_us};
use crate::b2bua::terms::{Chooser, Srtp, Terms};
use crate::media::control::{Direction, SrtpKeys, TrunkCodec, TrunkRemote, telephone_event_at};
use core::net::{IpAddr, SocketAddr};
use sip_core::sdp::{self, Codec, Media, SessionDescription, offer_answer};

/// What we use of a PBX's description, and the description itself where it is to be answered.
#[derive(Clone, Debug)]
pub(in crate::b2bua) struct TrunkSdp {
    pub(in crate::b2bua) remote: TrunkRemote,
    description: SessionDescription,
    audio: usize,
    /// What this call may speak.
    terms: Terms,
    /// Of the key that it named; our answer has the same (RFC 4568 §5.1.2).
    tag: u32,
    /// The PBX has switched the audio off (port 0, RFC 3264 §8.2); a later offer of its own may bring it back.
    pub(in crate::b2bua) is_off: bool,
}

impl TrunkSdp {
    /// A PBX's offer.
    pub(in crate::b2bua) fn offer(text: &str, terms: &Terms) -> Result<Self, SdpFault> {
        Self::read(text, terms, terms.chooser)
    }

    /// A PBX's answer to an offer of ours.
    pub(in crate::b2bua) fn answer(text: &str, terms: &Terms) -> Result<Self, SdpFault> {
        Self::read(text, terms, Chooser::Pbx)
    }

    fn read(text: &str, terms: &Terms, chooser: Chooser) -> Result<Self, SdpFault> {
        let description = SessionDescription::parse(text).map_err(|_| SdpFault::Unreadable)?;
        let (index, media) = audio(&description, |media| terms.srtp.takes(media))
            .map_err(|fault| if audio(&description, is_rtp).is_ok() { terms.srtp.refusal() } else { fault })?;
        let ip = description.address_of(media).ok_or_else(|| no_address(&description, media))?;
        let rtp = SocketAddr::new(ip, media.port);
        let (codec, payload_type) = agreed(media, &terms.codecs, chooser).ok_or(SdpFault::NoCodec)?;
        let key = sdes::key_of(media).filter(|_| terms.srtp != Srtp::Off);
        let remote = TrunkRemote {
            rtp,
            rtcp: rtcp_address(media, rtp),
            signalling: None,
            codec,
            payload_type,
            telephone_event: telephone_event(media, codec),
            direction: direction(&description, media, ip),
            ptime: packet_time(media),
            srtp: key.map(|(_, remote)| SrtpKeys { local: terms.key, remote }),
        };
        let tag = key.map_or(OUR_TAG, |(tag, _)| tag);
        Ok(Self { remote, audio: index, description, terms: terms.clone(), tag, is_off: false })
    }

    /// A PBX's offer inside the call, where the audio may have been switched off.
    pub(in crate::b2bua) fn offer_again(&self, text: &str) -> Result<Self, SdpFault> {
        self.again(text, Self::offer(text, &self.terms))
    }

    /// A PBX's answer to an offer of ours inside the call.
    pub(in crate::b2bua) fn answer_again(&self, text: &str) -> Result<Self, SdpFault> {
        self.again(text, Self::answer(text, &self.terms))
    }

    fn again(&self, text: &str, found: Result<Self, SdpFault>) -> Result<Self, SdpFault> {
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
        Ok(Self { remote, description, is_off, audio: self.audio, terms: self.terms.clone(), tag: self.tag })
    }

    /// Our answer to this offer.
    pub(in crate::b2bua) fn write_answer(&self, local: SocketAddr, origin: Origin, direction: Direction) -> String {
        let events = self.remote.telephone_event.as_slice();
        let audio = line(local, &[self.spoken()], events, self.flow(direction));
        self.write(origin.at(local.ip()), &self.with_key(audio, self.tag))
    }

    /// Our offer inside the call: the same m-lines, what is in use first (RFC 3264 §8).
    pub(in crate::b2bua) fn write_offer(&self, local: SocketAddr, origin: Origin, direction: Direction) -> String {
        let others = self.terms.codecs.iter().filter(|codec| **codec != self.remote.codec);
        // A number that the PBX has given to something else keeps its meaning.
        let is_taken = |number: u8| {
            number == self.remote.payload_type || self.remote.telephone_event.is_some_and(|(event, _)| event == number)
        };
        let others = others.map(|codec| (*codec, codec.payload_type())).filter(|(_, number)| !is_taken(*number));
        let codecs: Vec<_> = core::iter::once(self.spoken()).chain(others).collect();
        let events = events_for(&codecs, self.remote.telephone_event);
        let audio = line(local, &codecs, &events, self.flow(direction));
        self.write(origin.at(local.ip()), &self.with_key(audio, OUR_TAG))
    }

    fn with_key(&self, mut audio: Media, tag: u32) -> Media {
        if let Some(keys) = &self.remote.srtp {
            sdes::push_key(&mut audio, tag, &keys.local);
        }
        audio
    }

    /// We ask for packets as long as it asks us for: many PBXs know one length for both ways.
    const fn flow(&self, direction: Direction) -> (Direction, u128) {
        (direction, self.remote.ptime.as_millis())
    }

    /// What becomes of the browser's Opus.
    pub(in crate::b2bua) fn opus(&self) -> OpusUse {
        let TrunkRemote { codec, payload_type, .. } = self.remote;
        let fmtp = || self.description.media.get(self.audio)?.fmtp(payload_type).map(str::to_owned);
        match codec {
            TrunkCodec::Opus => OpusUse::Passed(Some((fmtp().unwrap_or_default(), self.remote.ptime))),
            other => OpusUse::Transcoded(other.rate()),
        }
    }

    const fn spoken(&self) -> (TrunkCodec, u8) {
        (self.remote.codec, self.remote.payload_type)
    }

    fn write(&self, origin: sdp::Origin, audio: &Media) -> String {
        let mut description = SessionDescription::new(origin);
        for (index, theirs) in self.description.media.iter().enumerate() {
            let is_audio = index == self.audio && !self.is_off;
            // An answer has the protocol of its offer (RFC 3264 §6).
            let ours = || Media { protocol: theirs.protocol.clone(), ..audio.clone() };
            description.media.push(if is_audio { ours() } else { offer_answer::refusal(theirs) });
        }
        description.to_string()
    }
}

/// Our offer to a PBX, well under the 1,300 bytes that fit a datagram with its INVITE.
pub(in crate::b2bua) fn trunk_offer(local: SocketAddr, terms: &Terms, origin: Origin, direction: Direction) -> String {
    let mut offer = SessionDescription::new(origin.at(local.ip()));
    let codecs: Vec<_> = terms.codecs.iter().map(|codec| (*codec, codec.payload_type())).collect();
    let mut audio = line(local, &codecs, &events_for(&codecs, None), (direction, u128::from(PTIME)));
    terms.srtp.profile().clone_into(&mut audio.protocol);
    if terms.srtp != Srtp::Off {
        sdes::push_key(&mut audio, OUR_TAG, &terms.key);
    }
    offer.media.push(audio);
    offer.to_string()
}

/// telephone-event at the clock of each sound that is offered (RFC 4733 §2.1); what is in use keeps its number.
fn events_for(codecs: &[(TrunkCodec, u8)], used: Option<(u8, u32)>) -> Vec<(u8, u32)> {
    let is_offered = |clock: &u32| codecs.iter().any(|(codec, _)| event_clock(*codec) == *clock);
    let clocks = [8_000, 48_000].into_iter().filter(is_offered);
    clocks.map(|clock| used.filter(|(_, rate)| *rate == clock).unwrap_or((telephone_event_at(clock), clock))).collect()
}

/// PBXs know events at 8000 beside all else, whatever its clock.
const fn event_clock(codec: TrunkCodec) -> u32 {
    if matches!(codec, TrunkCodec::Opus) { 48_000 } else { 8_000 }
}

/// At the clock of the sound, else at the one that everybody knows.
fn telephone_event(media: &Media, codec: TrunkCodec) -> Option<(u8, u32)> {
    let at = |clock| media.codec("telephone-event", clock).map(|event| (event.payload_type, event.clock_rate));
    at(event_clock(codec)).or_else(|| at(8_000))
}

fn line(
    local: SocketAddr,
    codecs: &[(TrunkCodec, u8)],
    events: &[(u8, u32)],
    (direction, ptime): (Direction, u128),
) -> Media {
    let mut line = audio_line(Srtp::Off.profile(), local.port(), local.ip());
    for (codec, payload_type) in codecs {
        line.push_codec(&written(*codec, *payload_type));
    }
    for (payload_type, clock_rate) in events.iter().copied() {
        let name = "telephone-event".to_owned();
        line.push_codec(&Codec { payload_type, name, clock_rate, channels: 1, fmtp: Some("0-16".to_owned()) });
    }
    line.push("ptime", ptime.to_string());
    line.set_direction(described(direction));
    line
}

fn written(codec: TrunkCodec, payload_type: u8) -> Codec {
    let fmtp = match codec {
        // Without this, Annex B's silence descriptions may come (RFC 4856 §2.1.9).
        TrunkCodec::G729 => Some("annexb=no".to_owned()),
        TrunkCodec::Opus => Some(TO_PBX.to_owned()),
        _ => None,
    };
    let (name, clock_rate, channels) = (codec.name().to_owned(), codec.clock(), codec.channels());
    Codec { payload_type, name, clock_rate, channels, fmtp }
}

fn is_rtp(media: &Media) -> bool {
    matches!(media.protocol.as_str(), "RTP/AVP" | "RTP/AVPF" | "RTP/SAVP" | "RTP/SAVPF")
}

/// The first codec in common, in the order of who chooses.
fn agreed(media: &Media, ours: &[TrunkCodec], chooser: Chooser) -> Option<(TrunkCodec, u8)> {
    let theirs = media.codecs();
    let is = |theirs: &Codec, ours: &TrunkCodec| theirs.is(ours.name(), ours.clock());
    let pair = |ours: &TrunkCodec, theirs: &Codec| (*ours, theirs.payload_type);
    match chooser {
        Chooser::Pbx => theirs.iter().find_map(|codec| Some(pair(ours.iter().find(|ours| is(codec, ours))?, codec))),
        Chooser::Relay => ours.iter().find_map(|codec| Some(pair(codec, theirs.iter().find(|one| is(one, codec))?))),
    }
}

/// A name is not looked up: who may write one would choose what the relay asks the DNS for, and sends to.
fn no_address(description: &SessionDescription, media: &Media) -> SdpFault {
    let has_name = media.connection.is_some() || description.connection.is_some();
    if has_name { SdpFault::NamedAddress } else { SdpFault::NoAddress }
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
