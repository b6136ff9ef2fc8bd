//! SRTP and SRTCP (RFC 3711, RFC 7714): with the browser on the keys of DTLS, with a PBX on those of SDES.
//!
//! The library remembers every SSRC it is shown before it knows whether the packet is authentic. So strangers are
//! shown to a second context first, which is thrown away after some failures; the first only sees proven sources.

use super::control::{DtlsRole, SrtpKeys};
use super::dtls::Keys;
use super::rtp::{HEADER, Packet};
use bytes::BytesMut;
use rtc_dtls::crypto_provider::RTCCryptoProvider;
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::marshal::Unmarshal;
use rtc_srtp::config::{Config, SessionKeys};
use rtc_srtp::context::Context;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;

/// Proven sources of one browser; it has one or two in a call.
const MAX_SOURCES: usize = 16;
/// Strangers' failures after which their context is made anew.
const MAX_FAILURES: u8 = 32;
/// Octets of a master key, before its salt.
const MASTER_KEY: usize = 16;
/// Packets: five seconds at 20 ms.
const REPLAY_WINDOW: usize = 256;

/// Both directions of one call's SRTP.
pub(super) struct Srtp {
    outgoing: Context,
    incoming: Context,
    strangers: Context,
    failures: u8,
    rtp_sources: Vec<u32>,
    rtcp_sources: Vec<u32>,
    keys: SessionKeys,
    profile: ProtectionProfile,
}

/// The packet is not authentic, or was seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotAuthentic;

impl Srtp {
    pub(super) fn new(keys: &Keys, provider: &dyn RTCCryptoProvider) -> Option<Self> {
        let profile = profile(keys.profile)?;
        let mut config = Config { profile, ..Config::default() };
        config.set_session_keys_from_keying_material(&keys.export, keys.role == DtlsRole::Client).ok()?;
        Self::keyed(config.keys, profile, provider)
    }

    /// On the keys of descriptions (RFC 4568).
    pub(super) fn sdes(keys: &SrtpKeys, provider: &dyn RTCCryptoProvider) -> Option<Self> {
        let (local, remote) = (keys.local.bytes().split_at(MASTER_KEY), keys.remote.bytes().split_at(MASTER_KEY));
        let keys = SessionKeys {
            local_master_key: local.0.to_vec(),
            local_master_salt: local.1.to_vec(),
            remote_master_key: remote.0.to_vec(),
            remote_master_salt: remote.1.to_vec(),
        };
        Self::keyed(keys, ProtectionProfile::Aes128CmHmacSha1_80, provider)
    }

    /// The other side has another key from here on; our stream goes on under its own.
    pub(super) fn rekey(self, keys: &SrtpKeys, provider: &dyn RTCCryptoProvider) -> Option<Self> {
        Some(Self { outgoing: self.outgoing, ..Self::sdes(keys, provider)? })
    }

    fn keyed(keys: SessionKeys, profile: ProtectionProfile, provider: &dyn RTCCryptoProvider) -> Option<Self> {
        let crypto = provider.crypto();
        let outgoing =
            Context::new(&keys.local_master_key, &keys.local_master_salt, profile, None, None, crypto).ok()?;
        let (incoming, strangers) = (incoming(&keys, profile, provider)?, incoming(&keys, profile, provider)?);
        let (rtp_sources, rtcp_sources) = (Vec::new(), Vec::new());
        Some(Self { outgoing, incoming, strangers, failures: 0, rtp_sources, rtcp_sources, keys, profile })
    }

    pub(super) fn protect_rtp(&mut self, packet: &Packet<'_>, plain: &[u8]) -> Option<BytesMut> {
        self.outgoing.encrypt_rtp_with_header(plain, &plain_header(packet)).ok()
    }

    pub(super) fn protect_rtcp(&mut self, plain: &[u8]) -> Option<BytesMut> {
        self.outgoing.encrypt_rtcp(plain).ok()
    }

