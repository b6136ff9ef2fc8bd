//! What signalling tells the media side, and what it hears back. Plain values: the two never call each other.

use crate::codec::{InstalledCodec, Rate};
use core::net::{IpAddr, SocketAddr};
use ring::digest;
use sip_core::Duration;

/// One call's media, on whichever worker has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaId(pub u64);

/// From signalling to a media worker.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum MediaCommand {
    /// Make room for a call: bind its RTP ports. Answered by `Opened` or `OpenFailed`.
    Open {
        /// The call's media.
        id: MediaId,
        /// Our ICE credentials for the browser leg; also how its first packet is found (RFC 8445 §5.3).
        local: IceCredentials,
    },
    /// What the browser described. May come again (ICE restart, re-INVITE).
    Web {
        /// The call's media.
        id: MediaId,
        /// The browser's side.
        remote: WebRemote,
    },
    /// The browser restarts ICE: our new credentials, which stand beside the old ones until the browser has moved.
    RestartIce {
        /// The call's media.
        id: MediaId,
        /// Also how the checks of the new generation are found.
        local: IceCredentials,
    },
    /// What the PBX described. May come again; a changed address un-latches.
    Trunk {
        /// The call's media.
        id: MediaId,
        /// The PBX's side.
        remote: TrunkRemote,
    },
    /// Send these digits as telephone-events (RFC 4733).
    Digits {
        /// The call's media.
        id: MediaId,
        /// To whom.
        to: Side,
        /// 0-9, A-D, *, #.
        digits: String,
        /// Of each tone.
        duration: Duration,
    },
    /// Bind RTP ports of the other address family instead. Answered by `Opened` or `OpenFailed`.
    MoveTrunk {
        /// The call's media.
        id: MediaId,
        /// Which.
        is_ipv6: bool,
    },
    /// The call is over. Answered by `Closed`.
    Close {
        /// The call's media.
        id: MediaId,
    },
}

/// From a media worker to signalling.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum MediaEvent {
    /// The ports are bound.
    Opened {
        /// The call's media.
        id: MediaId,
        /// Where the PBX must send RTP; RTCP is one port above.
        trunk: SocketAddr,
        /// Candidates for the browser: the worker's shared port, as it is reachable from outside.
        web: Vec<SocketAddr>,
        /// The fingerprint of our DTLS certificate.
        fingerprint: Fingerprint,
    },
    /// The call has no media.
    OpenFailed {
        /// The call's media.
        id: MediaId,
        /// Why.
        failure: OpenFailure,
    },
    /// ICE and DTLS with the browser are done: media can flow.
    WebConnected {
        /// The call's media.
        id: MediaId,
    },
    /// The browser did not come, or went away (RFC 7675 consent expired), or its certificate was not the described one.
    WebFailed {
        /// The call's media.
        id: MediaId,
        /// Why.
        failure: WebFailure,
    },
    /// Nothing came from the PBX for the configured time although the call is not on hold.
    TrunkSilent {
        /// The call's media.
        id: MediaId,
    },
    /// A digit arrived, reported once, at its end.
    Digit {
        /// The call's media.
        id: MediaId,
        /// Who pressed it.
        from: Side,
        /// 0-9, A-D, *, #.
        digit: char,
        /// Of the tone.
        duration: Duration,
    },
    /// The call's media is gone.
    Closed {
        /// The call's media.
        id: MediaId,
        /// What was counted.
        report: MediaReport,
    },
}

/// Why a call has no media.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenFailure {
    /// No port could be had; the system's reason.
    Ports(String),
    /// The call or its ICE user fragment is there already.
    Taken,
    /// The worker has all that it can carry; running calls come first.
    Overload,
}

impl core::fmt::Display for OpenFailure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Ports(reason) => write!(f, "no port could be had: {reason}"),
            Self::Taken => f.write_str("the call or its ICE user fragment is there already"),
            Self::Overload => f.write_str("the worker has all that it can carry"),
        }
    }
}

/// One side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The browser.
    Web,
    /// The PBX.
    Trunk,
}

/// Why the browser's media ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebFailure {
    /// No valid connectivity check in time.
    IceTimeout,
    /// Checks stopped coming (RFC 7675).
    ConsentExpired,
    /// The handshake failed or timed out.
    DtlsFailed,
    /// The certificate is not the one the description announced (RFC 8122 §6.2).
    FingerprintMismatch,
}

