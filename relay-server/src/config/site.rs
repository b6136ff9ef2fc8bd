//! `[[site]]`: who may have calls made with tokens, by which trunk, and to whom.

use super::error::{ConfigError, Place};
use super::secret::SecretSource;
use super::table::{Table, TableKey, incomplete, key};
use super::trunk::Trunk;
use super::value::{FromValue, Value, put, put_some_time, put_within};
use relay_core::admission::{Pattern, normal_origin};
use sip_core::message::NameAddr;
use std::time::Duration;

/// One site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Its name: `iss` in tokens that its back end signs.
    pub name: String,
    /// The trunk that its calls leave by.
    pub trunk: String,
    /// Whom its tokens may reach; the first that is no pattern is whom its pages call.
    pub callees: Vec<String>,
    /// Its pages.
    pub origins: Vec<String>,
    /// Who the callee sees.
    pub caller: Option<String>,
    /// The longest that a call may last.
    pub max_duration: Duration,
    /// Calls at once.
    pub max_calls: usize,
    /// What its pages show to get a token. Public.
    pub site_key: Option<String>,
    /// Tokens that its pages get in a minute.
    pub tokens_per_minute: usize,
    /// What its back end shows to get a token.
    pub secret: SecretSource,
    /// How its back end signs tokens by itself.
    pub algorithm: Option<Algorithm>,
    /// What with: the secret of HS256, or a public key.
    pub key: SecretSource,
}

/// How tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// With a secret that both have.
    Hs256,
    /// With Ed25519.
    EdDsa,
    /// With RSA.
    Rs256,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            name: String::new(),
            trunk: String::new(),
            callees: Vec::new(),
            origins: Vec::new(),
            caller: None,
            max_duration: Duration::from_secs(1_800),
            max_calls: 20,
            site_key: None,
            tokens_per_minute: 60,
            secret: SecretSource::default(),
            algorithm: None,
            key: SecretSource::default(),
        }
    }
}

impl Table for Site {
    const NAME: &'static str = "site";
    const KEYS: &'static [TableKey<Self>] = SITE_KEYS;
}

/// Every key of a `[[site]]`.
#[rustfmt::skip]
pub const SITE_KEYS: &[TableKey<Site>] = &[
    key("site.name", "a short text, such as \"shop\"", |s, v| put(&mut s.name, v) && !s.name.is_empty()),
    key("site.trunk", "the name of a [[trunk]]", |s, v| put(&mut s.trunk, v)),
    key("site.callees", "a list of numbers, names or patterns with stars, such as [\"support\", \"+4930*\"]", put_callees),
    key("site.origins", "a list of origins, such as [\"https://www.example.com\"], \"self\" being pages that the relay serves", put_origins),
    key("site.caller", "a SIP address, such as \"Web shop <sip:web@example.com>\", or \"\" for the trunk's username", put_caller),
    key("site.max_duration", "a time with its unit, such as \"30m\", and more than nothing", |s, v| put_some_time(&mut s.max_duration, v)),
    key("site.max_calls", "a whole number from 1 to 1000000", |s, v| put_within(&mut s.max_calls, 1..=1_000_000, v)),
    key("site.site_key", "a word of 8 to 128 letters, digits, _ or -, such as \"pk_shop_2026\", or \"\"", put_site_key),
    key("site.tokens_per_minute", "a whole number from 1 to 1000000", |s, v| put_within(&mut s.tokens_per_minute, 1..=1_000_000, v)),
    key("site.secret_file", "a file with a secret of 32 bytes or more in it, or \"\"", |s, v| put(&mut s.secret.file, v)),
    key("site.secret_env", "the name of an environment variable, or \"\"", |s, v| put(&mut s.secret.env, v)),
    key("site.algorithm", "\"HS256\", \"EdDSA\" or \"RS256\", or \"\"", |s, v| put(&mut s.algorithm, v)),
    key("site.key_file", "a file with the secret of HS256, or with a public key in PEM form, or \"\"", |s, v| put(&mut s.key.file, v)),
    key("site.key_env", "the name of an environment variable with the same, or \"\"", |s, v| put(&mut s.key.env, v)),
];

fn put_callees(site: &mut Site, value: &Value) -> bool {
    let mut callees: Vec<String> = Vec::new();
    let fits = put(&mut callees, value) && callees.iter().all(|callee| Pattern::parse(callee).is_some());
    fits.then(|| site.callees = callees).is_some()
}

