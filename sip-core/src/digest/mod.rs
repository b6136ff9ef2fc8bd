//! Digest authentication (RFC 3261 §22, RFC 7616, RFC 8760): MD5, SHA-256 and SHA-512-256, each also `-sess`; qop
//! `auth`, `auth-int` and none.
//!
//! [`Authenticator`] answers challenges for a client, [`Verifier`] makes and checks them for a server. How the headers
//! are spelt is the business of [`message`](crate::message). Basic is not spoken (RFC 3261 §22 forbids it).

mod algorithm;
mod client;
mod server;

use core::fmt;

pub use algorithm::Algorithm;
pub use client::{Authenticator, Refusal};
pub use server::{Verdict, Verifier, verify};

/// A password. It has no `Debug` content, no `Display`, and is compared nowhere.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps a password.
    #[must_use]
    pub fn new(password: impl Into<String>) -> Self {
        Self(password.into())
    }

    fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl From<&str> for Secret {
    fn from(password: &str) -> Self {
        Self::new(password)
    }
}

impl From<String> for Secret {
    fn from(password: String) -> Self {
        Self(password)
    }
}

/// A user and what proves them.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The authorization name.
    pub username: String,
    /// The password.
    pub password: Secret,
    /// The only realm these are answered to; none answers any.
    pub realm: Option<String>,
}

impl Credentials {
    /// Credentials for any realm.
    #[must_use]
    pub fn new(username: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self { username: username.into(), password: password.into(), realm: None }
    }

    /// The same for one realm.
    #[must_use]
    pub fn for_realm(self, realm: impl Into<String>) -> Self {
        Self { realm: Some(realm.into()), ..self }
    }
}
