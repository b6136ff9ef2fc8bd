//! DTLS 1.2 with the browser, for SRTP keys only (RFC 6347, RFC 5764, RFC 8842).
//!
//! The handshake itself is rtc-dtls; here are its roles, its time limit, the choice of the SRTP profile, and the
//! comparison of the certificate with the described fingerprints (RFC 8122 §6.2), without which nothing is keyed.
//! What it does not do: DTLS 1.3, data channels, renegotiation.

use super::client_hello;
use super::control::{DtlsRole, Fingerprint, WebFailure};
use bytes::BytesMut;
use core::net::{Ipv4Addr, SocketAddr};
use ring::digest;
use rtc_dtls::cipher_suite::CipherSuiteId;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::crypto_provider::{self, RTCCryptoProvider};
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;
use rtc_shared::error::Error;
use sip_core::{Duration, Instant};
use std::sync::Arc;

/// Datagrams that one association may take in before and after its handshake: a handshake with every flight
/// repeated is below it, and a flood of records is not remembered by the library beyond it.
const MAX_DATAGRAMS: u16 = 120;
/// First retransmission; a browser's own is 50 ms to 1 s.
const FLIGHT: Duration = Duration::from_millis(500);
/// The library keys associations by address; ours has one.
const PEER: SocketAddr = SocketAddr::new(core::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9);

/// Who this process is to browsers: a certificate made at its start, and what follows from it.
pub struct Identity {
    provider: Arc<dyn RTCCryptoProvider>,
    server: Arc<HandshakeConfig>,
    server_gcm: Arc<HandshakeConfig>,
    client: Arc<HandshakeConfig>,
    fingerprint: Fingerprint,
    /// The library counts in its own instants; this one stands for our epoch.
    epoch: std::time::Instant,
}

impl core::fmt::Debug for Identity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Identity").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// No certificate could be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityError(String);

impl core::fmt::Display for IdentityError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "no DTLS certificate could be made: {}", self.0)
    }
}

impl std::error::Error for IdentityError {}

impl Identity {
    /// Makes a self-signed ECDSA P-256 certificate. `epoch` is the host's reading of [`Instant::ZERO`].
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate(epoch: std::time::Instant) -> Result<Self, IdentityError> {
        Self::make(epoch).map_err(|error| IdentityError(error.to_string()))
    }

    fn make(epoch: std::time::Instant) -> Result<Self, Error> {
        use SrtpProtectionProfile::{Srtp_Aead_Aes_128_Gcm, Srtp_Aes128_Cm_Hmac_Sha1_80};
        let provider = crypto_provider::default_provider().map_err(|error| Error::Crypto(error.to_string()))?;
        let certificate = Certificate::generate_self_signed(vec!["switchhook".to_owned()], provider.crypto())?;
        let der = certificate.certificate.first().ok_or(Error::ErrNoCertificates)?;
        let fingerprint = Fingerprint {
            algorithm: "sha-256".to_owned(),
            value: digest::digest(&digest::SHA256, der).as_ref().to_vec(),
        };
        let build = |profiles: &[SrtpProtectionProfile], client| {
            let builder = ConfigBuilder::default()
                .with_crypto_provider(provider.clone())
                .with_certificates(vec![certificate.clone()])
                .with_cipher_suites(vec![
                    CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256,
                    CipherSuiteId::Tls_Ecdhe_Ecdsa_With_ChaCha20_Poly1305_Sha256,
                    CipherSuiteId::Tls_Ecdhe_Rsa_With_Aes_128_Gcm_Sha256,
                ])
                .with_srtp_protection_profiles(profiles.to_vec())
                .with_client_auth(ClientAuthType::RequireAnyClientCert)
                .with_extended_master_secret(ExtendedMasterSecretType::Require)
                .with_flight_interval(FLIGHT)
                // No chain is verified: the fingerprint is (RFC 8122).
                .with_insecure_skip_verify(true);
            builder.build(client, Some(PEER)).map(Arc::new)
        };
        let both = [Srtp_Aead_Aes_128_Gcm, Srtp_Aes128_Cm_Hmac_Sha1_80];
        let (server, server_gcm, client) = (build(&both, false)?, build(&both[..1], false)?, build(&both, true)?);
        Ok(Self { provider, server, server_gcm, client, fingerprint, epoch })
    }

    /// What descriptions announce.
    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    pub(super) fn provider(&self) -> &dyn RTCCryptoProvider {
        self.provider.as_ref()
    }

    fn clock(&self, now: Instant) -> std::time::Instant {
        self.epoch + now.since(Instant::ZERO)
    }

    fn instant(&self, clock: std::time::Instant) -> Instant {
        Instant::ZERO + clock.saturating_duration_since(self.epoch)
    }
}

/// One association with one browser.
pub(super) struct Dtls {
    endpoint: Option<Box<Endpoint>>,
    role: DtlsRole,
    state: State,
    datagrams: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing has been heard or sent.
    New,
    Handshake {
        deadline: Instant,
    },
    Established,
    Failed,
}

/// What a datagram led to.
pub(super) enum Handled {
    Nothing,
    /// The handshake is done, and the certificate is the described one.
    Established(Keys),
    /// The browser ended the association.
    Closed,
    /// The datagram was not used.
    Ignored,
    /// The library refused it; the handshake goes on.
    Refused,
    Failed(WebFailure),
}