fn put_origins(site: &mut Site, value: &Value) -> bool {
    let mut origins: Vec<String> = Vec::new();
    let is_page = |rule: &String| rule == "self" || (crate::origin::is_rule(rule) && rule.contains("://"));
    let fits = put(&mut origins, value) && origins.iter().all(is_page);
    fits.then(|| site.origins = origins.iter().map(|origin| normal_origin(origin)).collect()).is_some()
}

fn put_caller(site: &mut Site, value: &Value) -> bool {
    let mut caller: Option<String> = None;
    let is_address = |text: &String| {
        let address: Option<NameAddr> = text.parse().ok();
        address.is_some_and(|address| address.uri.is_sip() && address.uri.user.is_some() && address.params.is_empty())
    };
    let fits = put(&mut caller, value) && caller.iter().all(is_address);
    fits.then(|| site.caller = caller).is_some()
}

fn put_site_key(site: &mut Site, value: &Value) -> bool {
    let mut word: Option<String> = None;
    let is_word = |word: &String| {
        (8..=128).contains(&word.len()) && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    let fits = put(&mut word, value) && word.iter().all(is_word);
    fits.then(|| site.site_key = word).is_some()
}

impl FromValue for Algorithm {
    fn from_value(value: &Value) -> Option<Self> {
        match value.text()? {
            "HS256" => Some(Self::Hs256),
            "EdDSA" => Some(Self::EdDsa),
            "RS256" => Some(Self::Rs256),
            _ => None,
        }
    }
}

/// What is wrong with a site as a whole, beside those before it.
pub(super) fn check(site: &Site, before: &[Site], trunks: &[Trunk], place: &Place) -> Result<(), ConfigError> {
    let wrong = |key, problem: String, remedy: &str| Err(incomplete(place, key, problem, remedy));
    let missing = |key, remedy: &str| Err(incomplete(place, key, "is missing", remedy));
    if site.name.is_empty() {
        return missing("site.name", "give the site a name: name = \"shop\"");
    }
    if before.iter().any(|other| other.name == site.name) {
        return wrong("site.name", format!("is {:?} for a second time", site.name), "give each site its own name");
    }
    if !trunks.iter().any(|trunk| trunk.name == site.trunk) {
        let problem = format!("is {:?}, and no [[trunk]] has that name", site.trunk);
        return wrong("site.trunk", problem, "name the trunk that this site's calls leave by");
    }
    if site.callees.is_empty() {
        return missing("site.callees", "say whom its visitors may reach: callees = [\"support\"]");
    }
    check_ways(site, place)?;
    if site.site_key.is_some() && before.iter().any(|other| other.site_key == site.site_key) {
        return wrong("site.site_key", "is that of an earlier site".to_owned(), "give each site its own key");
    }
    Ok(())
}

/// Whether there is a way to a token, and each way has what it needs.
fn check_ways(site: &Site, place: &Place) -> Result<(), ConfigError> {
    let wrong = |key, problem: &str, remedy: &str| Err(incomplete(place, key, problem, remedy));
    if site.site_key.is_none() && !site.secret.is_named() && site.algorithm.is_none() {
        let remedy =
            "set it for pages, secret_file for a back end, or algorithm and key_file for one that signs by itself";
        return wrong("site.site_key", "is missing, and so is every other way to a token", remedy);
    }
    if site.site_key.is_some() && site.origins.is_empty() {
        let remedy = "name the pages that may use the site key: origins = [\"https://www.example.com\"]";
        return wrong("site.origins", "is empty", remedy);
    }
    let is_exact = |callee: &String| Pattern::parse(callee).is_some_and(|pattern| pattern.is_exact());
    if site.site_key.is_some() && !site.callees.iter().any(is_exact) {
        let remedy = "name one callee without a star: anybody can read the site key, so it reaches no pattern";
        return wrong("site.callees", "has patterns only", remedy);
    }
    match (site.algorithm, site.key.is_named()) {
        (Some(_), false) => wrong("site.key_file", "is missing", "name the file with the key of site.algorithm"),
        (None, true) => wrong("site.algorithm", "is missing", "say how the key signs: HS256, EdDSA or RS256"),
        _ => Ok(()),
    }
}
