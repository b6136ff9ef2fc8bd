//! A browser's side, made of other implementations: rtc-stun, rtc-dtls, rtc-srtp, rtc-rtp and libopus at 48 kHz.

use bytes::BytesMut;
use relay_core::media::control::{DtlsRole, Fingerprint, IceCredentials};
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, HandshakeConfig};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::crypto_provider::{RTCCryptoProvider, default_provider};
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_rtp::{Header, Packet};
use rtc_shared::TransportProtocol;
use rtc_shared::marshal::{Marshal, Unmarshal};
use rtc_srtp::context::Context;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;
use rtc_stun::attributes::{
    ATTR_ICE_CONTROLLED, ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME,
};
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_REQUEST, Message, Setter};
use sip_core::Instant;
use std::net::SocketAddr;
use std::sync::Arc;

const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);
pub(crate) const OPUS: u8 = 111;
pub(crate) const EVENTS: u8 = 110;

pub(crate) struct Browser {
    pub(crate) address: SocketAddr,
    pub(crate) local: IceCredentials,
    pub(crate) relay: IceCredentials,
    provider: Arc<dyn RTCCryptoProvider>,
    certificate: Certificate,
    dtls: Endpoint,
    config: Arc<HandshakeConfig>,
    pub(crate) role: DtlsRole,
    epoch: std::time::Instant,
    outgoing: Option<Context>,
    incoming: Option<Context>,
    pub(crate) profile: Option<SrtpProtectionProfile>,
    encoder: opus::Encoder,
    decoder: opus::Decoder,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    /// RTP that came, with its time of arrival.
    pub(crate) received: Vec<(Instant, Packet)>,
    /// RTCP that came.
    pub(crate) reports: Vec<BytesMut>,
    /// STUN answers that came.
    pub(crate) answers: Vec<Message>,
    transactions: u8,
}

impl Browser {
    pub(crate) fn new(
        address: SocketAddr,
        relay: IceCredentials,
        role: DtlsRole,
        profiles: &[SrtpProtectionProfile],
        epoch: std::time::Instant,
    ) -> Self {
        let provider = default_provider().unwrap();
        let certificate = Certificate::generate_self_signed(vec!["browser".to_owned()], provider.crypto()).unwrap();
        let config = ConfigBuilder::default()
            .with_crypto_provider(provider.clone())
            .with_certificates(vec![certificate.clone()])
            .with_srtp_protection_profiles(profiles.to_vec())
            .with_client_auth(ClientAuthType::RequireAnyClientCert)
            .with_insecure_skip_verify(true);
        // Our role is the opposite of the relay's.
        let is_client = role == DtlsRole::Server;
        let config = Arc::new(config.build(is_client, Some(PEER)).unwrap());
        let server = (!is_client).then(|| config.clone());
        let mut encoder = opus::Encoder::new(48_000, opus::Channels::Mono, opus::Application::Voip).unwrap();
        encoder.set_inband_fec(true).unwrap();
        encoder.set_packet_loss_perc(20).unwrap();
        encoder.set_bitrate(opus::Bitrate::Bits(24_000)).unwrap();
        encoder.set_max_bandwidth(opus::Bandwidth::Narrowband).unwrap();
        Self {
            address,
            local: IceCredentials { ufrag: "brow".into(), pwd: "a-password-of-the-browser".into() },
            relay,
            provider,
            certificate,
            dtls: Endpoint::new(PEER, TransportProtocol::UDP, server),
            config,
            role,
            epoch,
            outgoing: None,
            incoming: None,
            profile: None,
            encoder,
            decoder: opus::Decoder::new(8_000, opus::Channels::Mono).unwrap(),
            sequence: 65_500,
            timestamp: u32::MAX - 48_000,
            received: Vec::new(),
            reports: Vec::new(),
            answers: Vec::new(),
            transactions: 0,
        }
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let digest = ring::digest::digest(&ring::digest::SHA256, &self.certificate.certificate[0]);
        Fingerprint { algorithm: "SHA-256".into(), value: digest.as_ref().to_vec() }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.outgoing.is_some()
    }

    /// A connectivity check; `password` as given, so that a wrong one can be tried.
    pub(crate) fn check(&mut self, nominate: bool, password: &str, controlling: bool) -> Vec<u8> {
        let mut message = Message::new();
        message.set_type(BINDING_REQUEST);
        self.transactions = self.transactions.wrapping_add(1);
        message.transaction_id.0 = [self.transactions; 12];
        message.write_header();
        message.add(ATTR_USERNAME, format!("{}:{}", self.relay.ufrag, self.local.ufrag).as_bytes());
        message.add(ATTR_PRIORITY, &[0x6E, 0, 1, 0xFF]);
        message.add(if controlling { ATTR_ICE_CONTROLLING } else { ATTR_ICE_CONTROLLED }, &[7; 8]);
        if nominate {
            message.add(ATTR_USE_CANDIDATE, &[]);
        }
        let crypto = self.provider.crypto();
        MessageIntegrity::new_short_term_integrity_with_provider(password.to_owned(), crypto)
            .add_to(&mut message)
            .unwrap();
        FINGERPRINT.add_to(&mut message).unwrap();
        message.raw
    }

