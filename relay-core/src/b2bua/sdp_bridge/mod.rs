//! WebRTC descriptions on one side, plain RTP descriptions on the other (RFC 3264, 8829, 8839, 8842).
//!
//! Nothing of one side's description is copied to the other: what a side wrote is read into [`WebSdp`] or
//! [`TrunkSdp`], and what it gets is written anew. Audio only; other m-lines are refused with port 0.

mod opus;
mod sdes;
mod trunk;
mod web;

pub(super) use opus::OpusUse;
pub(super) use trunk::{TrunkSdp, trunk_offer};
pub(super) use web::{WebSdp, web_offer};

use crate::media::control::Direction;
use core::net::IpAddr;
use sip_core::Duration;
use sip_core::sdp::{self, Connection, Media, SessionDescription};

/// Why a description cannot be used. The text goes into the 488's Warning header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SdpFault {
    Unreadable,
    NoAudio,
    NoIce,
    BadIce,
    NoFingerprint,
    WeakFingerprint,
    NoMux,
    NoSetup,
    NoCodec,
    NoAddress,
    NamedAddress,
    NoKey,
    Encrypted,
    OtherMedia,
}

impl SdpFault {
    /// A sentence for the other side's log.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Unreadable => "The session description cannot be read",
            Self::NoAudio => "No audio is described",
            Self::NoIce => "The audio has no ICE credentials",
            Self::BadIce => {
                "The ICE user fragment or password is too short, too long or not made of letters and digits"
            }
            Self::NoFingerprint => "The audio has no DTLS fingerprint",
            Self::WeakFingerprint => "The DTLS fingerprint is not of SHA-256, SHA-384 or SHA-512",
            Self::NoMux => "RTP and RTCP must share a port: a=rtcp-mux is missing",
            Self::NoSetup => "The DTLS role is missing or impossible",
            Self::NoCodec => "No codec in common",
            Self::NoAddress => "The audio has no address to send to",
            Self::NamedAddress => "The audio has a name to send to, where an IP address is needed",
            Self::NoKey => "The audio must be encrypted, by a key for AES_CM_128_HMAC_SHA1_80 in a=crypto",
            Self::Encrypted => "The audio must not be encrypted",
            Self::OtherMedia => "The media lines are not those of this call",
        }
    }
}

/// `o=`: one session number for the whole call, a version that grows with each change (RFC 3264 §8).
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) session: u64,
    pub(super) version: u64,
}

impl Origin {
    fn at(self, ip: IpAddr) -> sdp::Origin {
        sdp::Origin::new(self.session, self.version, ip)
    }
}

/// What packets last where nobody says anything else.
const PTIME: u32 = 20;
/// The shortest and the longest that we send.
const PTIMES: (u32, u32) = (10, 60);

/// What our packets to this side should last: as it asks for, and no longer than it takes (RFC 8866 §6.4, §6.5). Others are
/// taken from it all the same.
fn packet_time(media: &Media) -> Duration {
    let (least, most) = PTIMES;
    let longest = media.max_ptime().unwrap_or(most);
    Duration::from_millis(u64::from(media.ptime().unwrap_or(PTIME).min(longest).clamp(least, most)))
}

/// The first usable audio m-line and its place.
fn audio(description: &SessionDescription, is_usable: impl Fn(&Media) -> bool) -> Result<(usize, &Media), SdpFault> {
    let mut lines = description.media.iter().enumerate();
    let found = lines.find(|(_, media)| media.kind == "audio" && media.port != 0 && is_usable(media));
    found.ok_or(SdpFault::NoAudio)
}

/// An audio m-line of ours.
fn audio_line(protocol: &str, port: u16, ip: IpAddr) -> Media {
    Media {
        kind: "audio".to_owned(),
        port,
        protocol: protocol.to_owned(),
        connection: Some(Connection::new(ip)),
        ..Media::default()
    }
}

/// The other side's direction as ours: it sends, so we receive.
const fn seen_from_us(direction: sdp::Direction) -> Direction {
    match direction {
        sdp::Direction::SendRecv => Direction::SENDRECV,
        sdp::Direction::SendOnly => Direction { send: false, receive: true },
        sdp::Direction::RecvOnly => Direction { send: true, receive: false },
        sdp::Direction::Inactive => Direction::INACTIVE,
    }
}

/// Our direction as a description says it.
const fn described(direction: Direction) -> sdp::Direction {
    match (direction.send, direction.receive) {
        (true, true) => sdp::Direction::SendRecv,
        (true, false) => sdp::Direction::SendOnly,
        (false, true) => sdp::Direction::RecvOnly,
        (false, false) => sdp::Direction::Inactive,
    }
}

#[cfg(test)]
mod tests;
