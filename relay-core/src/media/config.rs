//! What a worker is told at its start; each default with its reason.

use crate::codec::Shelf;
use core::net::SocketAddr;
use sip_core::Duration;

/// Settings of the media plane.
#[derive(Clone, Debug)]
pub struct MediaSettings {
    /// The worker's shared port as browsers reach it: the candidates of every call.
    pub web_candidates: Vec<SocketAddr>,
    /// From the browser's description to its first valid check. A browser on a bad line needs several seconds.
    pub ice_timeout: Duration,
    /// From the last valid check to the loss of consent: 30 s (RFC 7675 §5.1).
    pub consent_timeout: Duration,
    /// From the first valid check to the end of the handshake: time for three retransmissions (RFC 6347 §4.2.4.1).
    pub dtls_timeout: Duration,
    /// Without a packet from the PBX, although it may send, it is reported silent.
    pub trunk_silence: Duration,
    /// Between reports: 5 s (RFC 3550 §6.2), varied by half.
    pub rtcp_interval: Duration,
    /// What codecs are made of.
    pub codecs: Shelf,
}

impl Default for MediaSettings {
    fn default() -> Self {
        Self {
            web_candidates: Vec::new(),
            ice_timeout: Duration::from_secs(20),
            consent_timeout: Duration::from_secs(30),
            dtls_timeout: Duration::from_secs(10),
            trunk_silence: Duration::from_secs(30),
            rtcp_interval: Duration::from_secs(5),
            codecs: Shelf::default(),
        }
    }
}
