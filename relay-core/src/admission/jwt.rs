//! Signed tokens in their compact form (RFC 7515 §3.1, RFC 8725).
//!
//! The algorithm is the key's: what the header says must be the same, so that no token chooses how it is checked.
//! Nothing of a token is believed before [`Unproven::prove`].

use super::claims::Claims;
use super::key::Key;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// A longer one is none.
const MAX_TOKEN: usize = 4_096;

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    /// Extensions that must be understood; we understand none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crit: Option<serde_json::Value>,
}

/// A token that anybody may have written.
pub(super) struct Unproven<'a> {
    pub(super) claims: Claims,
    pub(super) kid: Option<String>,
    algorithm: String,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Unproven<'a> {
    pub(super) fn read(token: &'a str) -> Option<Self> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let is_plain = header.crit.is_none() && claims.is_complete();
        is_plain.then_some(Self { claims, kid: header.kid, algorithm: header.alg, signed, signature })
    }

    /// The claims, if they were signed with this key and its algorithm.
    pub(super) fn prove(self, key: &Key) -> Option<Claims> {
        let is_signed = self.algorithm == key.algorithm() && key.verify(self.signed.as_bytes(), &self.signature);
        is_signed.then_some(self.claims)
    }
}

/// A token of our own. None where the key only verifies.
pub(super) fn write(claims: &Claims, kid: &str, key: &Key) -> Option<String> {
    let header = Header { alg: key.algorithm().to_owned(), kid: Some(kid.to_owned()), crit: None };
    let part = |json: Vec<u8>| URL_SAFE_NO_PAD.encode(json);
    let (header, claims) = (serde_json::to_vec(&header).ok()?, serde_json::to_vec(claims).ok()?);
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = key.sign(signed.as_bytes())?;
    Some(format!("{signed}.{}", part(signature)))
}