/// An ICE user fragment and password (RFC 8839 §5.4).
#[derive(Clone, PartialEq, Eq)]
pub struct IceCredentials {
    /// `a=ice-ufrag`
    pub ufrag: String,
    /// `a=ice-pwd`
    pub pwd: String,
}

impl core::fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "IceCredentials({})", self.ufrag)
    }
}

/// A certificate fingerprint (RFC 8122).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// `sha-256`; the hash functions that are accepted are the media side's business.
    pub algorithm: String,
    /// The digest itself.
    pub value: Vec<u8>,
}

impl Fingerprint {
    /// Whether it could prove a certificate: a whole digest of a hash function that nobody has broken (RFC 8122 §5).
    #[must_use]
    pub fn is_proof(&self) -> bool {
        self.hash_function().is_some_and(|hash| hash.output_len() == self.value.len())
    }

    pub(super) fn hash_function(&self) -> Option<&'static digest::Algorithm> {
        match self.algorithm.to_ascii_lowercase().as_str() {
            "sha-256" => Some(&digest::SHA256),
            "sha-384" => Some(&digest::SHA384),
            "sha-512" => Some(&digest::SHA512),
            _ => None,
        }
    }
}

/// Which role we take in the DTLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtlsRole {
    /// We answered `a=setup:passive`.
    Server,
    /// We answered `a=setup:active`.
    Client,
}

/// Which way media may flow, seen from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direction {
    /// We may send to that side.
    pub send: bool,
    /// That side may send to us.
    pub receive: bool,
}

impl Direction {
    /// Both ways.
    pub const SENDRECV: Self = Self { send: true, receive: true };
    /// Neither way.
    pub const INACTIVE: Self = Self { send: false, receive: false };

    /// The same flow on the call's other leg: what one side sends to us, we send to the other.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        Self { send: self.receive, receive: self.send }
    }

    /// What both allow.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { send: self.send && other.send, receive: self.receive && other.receive }
    }
}

/// The browser as its description shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebRemote {
    /// Its ICE credentials.
    pub ice: IceCredentials,
    /// Its certificate's fingerprints; one must match.
    pub fingerprints: Vec<Fingerprint>,
    /// Our role.
    pub dtls: DtlsRole,
    /// The negotiated codec.
    pub codec: WebCodec,
    /// telephone-event: payload type and clock rate (48000 or 8000).
    pub telephone_event: Option<(u8, u32)>,
    /// Which way.
    pub direction: Direction,
    /// How long one packet of ours to it should be.
    pub ptime: Duration,
}

/// The codec toward the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebCodec {
    /// RFC 7587.
    Opus {
        /// The payload type in both directions.
        payload_type: u8,
    },
    /// G.711 without transcoding, by policy.
    G711(G711Law, u8),
}

/// G.711's two laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum G711Law {
    /// PCMU.
    Mu,
    /// PCMA.
    A,
}

/// The PBX as its description shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkRemote {
    /// Where it wants RTP.
    pub rtp: SocketAddr,
    /// Where it wants RTCP (`a=rtcp` or one above RTP).
    pub rtcp: SocketAddr,
    /// The host that its signalling comes from: its RTP may, where a translator stands before it.
    pub signalling: Option<IpAddr>,
    /// The negotiated codec.
    pub codec: TrunkCodec,
    /// Its payload type in both directions.
    pub payload_type: u8,
    /// telephone-event: payload type and clock rate (8000, or 48000 beside Opus).
    pub telephone_event: Option<(u8, u32)>,
    /// Which way.
    pub direction: Direction,
    /// How long one packet of ours to it should be.
    pub ptime: Duration,
    /// The keys of both directions; none for plain RTP.
    pub srtp: Option<SrtpKeys>,
}

/// The keys of a leg to a PBX (RFC 4568), for AES_CM_128_HMAC_SHA1_80.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SrtpKeys {
    /// What we encrypt with.
    pub local: SrtpKey,
    /// What the PBX encrypts with.
    pub remote: SrtpKey,
}

/// A master key of 128 bits and its salt of 112, one after the other (RFC 4568 §6.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SrtpKey([u8; SrtpKey::LENGTH]);

impl SrtpKey {
    /// Octets of key and salt.
    pub const LENGTH: usize = 30;

    /// A key of unpredictable bytes.
    #[must_use]
    pub const fn new(random: [u8; 32]) -> Self {
        let [key @ .., _, _] = random;
        Self(key)
    }