    /// The ClientHello, or nothing if the relay is the client.
    pub(crate) fn hello(&mut self, now: Instant) -> Vec<Vec<u8>> {
        if self.role == DtlsRole::Server {
            self.dtls.connect(self.clock(now), PEER, self.config.clone(), None).unwrap();
        }
        self.flights()
    }

    /// A datagram from the relay; the datagrams that answer it.
    pub(crate) fn receive(&mut self, bytes: &[u8], now: Instant) -> Vec<Vec<u8>> {
        match (bytes[0], bytes[1]) {
            (0..=3, _) => {
                let mut message = Message::new();
                message.unmarshal_binary(bytes).unwrap();
                self.answers.push(message);
            }
            (20..=63, _) => return self.shake_hands(bytes, now),
            (_, 192..=223) => self.reports.push(self.incoming.as_mut().unwrap().decrypt_rtcp(bytes).unwrap()),
            _ => {
                let plain = self.incoming.as_mut().unwrap().decrypt_rtp(bytes).unwrap();
                self.received.push((now, Packet::unmarshal(&mut plain.freeze()).unwrap()));
            }
        }
        Vec::new()
    }

    pub(crate) fn retransmit(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let _ = self.dtls.handle_timeout(PEER, self.clock(now));
        self.flights()
    }

    /// Speaks wide band from here on, as a browser does that is told `maxplaybackrate=16000`.
    pub(crate) fn widen(&mut self) {
        self.encoder.set_max_bandwidth(opus::Bandwidth::Wideband).unwrap();
        self.encoder.set_bitrate(opus::Bitrate::Bits(32_000)).unwrap();
    }

    /// One packet of sound, `millis` long; protected and ready to send.
    pub(crate) fn speak(&mut self, samples: &[i16]) -> Vec<u8> {
        let mut payload = [0; 1_000];
        let length = self.encoder.encode(samples, &mut payload).unwrap();
        let packet = self.packet(OPUS, false, self.timestamp, &payload[..length]);
        self.timestamp = self.timestamp.wrapping_add(samples.len() as u32);
        packet
    }

    /// Time passes without a packet.
    pub(crate) fn pause(&mut self, units: u32) {
        self.timestamp = self.timestamp.wrapping_add(units);
    }

    pub(crate) fn packet(&mut self, payload_type: u8, marker: bool, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let sequence_number = self.sequence;
        self.sequence = self.sequence.wrapping_add(1);
        let header =
            Header { version: 2, marker, payload_type, sequence_number, timestamp, ssrc: 0xB0B, ..Header::default() };
        let plain = Packet { header, payload: payload.to_vec().into() }.marshal().unwrap();
        self.outgoing.as_mut().unwrap().encrypt_rtp(&plain).unwrap().to_vec()
    }

    pub(crate) fn report(&mut self, compound: &[u8]) -> Vec<u8> {
        self.outgoing.as_mut().unwrap().encrypt_rtcp(compound).unwrap().to_vec()
    }

    /// All the sound that came, at 8 kHz.
    pub(crate) fn heard(&mut self) -> Vec<i16> {
        let mut all = Vec::new();
        for (_, packet) in self.received.iter().filter(|(_, packet)| packet.header.payload_type == OPUS) {
            let mut samples = [0; 960];
            let count = self.decoder.decode(&packet.payload, &mut samples, false).unwrap();
            all.extend_from_slice(&samples[..count]);
        }
        all
    }

    fn clock(&self, now: Instant) -> std::time::Instant {
        self.epoch + now.since(Instant::ZERO)
    }

    fn flights(&mut self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.dtls.poll_transmit()).map(|transmit| transmit.message.to_vec()).collect()
    }

    fn shake_hands(&mut self, bytes: &[u8], now: Instant) -> Vec<Vec<u8>> {
        let events = self.dtls.read(self.clock(now), PEER, None, BytesMut::from(bytes)).unwrap_or_default();
        if events.iter().any(|event| matches!(event, EndpointEvent::HandshakeComplete)) {
            self.take_keys();
        }
        self.flights()
    }

    fn take_keys(&mut self) {
        let state = self.dtls.get_connection_state(PEER).unwrap();
        self.profile = Some(state.srtp_protection_profile());
        let profile = match state.srtp_protection_profile() {
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => ProtectionProfile::AeadAes128Gcm,
            _ => ProtectionProfile::Aes128CmHmacSha1_80,
        };
        let mut config = rtc_srtp::config::Config { profile, ..Default::default() };
        let export = state.export_keying_material("EXTRACTOR-dtls_srtp", &[], config.keying_material_len()).unwrap();
        config.set_session_keys_from_keying_material(export.as_ref(), self.role == DtlsRole::Server).unwrap();
        let (keys, crypto) = (&config.keys, self.provider.crypto());
        let (rtp, rtcp) = (Some(srtp_replay_protection(64)), Some(srtcp_replay_protection(64)));
        self.outgoing = Context::new(&keys.local_master_key, &keys.local_master_salt, profile, None, None, crypto).ok();
        self.incoming =
            Context::new(&keys.remote_master_key, &keys.remote_master_salt, profile, rtp, rtcp, crypto).ok();
    }
}
