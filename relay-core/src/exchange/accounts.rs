//! Who may register and call: digest authentication against the accounts (RFC 3261 §22, RFC 8760).

use super::config::{Account, Config};
use sip_core::digest::{Algorithm, Verdict, Verifier};
use sip_core::message::{Authorization, HeaderName, Method, Request, StatusCode};
use sip_core::{Entropy, Instant};

/// The strongest first, as RFC 8760 §2.3 asks; MD5 for phones that know nothing else.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Md5];

/// A request that may not pass: what it is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, String)>,
}

impl Refusal {
    const fn new(status: StatusCode) -> Self {
        Self { status, headers: Vec::new() }
    }
}

/// Knows the accounts and the nonces.
#[derive(Debug)]
pub(super) struct Gate {
    accounts: Vec<Account>,
    realm: String,
    verifier: Verifier,
    entropy: Entropy,
}

impl Gate {
    pub(super) fn new(config: &Config, entropy: Entropy) -> Self {
        let verifier = Verifier::new(config.domain.clone(), &ALGORITHMS, config.nonce_lifetime);
        Self { accounts: config.accounts.clone(), realm: config.domain.clone(), verifier, entropy }
    }

    pub(super) fn account(&self, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.name.eq_ignore_ascii_case(name))
    }

    /// The name of the account that calls. Its From may not be another's.
    pub(super) fn admit_call(&mut self, request: &Request, now: Instant) -> Result<String, Refusal> {
        let name = self.authenticate(request, StatusCode::PROXY_AUTHENTICATION_REQUIRED, now)?;
        let from = request.headers.from().ok().and_then(|from| from.uri.user_text());
        let is_self = from.is_some_and(|from| from.eq_ignore_ascii_case(&name));
        is_self.then_some(name).ok_or(Refusal::new(StatusCode::FORBIDDEN))
    }

    /// The name of the account that registers; only its own address (RFC 3261 §10.3 step 4).
    pub(super) fn admit_registration(&mut self, request: &Request, now: Instant) -> Result<String, Refusal> {
        let aor = request.headers.to().ok().and_then(|to| to.uri.user_text()).unwrap_or_default();
        let Some(account) = self.account(&aor) else { return Err(Refusal::new(StatusCode::NOT_FOUND)) };
        let aor = account.name.clone();
        let name = self.authenticate(request, StatusCode::UNAUTHORIZED, now)?;
        (name == aor).then_some(name).ok_or(Refusal::new(StatusCode::FORBIDDEN))
    }

    fn authenticate(&mut self, request: &Request, ask: StatusCode, now: Instant) -> Result<String, Refusal> {
        let Some(credentials) = self.credentials(request, ask) else { return Err(self.challenge(ask, false, now)) };
        let Some(account) = self.account(&credentials.username).cloned() else {
            return Err(self.challenge(ask, false, now));
        };
        let Request { method, body, .. } = request;
        match self.verify(&credentials, &account, method, body, now) {
            Verdict::Accepted => Ok(account.name),
            Verdict::Stale => Err(self.challenge(ask, true, now)),
            // The fresh nonce says that the password was wrong: a client that tries again loops by its own fault.
            Verdict::Refused => Err(self.challenge(ask, false, now)),
        }
    }

    fn verify(&mut self, with: &Authorization, of: &Account, method: &Method, body: &[u8], now: Instant) -> Verdict {
        self.verifier.verify(with, &of.password, method, body, now)
    }

    /// The row that is for us: others may be for proxies on the way (RFC 3261 §22.3).
    fn credentials(&self, request: &Request, ask: StatusCode) -> Option<Authorization> {
        let (name, _) = headers_of(ask);
        let rows = request.headers.get_all(&name).filter_map(|row| row.parse::<Authorization>().ok());
        let mut ours = rows.filter(|row| row.realm == self.realm);
        ours.next()
    }

    fn challenge(&mut self, ask: StatusCode, stale: bool, now: Instant) -> Refusal {
        let (_, name) = headers_of(ask);
        let challenges = self.verifier.challenge(stale, &mut self.entropy, now);
        let headers = challenges.iter().map(|challenge| (name.clone(), challenge.to_string())).collect();
        Refusal { status: ask, headers }
    }
}

/// Where credentials come and challenges go: a registrar asks with 401, a proxy with 407.
fn headers_of(ask: StatusCode) -> (HeaderName, HeaderName) {
    if ask == StatusCode::UNAUTHORIZED {
        (HeaderName::Authorization, HeaderName::WwwAuthenticate)
    } else {
        (HeaderName::ProxyAuthorization, HeaderName::ProxyAuthenticate)
    }
}
