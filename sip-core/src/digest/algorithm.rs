//! The hashes of RFC 7616 §3.4 and what they are computed over.

use core::fmt;
use core::str::FromStr;

use super::Secret;
use crate::hash::Hash;
use crate::message::{Authorization, SyntaxError};

/// A digest algorithm, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// What a challenge without `algorithm` means.
    Md5,
    /// With a session key.
    Md5Sess,
    /// RFC 7616.
    Sha256,
    /// RFC 7616, with a session key.
    Sha256Sess,
    /// RFC 7616.
    Sha512256,
    /// RFC 7616, with a session key.
    Sha512256Sess,
}

const NAMES: [(&str, Algorithm); 6] = [
    ("MD5", Algorithm::Md5),
    ("MD5-sess", Algorithm::Md5Sess),
    ("SHA-256", Algorithm::Sha256),
    ("SHA-256-sess", Algorithm::Sha256Sess),
    ("SHA-512-256", Algorithm::Sha512256),
    ("SHA-512-256-sess", Algorithm::Sha512256Sess),
];

impl Algorithm {
    /// The algorithm of a challenge or of credentials; none where this crate does not know it.
    #[must_use]
    pub fn of(name: Option<&str>) -> Option<Self> {
        name.map_or(Some(Self::Md5), |name| name.parse().ok())
    }

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Md5Sess => "MD5-sess",
            Self::Sha256 => "SHA-256",
            Self::Sha256Sess => "SHA-256-sess",
            Self::Sha512256 => "SHA-512-256",
            Self::Sha512256Sess => "SHA-512-256-sess",
        }
    }

    pub(super) const fn has_session_key(self) -> bool {
        matches!(self, Self::Md5Sess | Self::Sha256Sess | Self::Sha512256Sess)
    }

    /// The hash of some parts with colons between them, in hexadecimal digits.
    pub(super) fn hash(self, parts: &[&[u8]]) -> String {
        let hash = match self {
            Self::Md5 | Self::Md5Sess => Hash::Md5,
            Self::Sha256 | Self::Sha256Sess => Hash::Sha256,
            Self::Sha512256 | Self::Sha512256Sess => Hash::Sha512256,
        };
        let joined = parts.join(&b':');
        crate::message::text::hex(&hash.of(&[&joined]))
    }
}

impl FromStr for Algorithm {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let known = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        known.map(|(_, algorithm)| *algorithm).ok_or(SyntaxError("a digest algorithm"))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The `response` that belongs to credentials (RFC 7616 §3.4.1). None where they name an unknown algorithm or qop, or
/// lack the client's nonce or the count that their qop needs.
pub(super) fn response(credentials: &Authorization, password: &Secret, method: &str, body: &[u8]) -> Option<String> {
    let algorithm = Algorithm::of(credentials.algorithm.as_deref())?;
    let (nonce, cnonce) = (credentials.nonce.as_bytes(), credentials.cnonce.as_deref().map(str::as_bytes));
    let mut secret =
        algorithm.hash(&[credentials.username.as_bytes(), credentials.realm.as_bytes(), password.as_bytes()]);
    if algorithm.has_session_key() {
        secret = algorithm.hash(&[secret.as_bytes(), nonce, cnonce?]);
    }
    let (method, uri) = (method.as_bytes(), credentials.uri.as_bytes());
    let Some(qop) = credentials.qop.as_deref() else {
        let subject = algorithm.hash(&[method, uri]);
        return Some(algorithm.hash(&[secret.as_bytes(), nonce, subject.as_bytes()]));
    };
    let subject = match qop {
        _ if qop.eq_ignore_ascii_case("auth") => algorithm.hash(&[method, uri]),
        _ if qop.eq_ignore_ascii_case("auth-int") => algorithm.hash(&[method, uri, algorithm.hash(&[body]).as_bytes()]),
        _ => return None,
    };
    let count = credentials.nc.as_deref()?.as_bytes();
    Some(algorithm.hash(&[secret.as_bytes(), nonce, count, cnonce?, qop.as_bytes(), subject.as_bytes()]))
}