    /// A key that was written.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Key and salt.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl core::fmt::Debug for SrtpKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SrtpKey")
    }
}

/// The payload type of telephone-event in offers of ours to PBXs, at the clock of their sound (RFC 4733 §2.1).
#[must_use]
pub const fn telephone_event_at(clock: u32) -> u8 {
    if clock == 48_000 { 102 } else { 101 }
}

/// The codec toward the PBX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrunkCodec {
    /// RFC 3551: payload type 0 or 8.
    G711(G711Law),
    /// RFC 3551: payload type 9, 16 kHz under a clock of 8000.
    G722,
    /// RFC 3551: payload type 18; where a library brings it.
    G729,
    /// RFC 5574; where a library brings it.
    Speex(Rate),
    /// RFC 7587: passed on as it is where the browser speaks it too.
    Opus,
}

impl TrunkCodec {
    /// What is built in, in the order of preference: what costs least first.
    pub const BUILT_IN: [Self; 3] = [Self::G711(G711Law::Mu), Self::G711(G711Law::A), Self::G722];

    /// The same with what libraries may bring: what a PBX is offered of which nothing else was said.
    pub const AUTOMATIC: [Self; 6] = [
        Self::G711(G711Law::Mu),
        Self::G711(G711Law::A),
        Self::G722,
        Self::G729,
        Self::Speex(Rate::Wide),
        Self::Speex(Rate::Narrow),
    ];

    /// Each one that there is.
    pub const ALL: [Self; 7] = {
        let [mu, a, g722, g729, wide, narrow] = Self::AUTOMATIC;
        [mu, a, g722, g729, wide, narrow, Self::Opus]
    };

    /// What a library must bring for this.
    #[must_use]
    pub const fn installed(self) -> Option<InstalledCodec> {
        match self {
            Self::G711(_) | Self::G722 | Self::Opus => None,
            Self::G729 => Some(InstalledCodec::G729),
            Self::Speex(rate) => Some(InstalledCodec::Speex(rate)),
        }
    }

    /// What it is called in SDP (RFC 3551, RFC 5574).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::G711(G711Law::Mu) => "PCMU",
            Self::G711(G711Law::A) => "PCMA",
            Self::G722 => "G722",
            Self::G729 => "G729",
            Self::Speex(_) => "speex",
            Self::Opus => "opus",
        }
    }

    /// Of its RTP time stamps, as SDP says it; G.722's is 8000 for 16 kHz (RFC 3551 §4.5.2).
    #[must_use]
    pub const fn clock(self) -> u32 {
        match self {
            Self::G711(_) | Self::G722 | Self::G729 => 8_000,
            Self::Speex(rate) => rate.hz(),
            Self::Opus => 48_000,
        }
    }

    /// As SDP says it: Opus' is always 2 (RFC 7587 §7).
    #[must_use]
    pub const fn channels(self) -> u8 {
        if matches!(self, Self::Opus) { 2 } else { 1 }
    }

    /// The payload type in offers of ours: static where there is one (RFC 3551 §6).
    #[must_use]
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::G711(G711Law::Mu) => 0,
            Self::G711(G711Law::A) => 8,
            Self::G722 => 9,
            Self::G729 => 18,
            Self::Speex(Rate::Narrow) => 97,
            Self::Speex(Rate::Wide) => 98,
            Self::Opus => 107,
        }
    }

    /// Of its samples; Opus', where it must be transcoded after all.
    #[must_use]
    pub const fn rate(self) -> Rate {
        match self {
            Self::G711(_) | Self::G729 | Self::Opus => Rate::Narrow,
            Self::G722 => Rate::Wide,
            Self::Speex(rate) => rate,
        }
    }
}

/// What was counted on both legs of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaReport {
    /// From and to the browser.
    pub web: LegReport,
    /// From and to the PBX.
    pub trunk: LegReport,
}

/// What was counted on one leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LegReport {
    /// RTP packets that came and were used.
    pub packets_received: u64,
    /// RTP packets sent.
    pub packets_sent: u64,
    /// Missing by sequence number.
    pub packets_lost: u64,
    /// Arrived after their turn.
    pub packets_late: u64,
    /// Dropped: malformed, from a foreign address, failed authentication, replayed.
    pub packets_rejected: u64,
    /// Inter-arrival jitter (RFC 3550 §6.4.1).
    pub jitter: Duration,
    /// Round trip from RTCP, where known.
    pub round_trip: Option<Duration>,
}
