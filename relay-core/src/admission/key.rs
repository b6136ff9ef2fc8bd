//! Keys that sign tokens, or tell whether one was signed (RFC 7518 §3.2, §3.3; RFC 8037). Each has one algorithm.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use core::fmt;
use ring::hmac;
use ring::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

/// RFC 7518 §3.2: a key as long as the hash.
const MIN_SECRET: usize = 32;
/// RFC 8410 §4: what comes before the key in a SubjectPublicKeyInfo of Ed25519.
const ED25519_PREFIX: [u8; 12] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00];
/// RFC 8017 §A.1: rsaEncryption with its empty parameters.
const RSA_ALGORITHM: [u8; 15] =
    [0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00];

/// A key with its algorithm. It shows nothing of itself.
#[derive(Clone)]
pub enum Key {
    /// A secret that both sides have.
    Hs256(hmac::Key),
    /// The public half of an Ed25519 key.
    EdDsa([u8; 32]),
    /// The public half of an RSA key, as PKCS #1 writes it.
    Rs256(Vec<u8>),
}

/// Why a file is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFault {
    /// A secret that could be guessed.
    Short,
    /// Not a public key in PEM form.
    NotPem,
    /// A public key of another kind.
    OtherKind,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Short => "is shorter than 32 bytes",
            Self::NotPem => "is not a public key in PEM form",
            Self::OtherKind => "is a public key of another kind",
        })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.algorithm())
    }
}

impl Key {
    /// A secret for HS256.
    ///
    /// # Errors
    /// It is too short.
    pub fn secret(bytes: &[u8]) -> Result<Self, KeyFault> {
        if bytes.len() < MIN_SECRET {
            return Err(KeyFault::Short);
        }
        Ok(Self::Hs256(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }

    /// A public key for EdDSA, from `-----BEGIN PUBLIC KEY-----`.
    ///
    /// # Errors
    /// It is none.
    pub fn ed25519_pem(pem: &str) -> Result<Self, KeyFault> {
        let der = der(pem)?;
        let key = der.strip_prefix(&ED25519_PREFIX[..]).and_then(|key| key.try_into().ok());
        key.map(Self::EdDsa).ok_or(KeyFault::OtherKind)
    }

    /// A public key for RS256, from the same.
    ///
    /// # Errors
    /// It is none.
    pub fn rsa_pem(pem: &str) -> Result<Self, KeyFault> {
        let der = der(pem)?;
        let info = value(0x30, &der).ok_or(KeyFault::NotPem)?.0;
        let rest = info.strip_prefix(&RSA_ALGORITHM[..]).ok_or(KeyFault::OtherKind)?;
        let bits = value(0x03, rest).and_then(|(bits, _)| bits.strip_prefix(&[0]));
        bits.map(|key| Self::Rs256(key.to_vec())).ok_or(KeyFault::NotPem)
    }

    /// The name in a token's header.
    #[must_use]
    pub const fn algorithm(&self) -> &'static str {
        match self {
            Self::Hs256(_) => "HS256",
            Self::EdDsa(_) => "EdDSA",
            Self::Rs256(_) => "RS256",
        }
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Hs256(key) => hmac::verify(key, message, signature).is_ok(),
            Self::EdDsa(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok(),
            Self::Rs256(key) => {
                UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(message, signature).is_ok()
            }
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Hs256(key) => Some(hmac::sign(key, message).as_ref().to_vec()),
            Self::EdDsa(_) | Self::Rs256(_) => None,
        }
    }
}

/// What stands between the lines of a PEM file (RFC 7468 §13).
fn der(pem: &str) -> Result<Vec<u8>, KeyFault> {
    let inside =
        pem.split_once("-----BEGIN PUBLIC KEY-----").and_then(|(_, rest)| rest.split_once("-----END PUBLIC KEY-----"));
    let text: String = inside.ok_or(KeyFault::NotPem)?.0.split_whitespace().collect();
    STANDARD.decode(text).map_err(|_| KeyFault::NotPem)
}

/// The value of one DER element with this tag, and what follows it (X.690 §8.1).
fn value(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        ..=0x7F => (usize::from(first), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => rest.split_first_chunk::<2>().map(|(length, rest)| (usize::from(u16::from_be_bytes(*length)), rest))?,
        _ => return None,
    };
    (found == tag).then(|| rest.split_at_checked(length)).flatten()
}
