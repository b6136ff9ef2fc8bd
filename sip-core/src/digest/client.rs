//! The client's side: answering challenges, counting nonces, and knowing when the password is wrong (RFC 3261 §22.2).

use super::Credentials;
use super::algorithm::{Algorithm, response};
use crate::entropy::Entropy;
use crate::message::{Authorization, Challenge, HeaderName, Request, Response, auth_parameter};

/// Realms one authenticator keeps nonces of; the oldest is forgotten.
const MAX_REALMS: usize = 8;

/// Answers challenges with one set of credentials, and keeps the nonces it was given.
///
/// ```
/// use sip_core::Entropy;
/// use sip_core::digest::{Authenticator, Credentials, Refusal};
/// use sip_core::message::{HeaderName, Method, Request, StatusCode};
///
/// let mut entropy = Entropy::new([7; 32]);
/// let mut authenticator = Authenticator::new(Credentials::new("alice", "secret"));
/// let mut request = Request::new(Method::Register, "sip:example.com".parse()?);
/// authenticator.authorize(&mut request); // nothing is known yet
///
/// let mut refusal = request.reply(StatusCode::UNAUTHORIZED, None);
/// refusal.headers.push(HeaderName::WwwAuthenticate, r#"Digest realm="example.com", nonce="1", qop="auth""#);
/// authenticator.answer(&mut request, &refusal, &mut entropy)?;
/// assert!(request.headers.has(&HeaderName::Authorization));
///
/// let again = authenticator.answer(&mut request, &refusal, &mut entropy);
/// assert_eq!(again, Err(Refusal::WrongPassword { realm: "example.com".to_owned() }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Authenticator {
    credentials: Credentials,
    nonces: Vec<Nonce>,
}

/// Why a challenge is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The response holds no challenge that can be read.
    NoChallenge,
    /// The credentials are for another realm.
    OtherRealm {
        /// The realm that asked.
        realm: String,
    },
    /// No algorithm or quality of protection that this crate knows.
    Unsupported {
        /// The realm that asked.
        realm: String,
    },
    /// The credentials were refused.
    WrongPassword {
        /// The realm that refused them.
        realm: String,
    },
}

impl Refusal {
    /// The realm that asked.
    #[must_use]
    pub fn realm(&self) -> Option<&str> {
        match self {
            Self::NoChallenge => None,
            Self::OtherRealm { realm } | Self::Unsupported { realm } | Self::WrongPassword { realm } => Some(realm),
        }
    }
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NoChallenge => "no readable challenge",
            Self::OtherRealm { .. } => "no credentials for this realm",
            Self::Unsupported { .. } => "no digest algorithm in common",
            Self::WrongPassword { .. } => "user name or password refused",
        })
    }
}

impl core::error::Error for Refusal {}

/// A nonce in use.
#[derive(Debug)]
struct Nonce {
    proxy: bool,
    challenge: Challenge,
    quality: Quality,
    cnonce: String,
    count: u32,
    /// It replaced one that was called stale; the next one may not do so again.
    after_stale: bool,
}

/// The quality of protection (RFC 7616 §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quality {
    /// RFC 2069: no count, no client nonce.
    Old,
    Auth,
    AuthInt,
}

impl Authenticator {
    /// An authenticator that has seen no challenge.
    #[must_use]
    pub const fn new(credentials: Credentials) -> Self {
        Self { credentials, nonces: Vec::new() }
    }

    /// Adds credentials to a new request for each nonce that may be used again, with the next count. Without any the
    /// request stays as it is.
    pub fn authorize(&mut self, request: &mut Request) {
        for nonce in self.nonces.iter_mut().filter(|nonce| nonce.quality != Quality::Old) {
            nonce.authorize(&self.credentials, request);
        }
    }

    /// Answers the challenges of a 401 or 407: `request` is the request as it was sent, and becomes the one to send
    /// next (its CSeq and Via are the caller's business).
    ///
    /// Of several challenges of a realm the strongest is answered (RFC 8760). A nonce refused twice, or a fresh nonce
    /// refused without `stale`, means that the password is wrong, so this never loops.
    ///
    /// # Errors
    /// There is nothing to answer, or an answer would be refused again.
    pub fn answer(&mut self, request: &mut Request, response: &Response, entropy: &mut Entropy) -> Result<(), Refusal> {
        let mut result = Err(Refusal::NoChallenge);
        for proxy in [false, true] {
            for challenge in strongest(response.headers.challenges(&challenge_name(proxy))) {
                let answered = self.answer_one(proxy, challenge, request, entropy);
                match (&result, &answered) {
                    (_, Err(Refusal::WrongPassword { .. })) => return answered,
                    (Ok(()), Err(_)) => {}
                    _ => result = answered,
                }
            }
        }
        result
    }

    /// Takes the next nonce from the Authentication-Info of a response (RFC 7616 §3.5).
    pub fn accepted(&mut self, response: &Response) {
        let next =
            response.headers.get(&HeaderName::AuthenticationInfo).and_then(|info| auth_parameter(info, "nextnonce"));
        let nonce = self.nonces.iter_mut().rfind(|nonce| !nonce.proxy);
        if let (Some(next), Some(nonce)) = (next, nonce)
            && next != nonce.challenge.nonce
        {
            nonce.challenge.nonce = next;
            nonce.count = 0;
            nonce.after_stale = false;
        }
    }

