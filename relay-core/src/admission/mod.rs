//! Who may call without an account: visitors with a signed, short-lived token (RFC 8898, RFC 7519), and whom.
//!
//! [`Admission`] is a value: a token, a callee and an origin go in, a [`Grant`] or a [`Denial`] comes out. A token admits
//! one call. It reads no clock and no file; keys come with the configuration. What becomes of an admitted call is
//! [`b2bua`](crate::b2bua)'s business.

mod callee;
mod claims;
mod denial;
mod jwt;
mod key;
mod mint;
mod page;
mod rate;
mod site;
mod spent;

pub use callee::{Callee, Pattern};
pub use denial::Denial;
pub use key::{Key, KeyFault};
pub use mint::{Customer, Mint, Minted, Wish};
pub use page::{Page, normal_origin};
pub use rate::{Pace, Paces, subscriber};
pub use site::{Allowance, Site};

use claims::Claims;
use sip_core::Duration;
use sip_core::message::{NameAddr, Uri};
use spent::Spent;
use std::collections::BTreeMap;

/// Seconds since 1970, as tokens count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// So much later.
    #[must_use]
    pub const fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time.as_secs()))
    }
}

/// What holds for the tokens of every site.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Who may have calls made.
    pub sites: Vec<Site>,
    /// What signs the tokens that the relay makes itself.
    pub relay_key: Option<Key>,
    /// By how much clocks may differ.
    pub leeway: Duration,
    /// A token that is good for longer than this is none.
    pub max_lifetime: Duration,
    /// Callees that no token reaches: emergency and premium numbers.
    pub denied: Vec<Pattern>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            sites: Vec::new(),
            relay_key: None,
            leeway: Duration::from_secs(30),
            max_lifetime: Duration::from_secs(3_600),
            denied: Vec::new(),
        }
    }
}

/// A call that somebody wants to make with a token.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// As it came, without `Bearer`.
    pub token: &'a str,
    /// The Request-URI.
    pub callee: &'a Uri,
    /// The page; none for a program.
    pub page: Option<&'a Page>,
}

/// A call that may be made.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Who makes it.
    pub party: Party,
    /// The trunk it leaves by: the place in [`b2bua::Config::trunks`](crate::b2bua::Config).
    pub trunk: usize,
    /// Whom it reaches.
    pub callee: Callee,
    /// Who the callee sees; none is the trunk's own number.
    pub caller: Option<NameAddr>,
    /// How long it may last once it is answered.
    pub max_duration: Duration,
}

/// Whose calls are counted together: a site's token holders with one subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Party {
    /// The site's name.
    pub site: String,
    /// The token's `sub`; empty where it names none.
    pub subject: String,
}

/// The doorkeeper: what each token allows, which are spent, whose calls are under way.
#[derive(Debug, Default)]
pub struct Admission {
    rules: Rules,
    spent: Spent,
    live: BTreeMap<Party, usize>,
}

/// The name in [`jwt`]'s `kid` of the tokens that the relay makes itself.
const RELAY_KID: &str = "relay";

impl Admission {
    /// A doorkeeper who has seen nobody yet.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self { rules, spent: Spent::default(), live: BTreeMap::new() }
    }

    /// Other rules from now on. Spent tokens stay spent, calls under way stay counted.
    pub fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// Whether this call may be made. If so, the token is spent, and the call counts until [`Admission::release`].
    ///
    /// # Errors
    /// Why not.
    pub fn admit(&mut self, asked: Asked<'_>, at: UnixTime) -> Result<Grant, Denial> {
        let (claims, site) = self.read(asked.token)?;
        claims.check_times(&self.rules, at)?;
        site.check_page(&claims, asked.page)?;
        let callee = Callee::of(asked.callee).ok_or(Denial::Callee)?;
        let callee = site.reached(&claims, callee)?;
        if self.is_forbidden(&callee) {
            return Err(Denial::Forbidden);
        }
        let party = Party { site: site.name.clone(), subject: claims.sub.clone().unwrap_or_default() };
        let calls = self.live.get(&party).copied().unwrap_or(0);
        let of_site: usize =
            self.live.iter().filter(|(other, _)| other.site == party.site).map(|(_, calls)| calls).sum();
        if claims.max_calls.is_some_and(|max| calls >= max) || of_site >= site.allowance.max_calls {
            return Err(Denial::Busy);
        }
        let grant = Grant {
            party: party.clone(),
            trunk: site.trunk,
            callee,
            caller: claims.caller().or_else(|| site.allowance.caller.clone()),
            max_duration: site.allowance.duration(claims.max_duration),
        };
        let until = UnixTime(claims.exp).plus(self.rules.leeway);
        self.spent.spend((party.site.clone(), claims.jti), until, at)?;
        *self.live.entry(party).or_default() += 1;
        Ok(grant)
    }

    /// Whether no token reaches this callee, whatever a site allows.
    #[must_use]
    pub fn is_forbidden(&self, callee: &Callee) -> bool {
        self.rules.denied.iter().any(|pattern| pattern.is_met_in_any_form(callee))
    }

    /// An admitted call is over.
    pub fn release(&mut self, party: &Party) {
        if let Some(calls) = self.live.get_mut(party) {
            *calls = calls.saturating_sub(1);
            if *calls == 0 {
                self.live.remove(party);
            }
        }
    }

    /// The claims of a token whose signature is good, and its site. The site is found by what the token says of itself,
    /// which is believed only when that site's own key, or the relay's, has signed it; the algorithm is the key's.
    fn read(&self, token: &str) -> Result<(Claims, &Site), Denial> {
        let unproven = jwt::Unproven::read(token).ok_or(Denial::Malformed)?;
        let site = self.rules.sites.iter().find(|site| site.name == unproven.claims.iss).ok_or(Denial::Issuer)?;
        let key = match unproven.kid.as_deref() {
            Some(RELAY_KID) => self.rules.relay_key.as_ref(),
            _ => site.key.as_ref(),
        };
        let claims = unproven.prove(key.ok_or(Denial::Issuer)?).ok_or(Denial::Signature)?;
        Ok((claims, site))
    }
}
