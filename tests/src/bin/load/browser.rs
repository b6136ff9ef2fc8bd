//! One simulated browser's transport: a UDP socket, ICE, DTLS as the client, SRTP; all of other implementations than ours.

use crate::stun::{Agent, Credentials};
use crate::{Fallible, sdp};
use bytes::BytesMut;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::crypto_provider::{RTCCryptoProvider, default_provider};
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;
use rtc_srtp::context::Context;
use rtc_srtp::protection_profile::ProtectionProfile;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The far end as the DTLS library knows it; it has one only.
const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
const PATIENCE: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_millis(50);

/// The certificate of all simulated browsers: making one costs more than a call.
pub(crate) struct Identity {
    provider: Arc<dyn RTCCryptoProvider>,
    certificate: Certificate,
}

impl Identity {
    pub(crate) fn generate() -> Fallible<Self> {
        let provider = default_provider()?;
        let certificate = Certificate::generate_self_signed(vec!["browser".to_owned()], provider.crypto())?;
        Ok(Self { provider, certificate })
    }

    /// As SDP has it (RFC 8122).
    pub(crate) fn fingerprint(&self) -> String {
        let der = self.certificate.certificate.first().map(AsRef::<[u8]>::as_ref).unwrap_or_default();
        let digest = ring::digest::digest(&ring::digest::SHA256, der);
        digest.as_ref().iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(":")
    }
}

/// A browser whose media is connected, or on its way there.
pub(crate) struct Browser {
    pub(crate) socket: UdpSocket,
    pub(crate) address: SocketAddr,
    pub(crate) ice: Agent,
    relay: Option<SocketAddr>,
    keys: Option<(Context, Context)>,
}

impl Browser {
    pub(crate) fn new(index: usize, identity: &Identity) -> Fallible<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = socket.local_addr()?;
        let local = Credentials { ufrag: format!("b{index:07}"), pwd: format!("a-password-of-browser-{index:07}") };
        let ice = Agent::new(local, identity.provider.clone());
        Ok(Self { socket, address, ice, relay: None, keys: None })
    }

    /// ICE, then DTLS, with what the server's answer describes.
    pub(crate) fn connect(&mut self, answer: &str, identity: &Identity) -> Fallible<()> {
        let relay = sdp::candidate(answer)?;
        self.ice.remote = sdp::credentials(answer)?;
        (self.relay, self.keys) = (Some(relay), None);
        self.socket.set_read_timeout(Some(RETRY))?;
        let begun = Instant::now();
        let mut handshake = Handshake::new(identity)?;
        let mut buffer = [0; 2_048];
        while self.keys.is_none() {
            if begun.elapsed() > PATIENCE {
                return Err("ICE or DTLS did not come about in 5 s".into());
            }
            if !handshake.has_begun {
                self.socket.send_to(&self.ice.check()?, relay)?;
            }
            match self.socket.recv_from(&mut buffer) {
                Ok((length, source)) => self.handle(&buffer[..length], source, &mut handshake)?,
                Err(_) => handshake.retransmit(),
            }
            for flight in handshake.flights() {
                self.socket.send_to(&flight, relay)?;
            }
        }
        self.socket.connect(relay)?;
        self.socket.set_nonblocking(true)?;
        Ok(())
    }

    /// Protects a plain packet and sends it.
    pub(crate) fn send(&mut self, plain: &[u8]) -> Fallible<()> {
        let (outgoing, _) = self.keys.as_mut().ok_or("a browser speaks before it is connected")?;
        let protected = outgoing.encrypt_rtp(plain)?;
        self.socket.send(&protected)?;
        Ok(())
    }

    /// A consent check (RFC 7675).
    pub(crate) fn consent(&mut self) -> Fallible<()> {
        let check = self.ice.check()?;
        self.socket.send(&check)?;
        Ok(())
    }

    pub(crate) fn unprotect(&mut self, bytes: &[u8]) -> Fallible<BytesMut> {
        let (_, incoming) = self.keys.as_mut().ok_or("a browser hears before it is connected")?;
        Ok(incoming.decrypt_rtp(bytes)?)
    }

    fn handle(&mut self, bytes: &[u8], source: SocketAddr, handshake: &mut Handshake) -> Fallible<()> {
        match bytes.first() {
            Some(0..=3) => match self.ice.answer(bytes, source)? {
                Some(answer) => drop(self.socket.send_to(&answer, source)?),
                None => handshake.begin()?,
            },
            Some(20..=63) => self.keys = handshake.receive(bytes)?,
            _ => {}
        }
        Ok(())
    }
}

/// A DTLS client's handshake.
struct Handshake {
    endpoint: Endpoint,
    config: Arc<rtc_dtls::config::HandshakeConfig>,
    provider: Arc<dyn RTCCryptoProvider>,
    has_begun: bool,
}

impl Handshake {
    fn new(identity: &Identity) -> Fallible<Self> {
        let config = ConfigBuilder::default()
            .with_crypto_provider(identity.provider.clone())
            .with_certificates(vec![identity.certificate.clone()])
            // What Chromium and rtpengine agree on as well.
            .with_srtp_protection_profiles(vec![SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80])
            .with_client_auth(ClientAuthType::RequireAnyClientCert)
            .with_insecure_skip_verify(true)
            .build(true, Some(PEER))?;
        let endpoint = Endpoint::new(PEER, TransportProtocol::UDP, None);
        let provider = identity.provider.clone();
        Ok(Self { endpoint, config: Arc::new(config), provider, has_begun: false })
    }

    /// The ClientHello, once the pair of addresses is nominated.
    fn begin(&mut self) -> Fallible<()> {
        if !self.has_begun {
            self.has_begun = true;
            self.endpoint.connect(Instant::now(), PEER, self.config.clone(), None)?;
        }
        Ok(())
    }

    fn receive(&mut self, bytes: &[u8]) -> Fallible<Option<(Context, Context)>> {
        let events = self.endpoint.read(Instant::now(), PEER, None, BytesMut::from(bytes))?;
        let complete = events.iter().any(|event| matches!(event, EndpointEvent::HandshakeComplete));
        if complete { self.keys().map(Some) } else { Ok(None) }
    }

    fn retransmit(&mut self) {
        // Only refuses when there is nothing to retransmit.
        let _ = self.endpoint.handle_timeout(PEER, Instant::now());
    }

    fn flights(&mut self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.endpoint.poll_transmit()).map(|transmit| transmit.message.to_vec()).collect()
    }

    fn keys(&self) -> Fallible<(Context, Context)> {
        let state = self.endpoint.get_connection_state(PEER).ok_or("DTLS has no state")?;
        let profile = ProtectionProfile::Aes128CmHmacSha1_80;
        let mut config = rtc_srtp::config::Config { profile, ..Default::default() };
        let export = state.export_keying_material("EXTRACTOR-dtls_srtp", &[], config.keying_material_len())?;
        config.set_session_keys_from_keying_material(export.as_ref(), true)?;
        let (keys, crypto) = (&config.keys, self.provider.crypto());
        let outgoing = Context::new(&keys.local_master_key, &keys.local_master_salt, profile, None, None, crypto)?;
        let incoming = Context::new(&keys.remote_master_key, &keys.remote_master_salt, profile, None, None, crypto)?;
        Ok((outgoing, incoming))
    }
}
