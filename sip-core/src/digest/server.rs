//! The server's side: issuing nonces and checking answers (RFC 3261 §22.1, RFC 7616 §3.3 and §5).

use std::collections::VecDeque;

use super::Secret;
use super::algorithm::{Algorithm, response};
use crate::entropy::Entropy;
use crate::message::{Authorization, Challenge, Method};
use crate::time::{Duration, Instant};

/// Nonces a verifier remembers; the oldest is forgotten, and its holder is asked again.
const MAX_NONCES: usize = 4_096;

/// Whether credentials prove that their sender knows the password. Says nothing about the nonce.
#[must_use]
pub fn verify(credentials: &Authorization, password: &Secret, method: &Method, body: &[u8]) -> bool {
    let expected = response(credentials, password, method.as_str(), body);
    expected.is_some_and(|expected| is_same(expected.as_bytes(), credentials.response.to_ascii_lowercase().as_bytes()))
}

/// Compares without telling by its duration how much was right.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// What became of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They prove the user.
    Accepted,
    /// They prove the user, but with a nonce that is too old, unknown or counted before: challenge again, with `stale`.
    Stale,
    /// They prove nothing: challenge again, or refuse.
    Refused,
}

/// Challenges for one realm, and checks the answers.
#[derive(Debug)]
pub struct Verifier {
    realm: String,
    algorithms: Vec<Algorithm>,
    lifetime: Duration,
    nonces: VecDeque<Issued>,
}

#[derive(Debug)]
struct Issued {
    nonce: String,
    at: Instant,
    count: u32,
}

impl Verifier {
    /// A verifier that offers some algorithms, in this order, and takes a nonce for as long as `lifetime`.
    #[must_use]
    pub fn new(realm: impl Into<String>, algorithms: &[Algorithm], lifetime: Duration) -> Self {
        Self { realm: realm.into(), algorithms: algorithms.to_vec(), lifetime, nonces: VecDeque::new() }
    }

    /// The challenges of one 401 or 407, a row each: the same fresh nonce with every algorithm.
    pub fn challenge(&mut self, stale: bool, entropy: &mut Entropy, now: Instant) -> Vec<Challenge> {
        let nonce = entropy.token(32);
        if self.nonces.len() >= MAX_NONCES {
            self.nonces.pop_front();
        }
        self.nonces.push_back(Issued { nonce: nonce.clone(), at: now, count: 0 });
        let challenge = |algorithm: &Algorithm| Challenge {
            scheme: "Digest".to_owned(),
            realm: self.realm.clone(),
            nonce: nonce.clone(),
            opaque: None,
            algorithm: Some(algorithm.as_str().to_owned()),
            qop: vec!["auth".to_owned()],
            stale,
        };
        self.algorithms.iter().map(challenge).collect()
    }

    /// Checks the credentials of a request against the user's password.
    pub fn verify(
        &mut self,
        credentials: &Authorization,
        password: &Secret,
        method: &Method,
        body: &[u8],
        now: Instant,
    ) -> Verdict {
        let algorithm = Algorithm::of(credentials.algorithm.as_deref());
        let is_offered = algorithm.is_some_and(|algorithm| self.algorithms.contains(&algorithm));
        let is_ours = is_offered && credentials.realm == self.realm && credentials.qop.is_some();
        if !is_ours || !verify(credentials, password, method, body) {
            return Verdict::Refused;
        }
        let count = credentials.nc.as_deref().and_then(|count| u32::from_str_radix(count, 16).ok()).unwrap_or(0);
        if self.spend(&credentials.nonce, count, now) { Verdict::Accepted } else { Verdict::Stale }
    }

    /// Whether a nonce is ours and young, and its count higher than before.
    fn spend(&mut self, nonce: &str, count: u32, now: Instant) -> bool {
        let lifetime = self.lifetime;
        while self.nonces.front().is_some_and(|oldest| now.since(oldest.at) > lifetime) {
            self.nonces.pop_front();
        }
        let issued = self.nonces.iter_mut().find(|issued| issued.nonce == nonce && count > issued.count);
        issued.map(|issued| issued.count = count).is_some()
    }
}