/// What the handshake yields for SRTP (RFC 5764 §4.2).
pub(super) struct Keys {
    pub(super) profile: SrtpProtectionProfile,
    pub(super) role: DtlsRole,
    pub(super) export: Vec<u8>,
}

impl Dtls {
    pub(super) fn role(&self) -> DtlsRole {
        self.role
    }

    pub(super) fn new(role: DtlsRole) -> Self {
        Self { endpoint: None, role, state: State::New, datagrams: 0 }
    }

    /// An address is valid: time runs, and a client says hello.
    pub(super) fn start(&mut self, limit: Duration, identity: &Identity, now: Instant) {
        if self.state != State::New {
            return;
        }
        self.state = State::Handshake { deadline: now + limit };
        if self.role == DtlsRole::Client {
            let mut endpoint = Box::new(Endpoint::new(PEER, TransportProtocol::UDP, None));
            if endpoint.connect(identity.clock(now), PEER, identity.client.clone(), None).is_err() {
                self.state = State::Failed;
            }
            self.endpoint = Some(endpoint);
        }
    }

    pub(super) fn handle_datagram(
        &mut self,
        bytes: &[u8],
        described: &[Fingerprint],
        identity: &Identity,
        now: Instant,
    ) -> Handled {
        if matches!(self.state, State::New | State::Failed) || self.datagrams >= MAX_DATAGRAMS {
            return Handled::Ignored;
        }
        self.datagrams += 1;
        let endpoint = self.endpoint.get_or_insert_with(|| {
            let wants_gcm = client_hello::offers_aes_128_gcm(bytes);
            let config = if wants_gcm { &identity.server_gcm } else { &identity.server };
            Box::new(Endpoint::new(PEER, TransportProtocol::UDP, Some(config.clone())))
        });
        match endpoint.read(identity.clock(now), PEER, None, BytesMut::from(bytes)) {
            Ok(events) => self.conclude(&events, described),
            Err(Error::ErrAlertFatalOrClose) if self.state != State::Established => self.fail(WebFailure::DtlsFailed),
            Err(_) => Handled::Refused,
        }
    }

    /// Retransmits; says so when the handshake took too long.
    pub(super) fn handle_timeout(&mut self, identity: &Identity, now: Instant) -> Handled {
        let State::Handshake { deadline } = self.state else {
            return Handled::Nothing;
        };
        if now >= deadline {
            return self.fail(WebFailure::DtlsFailed);
        }
        let retransmitted = self.endpoint.as_mut().map(|endpoint| endpoint.handle_timeout(PEER, identity.clock(now)));
        // An error without an association only means that no hello has come yet.
        if self.role == DtlsRole::Client && matches!(retransmitted, Some(Err(_))) {
            return self.fail(WebFailure::DtlsFailed);
        }
        Handled::Nothing
    }

    pub(super) fn poll_transmit(&mut self) -> Option<BytesMut> {
        self.endpoint.as_mut()?.poll_transmit().map(|transmit| transmit.message)
    }

    pub(super) fn next_timeout(&self, identity: &Identity) -> Option<Instant> {
        let State::Handshake { deadline } = self.state else {
            return None;
        };
        let flight = self.endpoint.as_ref().and_then(|endpoint| endpoint.poll_timeout(&PEER));
        Some(flight.map_or(deadline, |flight| identity.instant(flight).min(deadline)))
    }

    fn conclude(&mut self, events: &[EndpointEvent], described: &[Fingerprint]) -> Handled {
        let mut handled = Handled::Nothing;
        for event in events {
            match event {
                EndpointEvent::HandshakeComplete => handled = self.establish(described),
                EndpointEvent::PeerClosed => handled = Handled::Closed,
                _ => {}
            }
        }
        handled
    }

    fn establish(&mut self, described: &[Fingerprint]) -> Handled {
        let state = self.endpoint.as_ref().and_then(|endpoint| endpoint.get_connection_state(PEER));
        let Some((state, certificate)) = state.and_then(|state| Some((state, state.peer_certificates.first()?))) else {
            return self.fail(WebFailure::DtlsFailed);
        };
        if !described.iter().any(|fingerprint| is_of(fingerprint, certificate)) {
            return self.fail(WebFailure::FingerprintMismatch);
        }
        let (profile, role) = (state.srtp_protection_profile(), self.role);
        let length = super::srtp::keying_length(profile);
        let export = length.and_then(|length| state.export_keying_material("EXTRACTOR-dtls_srtp", &[], length).ok());
        let Some(export) = export else {
            return self.fail(WebFailure::DtlsFailed);
        };
        (self.state, self.datagrams) = (State::Established, 0);
        Handled::Established(Keys { profile, role, export: export.into_bytes() })
    }

    fn fail(&mut self, failure: WebFailure) -> Handled {
        self.state = State::Failed;
        Handled::Failed(failure)
    }
}

/// Whether `fingerprint` is of `certificate`; weak hash functions are no proof (RFC 8122 §5).
fn is_of(fingerprint: &Fingerprint, certificate: &[u8]) -> bool {
    let hash = fingerprint.hash_function();
    hash.is_some_and(|hash| digest::digest(hash, certificate).as_ref() == fingerprint.value)
}
