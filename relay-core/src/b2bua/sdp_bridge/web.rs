//! The browser's side of the bridge: ICE-lite, DTLS-SRTP, rtcp-mux, Opus; G.711 for who has nothing better.

use super::{OpusUse, Origin, SdpFault, audio, audio_line, described, packet_time, seen_from_us};
use crate::b2bua::call::MediaRoom;
use crate::media::control::{Direction, DtlsRole, Fingerprint, G711Law, IceCredentials, WebCodec, WebRemote};
use core::net::SocketAddr;
use sip_core::sdp::{self, Codec, Media, SessionDescription, Setup, offer_answer};

/// What we use of a browser's description, and the description itself where it is to be answered.
#[derive(Clone, Debug)]
pub(in crate::b2bua) struct WebSdp {
    pub(in crate::b2bua) remote: WebRemote,
    description: SessionDescription,
    audio: usize,
}

/// Payload types in offers of ours.
const OPUS: u8 = 111;
const EVENTS: [(u8, u32); 2] = [(110, 48_000), (126, 8_000)];
const PROTOCOL: &str = "UDP/TLS/RTP/SAVPF";

/// RFC 8445 §5.1.2.1: host candidates, the first address preferred.
const HOST_PRIORITY: u32 = (126 << 24) + (65_535 << 8) + 255;

impl WebSdp {
    /// A browser's offer.
    pub(in crate::b2bua) fn offer(text: &str) -> Result<Self, SdpFault> {
        Self::read(text, role_for_offer)
    }

    /// A browser's answer to an offer of ours.
    pub(in crate::b2bua) fn answer(text: &str) -> Result<Self, SdpFault> {
        let mut answer = Self::read(text, role_for_answer)?;
        // Chromium, given both, sends digits at the lower clock.
        let audio = answer.description.media.get(answer.audio);
        answer.remote.telephone_event =
            audio.and_then(|media| event_at(media, 8_000)).or(answer.remote.telephone_event);
        Ok(answer)
    }

    fn read(text: &str, role: impl Fn(Setup) -> Option<DtlsRole>) -> Result<Self, SdpFault> {
        let description = SessionDescription::parse(text).map_err(|_| SdpFault::Unreadable)?;
        let (index, media) = audio(&description, is_rtp)?;
        if !media.has_rtcp_mux() {
            return Err(SdpFault::NoMux);
        }
        let codec = codec(media).ok_or(SdpFault::NoCodec)?;
        let remote = WebRemote {
            ice: ice(&description, media)?,
            fingerprints: fingerprints(&description, media)?,
            dtls: description.setup(media).and_then(role).ok_or(SdpFault::NoSetup)?,
            codec,
            telephone_event: telephone_event(media, codec),
            direction: seen_from_us(description.direction_of(media)),
            ptime: packet_time(media),
        };
        Ok(Self { remote, audio: index, description })
    }

    /// A browser's offer inside the call: the m-lines that there were, and possibly more (RFC 3264 §8).
    pub(in crate::b2bua) fn offer_again(&self, text: &str) -> Result<Self, SdpFault> {
        self.again(Self::offer(text)?)
    }

    /// A browser's answer to an offer of ours inside the call.
    pub(in crate::b2bua) fn answer_again(&self, text: &str) -> Result<Self, SdpFault> {
        self.again(Self::answer(text)?)
    }

    fn again(&self, new: Self) -> Result<Self, SdpFault> {
        let (before, after) = (&self.description.media, &new.description.media);
        let is_same = before.len() <= after.len() && before.iter().zip(after).all(|(old, new)| old.kind == new.kind);
        if is_same && self.audio == new.audio { Ok(new) } else { Err(SdpFault::OtherMedia) }
    }

    /// Our answer to this offer. The same room, credentials and origin give the same text, byte for byte.
    pub(in crate::b2bua) fn write_answer(
        &self,
        room: &MediaRoom,
        local: &IceCredentials,
        origin: Origin,
        direction: Direction,
    ) -> String {
        let setup = match self.remote.dtls {
            DtlsRole::Server => "passive",
            DtlsRole::Client => "active",
        };
        self.write(room, local, origin, direction, setup)
    }