    pub(super) fn unprotect_rtp(
        &mut self,
        bytes: &[u8],
        provider: &dyn RTCCryptoProvider,
    ) -> Result<BytesMut, NotAuthentic> {
        let packet = Packet::parse_header(bytes).map_err(|_| NotAuthentic)?;
        // CSRC, extension or padding bit: the library has to find the payload itself.
        let header = match bytes.first() {
            Some(0x80 | 0xA0) => plain_header(&packet),
            _ => rtc_rtp::Header::unmarshal(&mut &bytes[..]).map_err(|_| NotAuthentic)?,
        };
        if self.rtp_sources.contains(&packet.ssrc) {
            return self.incoming.decrypt_rtp_with_header(bytes, &header).map_err(|_| NotAuthentic);
        }
        if self.strangers.decrypt_rtp_with_header(bytes, &header).is_err() || self.rtp_sources.len() >= MAX_SOURCES {
            return self.fail(provider);
        }
        self.rtp_sources.push(packet.ssrc);
        self.incoming.decrypt_rtp_with_header(bytes, &header).map_err(|_| NotAuthentic)
    }

    pub(super) fn unprotect_rtcp(
        &mut self,
        bytes: &[u8],
        provider: &dyn RTCCryptoProvider,
    ) -> Result<BytesMut, NotAuthentic> {
        let source = bytes.get(4..).and_then(<[u8]>::first_chunk).ok_or(NotAuthentic)?;
        let source = u32::from_be_bytes(*source);
        if self.rtcp_sources.contains(&source) {
            return self.incoming.decrypt_rtcp(bytes).map_err(|_| NotAuthentic);
        }
        if self.strangers.decrypt_rtcp(bytes).is_err() || self.rtcp_sources.len() >= MAX_SOURCES {
            return self.fail(provider);
        }
        self.rtcp_sources.push(source);
        self.incoming.decrypt_rtcp(bytes).map_err(|_| NotAuthentic)
    }

    fn fail(&mut self, provider: &dyn RTCCryptoProvider) -> Result<BytesMut, NotAuthentic> {
        self.failures += 1;
        if self.failures >= MAX_FAILURES {
            self.failures = 0;
            if let Some(fresh) = incoming(&self.keys, self.profile, provider) {
                self.strangers = fresh;
            }
        }
        Err(NotAuthentic)
    }
}

/// Octets of keying material for both directions; none for a profile we do not speak.
pub(super) fn keying_length(negotiated: SrtpProtectionProfile) -> Option<usize> {
    profile(negotiated).map(|profile| 2 * (profile.key_len() + profile.salt_len()))
}

fn profile(negotiated: SrtpProtectionProfile) -> Option<ProtectionProfile> {
    match negotiated {
        SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => Some(ProtectionProfile::AeadAes128Gcm),
        SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80 => Some(ProtectionProfile::Aes128CmHmacSha1_80),
        _ => None,
    }
}

fn incoming(keys: &SessionKeys, profile: ProtectionProfile, provider: &dyn RTCCryptoProvider) -> Option<Context> {
    let (key, salt) = (&keys.remote_master_key, &keys.remote_master_salt);
    let (rtp, rtcp) = (srtp_replay_protection(REPLAY_WINDOW), srtcp_replay_protection(REPLAY_WINDOW));
    Context::new(key, salt, profile, Some(rtp), Some(rtcp), provider.crypto()).ok()
}

/// The library's header of a packet that has none but the fixed one; it allocates nothing.
fn plain_header(packet: &Packet<'_>) -> rtc_rtp::Header {
    const _: () = assert!(HEADER == 12);
    rtc_rtp::Header {
        version: 2,
        marker: packet.marker,
        payload_type: packet.payload_type,
        sequence_number: packet.sequence,
        timestamp: packet.timestamp,
        ssrc: packet.ssrc,
        ..rtc_rtp::Header::default()
    }
}
