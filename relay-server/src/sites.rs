//! Sites and tokens as the core takes them: patterns read, keys and secrets fetched from where the settings say they are.

use crate::config::{Algorithm, Config, ConfigError, Site};
use relay_core::admission::{self, Allowance, Customer, Key, KeyFault, Mint, Pattern, Rules};
use ring::rand::{SecureRandom, SystemRandom};
use sip_core::digest::Credentials;
use sip_core::message::{Host, NameAddr};
use std::net::IpAddr;

/// What the doorkeeper and the counter for tokens need.
#[derive(Debug)]
pub(crate) struct Sites {
    pub(crate) key: Key,
    pub(crate) rules: Rules,
    pub(crate) mint: Mint,
}

impl Sites {
    /// From the settings. Where they name no key for the relay's own tokens, the one that it drew before stays.
    ///
    /// # Errors
    /// A key or secret that is not there, or is none.
    pub(crate) fn of(config: &Config, drawn_before: Option<&Key>) -> Result<Self, ConfigError> {
        let tokens = &config.tokens;
        let relay_key = match tokens.key.read().map_err(|problem| fault("tokens.key_file", problem))? {
            Some(secret) => {
                key_of(Algorithm::Hs256, &secret).map_err(|why| fault("tokens.key_file", why.to_string()))?
            }
            None => drawn_before.cloned().map_or_else(drawn_key, Ok)?,
        };
        let customers = config.sites.iter().map(|site| customer(config, site)).collect::<Result<Vec<_>, _>>()?;
        let rules = Rules {
            sites: customers.iter().map(|customer| customer.site.clone()).collect(),
            relay_key: Some(relay_key.clone()),
            leeway: tokens.leeway,
            max_lifetime: tokens.max_lifetime,
            denied: patterns(&tokens.denied),
        };
        Ok(Self { key: relay_key.clone(), rules, mint: Mint::new(customers, relay_key, tokens.lifetime) })
    }
}

/// What the relay answers a trunk's challenges with.
///
/// # Errors
/// The password is not there.
pub(crate) fn credentials(trunk: &crate::config::Trunk) -> Result<Option<Credentials>, ConfigError> {
    let password = trunk.password.password().map_err(|problem| fault("trunk.password_file", problem))?;
    let (Some(username), Some(realm), Some(password)) = (&trunk.username, &trunk.realm, password) else {
        return Ok(None);
    };
    Ok(Some(Credentials::new(username.as_str(), password).for_realm(realm.as_str())))
}

fn customer(config: &Config, site: &Site) -> Result<Customer, ConfigError> {
    let secret = site.secret.read().map_err(|problem| fault("site.secret_file", problem))?;
    secret.as_deref().map_or(Ok(()), check_secret)?;
    let trunks = crate::sip_sockets::trunks(config);
    let trunk = trunks.iter().position(|trunk| trunk.name == site.trunk);
    let trunk = trunk.ok_or_else(|| fault("site.trunk", format!("is {:?}, which is no trunk", site.trunk)))?;
    let (domain, host) = (trunks[trunk].domains.iter().find(|name| *name != "*"), trunks[trunk].hosts.first());
    let domain = uri_host(domain.or(host.map(|host| &host.host)).map_or("", String::as_str))?;
    let allowance = Allowance {
        callees: patterns(&site.callees),
        origins: site.origins.clone(),
        caller: site.caller.as_deref().and_then(|caller| caller.parse::<NameAddr>().ok()),
        max_duration: site.max_duration,
        max_calls: site.max_calls,
    };
    let core = admission::Site { name: site.name.clone(), trunk, domain, key: signing_key(site)?, allowance };
    Ok(Customer::new(core, site.site_key.clone(), secret.as_deref().map(str::as_bytes)))
}

/// The host of Request-URIs, from how the settings write it: an address of IPv6 without its brackets.
fn uri_host(name: &str) -> Result<String, ConfigError> {
    let address = name.parse::<IpAddr>().map(Host::from);
    let host = address.or_else(|_| name.parse::<Host>());
    host.map(|host| host.to_string()).map_err(|_| ConfigError::Nonsense {
        key: "trunk.domains",
        problem: format!("has {name:?} for the calls of a site, which is no host"),
        remedy: "name the PBX's SIP domain: domains = [\"pbx.example.com\"]".to_owned(),
    })
}

/// Whether a back end's secret is as long as one that signs.
fn check_secret(secret: &str) -> Result<(), ConfigError> {
    Key::secret(secret.as_bytes()).map(drop).map_err(|why| ConfigError::Nonsense {
        key: "site.secret_file",
        problem: why.to_string(),
        remedy: "make another, for example with: openssl rand -hex 32".to_owned(),
    })
}

fn signing_key(site: &Site) -> Result<Option<Key>, ConfigError> {
    let text = site.key.read().map_err(|problem| fault("site.key_file", problem))?;
    let (Some(algorithm), Some(text)) = (site.algorithm, text) else { return Ok(None) };
    key_of(algorithm, &text).map(Some).map_err(|why| fault("site.key_file", why.to_string()))
}

fn key_of(algorithm: Algorithm, text: &str) -> Result<Key, KeyFault> {
    match algorithm {
        Algorithm::Hs256 => Key::secret(text.as_bytes()),
        Algorithm::EdDsa => Key::ed25519_pem(text),
        Algorithm::Rs256 => Key::rsa_pem(text),
    }
}

/// Good until the relay stops.
fn drawn_key() -> Result<Key, ConfigError> {
    let mut bytes = [0; 32];
    let drawn = SystemRandom::new().fill(&mut bytes).ok().and_then(|()| Key::secret(&bytes).ok());
    drawn.ok_or_else(|| fault("tokens.key_file", "is not set, and the system gives no random bytes".to_owned()))
}

/// What the settings let pass is a pattern.
fn patterns(texts: &[String]) -> Vec<Pattern> {
    texts.iter().filter_map(|text| Pattern::parse(text)).collect()
}

fn fault(key: &'static str, problem: String) -> ConfigError {
    let remedy = "name a file that the relay may read, or an environment variable that is set".to_owned();
    ConfigError::Nonsense { key, problem, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Trunk;

    fn domain_at(domains: &[&str], host: &str) -> Result<String, ConfigError> {
        let gateway =
            crate::config::Host { host: host.to_owned(), port: None, transport: None, priority: 0, weight: 1 };
        let trunk = Trunk {
            name: "office".to_owned(),
            domains: domains.iter().map(|name| (*name).to_owned()).collect(),
            hosts: vec![gateway],
            ..Trunk::default()
        };
        let site = Site { trunk: "office".to_owned(), ..Site::default() };
        let config = Config { trunks: vec![trunk], sites: vec![site], ..Config::default() };
        Sites::of(&config, None).map(|sites| sites.rules.sites[0].domain.clone())
    }

    #[test]
    fn calls_of_a_site_name_a_host_that_can_stand_in_a_uri() {
        assert_eq!(domain_at(&[], "2001:db8::7").unwrap(), "[2001:db8::7]");
        assert_eq!(domain_at(&["*"], "192.0.2.7").unwrap(), "192.0.2.7");
        assert_eq!(domain_at(&["*", "pbx.example.com"], "192.0.2.7").unwrap(), "pbx.example.com");
        let told = domain_at(&["no host"], "192.0.2.7").unwrap_err().to_string();
        assert!(told.starts_with("trunk.domains has \"no host\""), "{told}");
    }
}