    /// Our offer inside the call: the same m-lines under the same names and numbers. Whoever was active in DTLS stays
    /// so (RFC 8842 §5.5).
    pub(in crate::b2bua) fn write_offer(
        &self,
        room: &MediaRoom,
        local: &IceCredentials,
        origin: Origin,
        direction: Direction,
    ) -> String {
        self.write(room, local, origin, direction, "actpass")
    }

    fn write(
        &self,
        room: &MediaRoom,
        local: &IceCredentials,
        origin: Origin,
        direction: Direction,
        setup: &str,
    ) -> String {
        let mid = self.description.media.get(self.audio).and_then(Media::mid);
        let bundled = mid.filter(|mid| self.description.bundle().contains(mid));
        let mut ours = head(room, origin, bundled);
        for (index, theirs) in self.description.media.iter().enumerate() {
            ours.media.push(if index == self.audio {
                let (codec, events) = (self.remote.codec, self.remote.telephone_event.as_slice());
                Audio { codec, events, direction }.line(&theirs.protocol, theirs.mid(), room, local, setup)
            } else {
                offer_answer::refusal(theirs)
            });
        }
        ours.to_string()
    }
}

/// Our offer to a browser that is called.
pub(in crate::b2bua) fn web_offer(
    room: &MediaRoom,
    local: &IceCredentials,
    origin: Origin,
    direction: Direction,
) -> String {
    let mut offer = head(room, origin, Some("0"));
    let audio = Audio { codec: WebCodec::Opus { payload_type: OPUS }, events: &EVENTS, direction };
    offer.media.push(audio.line(PROTOCOL, Some("0"), room, local, "actpass"));
    offer.to_string()
}

fn head(room: &MediaRoom, origin: Origin, bundled: Option<&str>) -> SessionDescription {
    let mut description = SessionDescription::new(origin.at(address(room).ip()));
    if let Some(mid) = bundled {
        description.attributes.push(sdp::Attribute::new("group", format!("BUNDLE {mid}")));
    }
    description.attributes.push(sdp::Attribute::flag("ice-lite"));
    description
}

/// What differs between our audio m-lines.
struct Audio<'a> {
    codec: WebCodec,
    events: &'a [(u8, u32)],
    direction: Direction,
}

impl Audio<'_> {
    fn line(&self, protocol: &str, mid: Option<&str>, room: &MediaRoom, local: &IceCredentials, setup: &str) -> Media {
        let address = address(room);
        let mut line = audio_line(protocol, address.port(), address.ip());
        if let Some(mid) = mid {
            line.push("mid", mid);
        }
        line.set_direction(described(self.direction));
        line.push_flag("rtcp-mux");
        self.push_codecs(&mut line, &room.opus);
        line.push("ice-ufrag", local.ufrag.clone());
        line.push("ice-pwd", local.pwd.clone());
        line.push("fingerprint", fingerprint_value(&room.fingerprint));
        line.push("setup", setup);
        for (index, candidate) in (0_u32..).zip(&room.web) {
            line.push("candidate", candidate_value(index, *candidate));
        }
        line.push_flag("end-of-candidates");
        line
    }

    fn push_codecs(&self, line: &mut Media, opus: &OpusUse) {
        line.push_codec(&match self.codec {
            WebCodec::Opus { payload_type } => named(payload_type, "opus", (48_000, 2), Some(&opus.fmtp())),
            WebCodec::G711(law, payload_type) => named(payload_type, law_name(law), (8_000, 1), None),
        });
        for (payload_type, clock_rate) in self.events {
            line.push_codec(&named(*payload_type, "telephone-event", (*clock_rate, 1), Some("0-16")));
        }
        line.push("ptime", opus.ptime().to_string());
    }
}

fn named(payload_type: u8, name: &str, (clock_rate, channels): (u32, u8), fmtp: Option<&str>) -> Codec {
    Codec { payload_type, name: name.to_owned(), clock_rate, channels, fmtp: fmtp.map(str::to_owned) }
}

const fn law_name(law: G711Law) -> &'static str {
    match law {
        G711Law::Mu => "PCMU",
        G711Law::A => "PCMA",
    }
}

