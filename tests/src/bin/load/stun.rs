//! ICE as a browser's agent speaks it (RFC 8445): checks that nominate, and answers to the server's own.

use crate::Fallible;
use rtc_dtls::crypto_provider::RTCCryptoProvider;
use rtc_stun::attributes::{ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME};
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, Setter};
use rtc_stun::xoraddr::XorMappedAddress;
use std::net::SocketAddr;
use std::sync::Arc;

/// A user fragment and a password.
#[derive(Clone, Debug, Default)]
pub(crate) struct Credentials {
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
}

/// Both sides' credentials.
pub(crate) struct Agent {
    pub(crate) local: Credentials,
    pub(crate) remote: Credentials,
    provider: Arc<dyn RTCCryptoProvider>,
    checks: u32,
}

impl Agent {
    pub(crate) fn new(local: Credentials, provider: Arc<dyn RTCCryptoProvider>) -> Self {
        Self { local, remote: Credentials::default(), provider, checks: 0 }
    }

    /// A connectivity check that nominates its pair.
    pub(crate) fn check(&mut self) -> Fallible<Vec<u8>> {
        self.checks += 1;
        let mut message = Message::new();
        message.set_type(BINDING_REQUEST);
        let id = message.transaction_id.0.iter_mut().zip(self.local.ufrag.bytes().chain([0; 12]));
        id.for_each(|(octet, from)| *octet = from);
        message.transaction_id.0[8..].copy_from_slice(&self.checks.to_be_bytes());
        message.write_header();
        message.add(ATTR_USERNAME, format!("{}:{}", self.remote.ufrag, self.local.ufrag).as_bytes());
        message.add(ATTR_PRIORITY, &[0x6E, 0, 1, 0xFF]);
        message.add(ATTR_ICE_CONTROLLING, &[7; 8]);
        message.add(ATTR_USE_CANDIDATE, &[]);
        self.sign(message, &self.remote.pwd)
    }

    /// The answer to a check of the server's, if this is one.
    pub(crate) fn answer(&self, bytes: &[u8], source: SocketAddr) -> Fallible<Option<Vec<u8>>> {
        let mut request = Message::new();
        request.unmarshal_binary(bytes)?;
        if request.typ != BINDING_REQUEST {
            return Ok(None);
        }
        let mut message = Message::new();
        message.set_type(BINDING_SUCCESS);
        message.transaction_id = request.transaction_id;
        message.write_header();
        XorMappedAddress { ip: source.ip(), port: source.port() }.add_to(&mut message)?;
        self.sign(message, &self.local.pwd).map(Some)
    }

    fn sign(&self, mut message: Message, password: &str) -> Fallible<Vec<u8>> {
        let integrity =
            MessageIntegrity::new_short_term_integrity_with_provider(password.to_owned(), self.provider.crypto());
        integrity.add_to(&mut message)?;
        FINGERPRINT.add_to(&mut message)?;
        Ok(message.raw)
    }
}
