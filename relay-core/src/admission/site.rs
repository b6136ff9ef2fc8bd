//! A site: somebody whose pages, or whose back end, may have calls made, and the widest that its tokens may allow.

use super::claims::Claims;
use super::{Callee, Denial, Key, Page, Pattern};
use sip_core::Duration;
use sip_core::message::NameAddr;

/// One site.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its name: `iss` in its tokens.
    pub name: String,
    /// The trunk its calls leave by.
    pub trunk: usize,
    /// The host of Request-URIs on that trunk.
    pub domain: String,
    /// What its back end signs tokens with; none where the relay makes them all.
    pub key: Option<Key>,
    /// The widest that its tokens may allow.
    pub allowance: Allowance,
}

/// What a site may do.
#[derive(Clone, Debug)]
pub struct Allowance {
    /// Whom its tokens may reach.
    pub callees: Vec<Pattern>,
    /// The pages that may use them, `self` being the relay's own; empty is any that is let in.
    pub origins: Vec<String>,
    /// Who the callee sees where the token does not say.
    pub caller: Option<NameAddr>,
    /// The longest that a call may last.
    pub max_duration: Duration,
    /// Its calls at once.
    pub max_calls: usize,
}

impl Allowance {
    /// What a token asks for, at most what the site has.
    pub(super) fn duration(&self, asked: Option<u64>) -> Duration {
        asked.map_or(self.max_duration, |seconds| self.max_duration.min(Duration::from_secs(seconds)))
    }
}

impl Site {
    /// Whether the token is for the page that shows it.
    pub(super) fn check_page(&self, claims: &Claims, page: Option<&Page>) -> Result<(), Denial> {
        let allows = |list: &[String]| list.is_empty() || page.is_some_and(|page| page.is_in(list));
        (allows(&claims.origin) && allows(&self.allowance.origins)).then_some(()).ok_or(Denial::Origin)
    }

    /// The callee with the domain it is asked for on the trunk. Both the token and the site must allow it.
    pub(super) fn reached(&self, claims: &Claims, callee: Callee) -> Result<Callee, Denial> {
        let mut of_token = claims.callee.iter().filter_map(|pattern| Pattern::parse(pattern));
        let of_token = of_token.find(|pattern| pattern.is_met(&callee)).ok_or(Denial::Callee)?;
        let of_site = self.allowance.callees.iter().find(|pattern| pattern.is_met(&callee)).ok_or(Denial::Callee)?;
        let insists = of_token.host().is_some() || of_site.host().is_some();
        let host = callee.host.filter(|_| insists).unwrap_or_else(|| self.domain.clone());
        Ok(Callee { user: callee.user, host: Some(host) })
    }
}
