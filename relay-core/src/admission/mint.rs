//! Tokens that the relay makes itself: for pages that know a public site key, and for back ends that know a secret.
//!
//! A page with a site key gets a token for one of the site's named callees, bound to its origin. A back end chooses
//! within what the site may do. Time, and the token's one-time id, are the caller's to bring.

use super::claims::Claims;
use super::{Callee, Denial, Key, Page, Pattern, RELAY_KID, Site, UnixTime, jwt};
use ring::digest::{SHA256, digest};
use sip_core::Duration;

/// A site at the counter.
#[derive(Clone, Debug)]
pub struct Customer {
    /// Who it is and what it may do.
    pub site: Site,
    /// What its pages show; public.
    pub site_key: Option<String>,
    /// What its back end shows, hashed.
    secret: Option<Vec<u8>>,
}

impl Customer {
    /// A site that pages, or a back end, or both may ask tokens for.
    #[must_use]
    pub fn new(site: Site, site_key: Option<String>, secret: Option<&[u8]>) -> Self {
        Self { site, site_key, secret: secret.map(hash) }
    }
}

/// Makes tokens.
#[derive(Clone, Debug)]
pub struct Mint {
    customers: Vec<Customer>,
    key: Key,
    lifetime: Duration,
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The page's public key.
    pub site_key: Option<String>,
    /// The back end's secret.
    pub secret: Option<String>,
    /// The page that asks; or, from a back end, the one it is for.
    pub page: Option<Page>,
    /// Whom to call; a page may leave it out.
    pub callee: Option<String>,
    /// Who the callee sees; from a back end only.
    pub caller: Option<String>,
    /// Whose calls are counted together; from a back end only.
    pub subject: Option<String>,
    /// Seconds; from a back end only.
    pub max_duration: Option<u64>,
    /// Calls of the subject at once; from a back end only.
    pub max_calls: Option<usize>,
}

/// A token and what the page needs to use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minted {
    /// For `Authorization: Bearer`.
    pub token: String,
    /// Whom it reaches.
    pub callee: String,
    /// When it stops being good.
    pub expires: UnixTime,
    /// The site, for counters and logs.
    pub site: String,
}

impl Mint {
    /// A mint whose tokens are good for `lifetime`.
    #[must_use]
    pub const fn new(customers: Vec<Customer>, key: Key, lifetime: Duration) -> Self {
        Self { customers, key, lifetime }
    }

    /// Whether this page is one of a site's, whoever makes its tokens.
    #[must_use]
    pub fn serves(&self, page: &Page) -> bool {
        self.customers.iter().any(|customer| page.is_in(&customer.site.allowance.origins))
    }

    /// Whether this page may ask for tokens.
    #[must_use]
    pub fn knows(&self, page: &Page) -> bool {
        let mut with_pages = self.customers.iter().filter(|customer| customer.site_key.is_some());
        with_pages.any(|customer| page.is_in(&customer.site.allowance.origins))
    }

    /// The site that somebody proves to be, or to be a page of.
    ///
    /// # Errors
    /// No such site, or not from its page.
    pub fn customer(&self, wish: &Wish) -> Result<&Customer, Denial> {
        if let Some(secret) = &wish.secret {
            let shown = hash(secret.as_bytes());
            return self.customers.iter().find(|one| one.secret.as_ref() == Some(&shown)).ok_or(Denial::Issuer);
        }
        let is_it = |one: &&Customer| one.site_key.is_some() && one.site_key == wish.site_key;
        let customer = self.customers.iter().find(is_it).ok_or(Denial::Issuer)?;
        let origins = &customer.site.allowance.origins;
        wish.page.as_ref().is_some_and(|page| page.is_in(origins)).then_some(customer).ok_or(Denial::Origin)
    }

    /// A token.
    ///
    /// # Errors
    /// It would not be admitted.
    pub fn issue(&self, wish: &Wish, id: String, at: UnixTime) -> Result<Minted, Denial> {
        let site = &self.customer(wish)?.site;
        let callee = match wish.secret {
            Some(_) => chosen(site, wish.callee.as_deref())?,
            None => listed(site, wish.callee.as_deref())?,
        };
        let trusted = wish.secret.is_some();
        let expires = at.plus(self.lifetime);
        let claims = Claims {
            iss: site.name.clone(),
            exp: expires.0,
            nbf: None,
            jti: id,
            sub: wish.subject.clone().filter(|_| trusted),
            origin: wish.page.iter().map(|page| page.origin.clone()).collect(),
            callee: vec![callee.clone()],
            caller: wish.caller.clone().filter(|_| trusted),
            max_duration: wish.max_duration.filter(|_| trusted),
            max_calls: wish.max_calls.filter(|_| trusted),
        };
        if !claims.is_complete() {
            return Err(Denial::Malformed);
        }
        let token = jwt::write(&claims, RELAY_KID, &self.key).ok_or(Denial::Malformed)?;
        Ok(Minted { token, callee, expires, site: site.name.clone() })
    }
}

/// A page may reach what its site names, and nothing that a pattern would allow. Without a wish, the first.
fn listed(site: &Site, wish: Option<&str>) -> Result<String, Denial> {
    let wish = wish.map(|wish| Callee::read(wish).ok_or(Denial::Callee)).transpose()?;
    let is_wished = |pattern: &&Pattern| wish.as_ref().is_none_or(|wish| pattern.is_met(wish));
    let named = site.allowance.callees.iter().filter(|pattern| pattern.is_exact()).find(is_wished);
    named.map(Pattern::as_text).ok_or(Denial::Callee)
}

/// A back end names one callee that its site may reach.
fn chosen(site: &Site, wish: Option<&str>) -> Result<String, Denial> {
    let callee = Callee::read(wish.ok_or(Denial::Malformed)?).ok_or(Denial::Callee)?;
    let allowed = site.allowance.callees.iter().find(|pattern| pattern.is_met(&callee)).ok_or(Denial::Callee)?;
    Ok(match (allowed.host(), callee.host) {
        (Some(_), Some(host)) => format!("{}@{host}", callee.user),
        _ => callee.user,
    })
}

/// Compared instead of the secret, so that how long it takes tells nothing of it.
fn hash(secret: &[u8]) -> Vec<u8> {
    digest(&SHA256, secret).as_ref().to_vec()
}