fn candidate_value(index: u32, at: SocketAddr) -> String {
    let (number, priority) = (index + 1, HOST_PRIORITY - (index << 8));
    format!("{number} 1 udp {priority} {} {} typ host", at.ip(), at.port())
}

fn fingerprint_value(fingerprint: &Fingerprint) -> String {
    sdp::Fingerprint { hash: fingerprint.algorithm.clone(), value: fingerprint.value.clone() }.to_string()
}

/// Where the browser reaches this call's media; the default candidate.
fn address(room: &MediaRoom) -> SocketAddr {
    room.web.first().copied().unwrap_or(room.trunk)
}

/// Any RTP profile: what carries it is said by ICE and the fingerprint (RFC 8829 §5.1.2).
fn is_rtp(media: &Media) -> bool {
    let profile = media.protocol.rsplit_once('/').filter(|(under, _)| under.ends_with("RTP"));
    profile.is_some_and(|(_, profile)| matches!(profile, "AVP" | "AVPF" | "SAVP" | "SAVPF"))
}

fn ice(description: &SessionDescription, media: &Media) -> Result<IceCredentials, SdpFault> {
    let (ufrag, pwd) = description.ice_credentials(media).ok_or(SdpFault::NoIce)?;
    // RFC 8839 §5.4. Some browsers have letters beyond its ice-char; a colon would end the fragment in a check's USERNAME.
    let is_text = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    let is_good = (4..=256).contains(&ufrag.len()) && (22..=256).contains(&pwd.len()) && is_text(ufrag) && is_text(pwd);
    if is_good { Ok(IceCredentials { ufrag: ufrag.to_owned(), pwd: pwd.to_owned() }) } else { Err(SdpFault::BadIce) }
}

fn fingerprints(description: &SessionDescription, media: &Media) -> Result<Vec<Fingerprint>, SdpFault> {
    let all = description.fingerprints(media).into_iter();
    let all: Vec<_> = all.map(|one| Fingerprint { algorithm: one.hash, value: one.value }).collect();
    match all.iter().any(Fingerprint::is_proof) {
        true => Ok(all),
        false if all.is_empty() => Err(SdpFault::NoFingerprint),
        false => Err(SdpFault::WeakFingerprint),
    }
}

/// A browser offers `actpass`; ours is the passive part, which lets it begin at once.
const fn role_for_offer(setup: Setup) -> Option<DtlsRole> {
    match setup {
        Setup::ActPass | Setup::Active => Some(DtlsRole::Server),
        Setup::Passive => Some(DtlsRole::Client),
        Setup::HoldConn => None,
    }
}

const fn role_for_answer(setup: Setup) -> Option<DtlsRole> {
    match setup {
        Setup::Active => Some(DtlsRole::Server),
        Setup::Passive => Some(DtlsRole::Client),
        Setup::ActPass | Setup::HoldConn => None,
    }
}

/// Opus wherever it is; the first law of G.711 otherwise.
fn codec(media: &Media) -> Option<WebCodec> {
    if let Some(opus) = media.codec("opus", 48_000) {
        return Some(WebCodec::Opus { payload_type: opus.payload_type });
    }
    let law = |codec: &Codec| match codec {
        codec if codec.is("PCMU", 8_000) => Some(WebCodec::G711(G711Law::Mu, codec.payload_type)),
        codec if codec.is("PCMA", 8_000) => Some(WebCodec::G711(G711Law::A, codec.payload_type)),
        _ => None,
    };
    media.codecs().iter().find_map(law)
}

/// At the clock of the audio where it is offered: a browser sends digits at that clock.
fn telephone_event(media: &Media, codec: WebCodec) -> Option<(u8, u32)> {
    let (first, second) = match codec {
        WebCodec::Opus { .. } => (48_000, 8_000),
        WebCodec::G711(..) => (8_000, 48_000),
    };
    event_at(media, first).or_else(|| event_at(media, second))
}

fn event_at(media: &Media, clock_rate: u32) -> Option<(u8, u32)> {
    media.codec("telephone-event", clock_rate).map(|codec| (codec.payload_type, codec.clock_rate))
}