    fn answer_one(
        &mut self,
        proxy: bool,
        challenge: Challenge,
        request: &mut Request,
        entropy: &mut Entropy,
    ) -> Result<(), Refusal> {
        let realm = || challenge.realm.clone();
        if self.credentials.realm.as_ref().is_some_and(|only| *only != challenge.realm) {
            return Err(Refusal::OtherRealm { realm: realm() });
        }
        if strength(&challenge).is_none() {
            return Err(Refusal::Unsupported { realm: realm() });
        }
        let quality = choose_quality(&challenge).ok_or_else(|| Refusal::Unsupported { realm: realm() })?;
        let sent = sent(request, proxy, &challenge.realm);
        let after_stale = sent.map_or(Ok(false), |sent| self.judge(proxy, &sent, &challenge))?;
        self.forget(proxy, &challenge.realm);
        let mut nonce = Nonce { proxy, challenge, quality, cnonce: entropy.token(24), count: 0, after_stale };
        nonce.authorize(&self.credentials, request);
        self.nonces.push(nonce);
        Ok(())
    }

    /// Whether refused credentials deserve another attempt, and whether it will be the one after a stale nonce.
    fn judge(&self, proxy: bool, sent: &Authorization, challenge: &Challenge) -> Result<bool, Refusal> {
        let was_reused = sent.nc.as_deref().is_some_and(|count| count != "00000001");
        let is_sent = |nonce: &&Nonce| nonce.proxy == proxy && nonce.challenge.nonce == sent.nonce;
        let after_stale = self.nonces.iter().find(is_sent).is_some_and(|nonce| nonce.after_stale);
        let again = sent.nonce != challenge.nonce && (was_reused || (challenge.stale && !after_stale));
        if again { Ok(challenge.stale) } else { Err(Refusal::WrongPassword { realm: challenge.realm.clone() }) }
    }

    /// Makes room for a nonce.
    fn forget(&mut self, proxy: bool, realm: &str) {
        self.nonces.retain(|nonce| nonce.proxy != proxy || nonce.challenge.realm != realm);
        if self.nonces.len() >= MAX_REALMS {
            self.nonces.remove(0);
        }
    }
}

impl Nonce {
    fn authorize(&mut self, credentials: &Credentials, request: &mut Request) {
        self.count = self.count.saturating_add(1);
        let mut answer = self.unproven(credentials, request);
        let proof = response(&answer, &credentials.password, request.method.as_str(), &request.body);
        answer.response = proof.unwrap_or_default();
        let name = credentials_name(self.proxy);
        let realm = &self.challenge.realm;
        request.headers.retain(|row| row.name != name || !is_for(&row.value, realm));
        request.headers.push(name, answer.to_string());
    }

    fn unproven(&self, credentials: &Credentials, request: &Request) -> Authorization {
        let challenge = &self.challenge;
        let counted = self.quality != Quality::Old;
        let is_session = Algorithm::of(challenge.algorithm.as_deref()).is_some_and(Algorithm::has_session_key);
        Authorization {
            username: credentials.username.clone(),
            realm: challenge.realm.clone(),
            nonce: challenge.nonce.clone(),
            uri: request.uri.to_string(),
            response: String::new(),
            algorithm: challenge.algorithm.clone(),
            cnonce: (counted || is_session).then(|| self.cnonce.clone()),
            opaque: challenge.opaque.clone(),
            qop: self.quality.as_str().map(str::to_owned),
            nc: counted.then(|| crate::message::text::hex(&self.count.to_be_bytes())),
        }
    }
}

impl Quality {
    const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Old => None,
            Self::Auth => Some("auth"),
            Self::AuthInt => Some("auth-int"),
        }
    }
}

const fn challenge_name(proxy: bool) -> HeaderName {
    if proxy { HeaderName::ProxyAuthenticate } else { HeaderName::WwwAuthenticate }
}

const fn credentials_name(proxy: bool) -> HeaderName {
    if proxy { HeaderName::ProxyAuthorization } else { HeaderName::Authorization }
}

/// One challenge a realm: the strongest, the first of equals.
fn strongest(challenges: Vec<Challenge>) -> Vec<Challenge> {
    let mut best: Vec<Challenge> = Vec::new();
    for challenge in challenges {
        let has_room = best.len() < MAX_REALMS;
        match best.iter_mut().find(|known| known.realm == challenge.realm) {
            Some(known) if strength(&challenge) > strength(known) => *known = challenge,
            Some(_) => {}
            None if has_room => best.push(challenge),
            None => {}
        }
    }
    best
}

/// None where it cannot be answered.
fn strength(challenge: &Challenge) -> Option<Algorithm> {
    let is_digest = challenge.scheme.eq_ignore_ascii_case("Digest") && !challenge.nonce.is_empty();
    let algorithm = Algorithm::of(challenge.algorithm.as_deref()).filter(|_| is_digest);
    algorithm.filter(|_| choose_quality(challenge).is_some())
}

/// `auth` where it is offered; `auth-int` needs a body that no proxy changes.
fn choose_quality(challenge: &Challenge) -> Option<Quality> {
    let offers = |name: &str| challenge.qop.iter().any(|qop| qop.eq_ignore_ascii_case(name));
    match challenge.qop.is_empty() {
        true => Some(Quality::Old),
        false if offers("auth") => Some(Quality::Auth),
        false if offers("auth-int") => Some(Quality::AuthInt),
        false => None,
    }
}

/// The credentials for a realm that a request carried.
fn sent(request: &Request, proxy: bool, realm: &str) -> Option<Authorization> {
    let name = credentials_name(proxy);
    let mut credentials = request.headers.get_all(&name).filter_map(|row| row.parse::<Authorization>().ok());
    credentials.find(|credentials| credentials.realm == realm)
}

fn is_for(row: &str, realm: &str) -> bool {
    row.parse::<Authorization>().is_ok_and(|credentials| credentials.realm == realm)
}
