//! `switchhook-relay demo`: an exchange, a relay in front of it, and pages, in one process and on loopback.
//!
//! The call takes the whole path all the same: WebSocket SIP to the relay, UDP SIP to the exchange, DTLS-SRTP Opus to
//! RTP G.711.

mod exchange;
mod player;

use crate::config::{Config, Host, Media, Own, SecretSource, Sip, Site, Trunk};
use crate::error::{RunError, StartError};
use crate::start::{self, Running};
use relay_core::exchange::NUMBERS;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use tokio::task::JoinHandle;

/// Where the built pages are in a checkout.
const SITE: &str = "demo-site/dist";
/// The exchange, as a trunk of the relay.
const TRUNK: &str = "demo";
/// The relay's own account at the exchange.
const VISITOR: &str = "visitor";
/// What the shop's page shows to get a token.
const SITE_KEY: &str = "pk_demo_shop";

/// A demo that works.
#[derive(Debug)]
pub struct Demo {
    /// Its relay.
    pub relay: Running,
    /// The exchange's SIP address.
    pub exchange: SocketAddr,
    task: JoinHandle<()>,
}

impl Demo {
    /// Comes back when the relay has stopped; the exchange stops with it.
    ///
    /// # Errors
    /// The relay was not asked to.
    pub async fn finished(self) -> Result<(), RunError> {
        let result = self.relay.finished().await;
        self.task.abort();
        result
    }
}

/// Starts a demo; it stops when `shutdown` comes back.
///
/// # Errors
/// A socket cannot be had.
pub async fn start(config: Config, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<Demo, StartError> {
    let page = page_facts(&config);
    let password = drawn_password()?;
    let mut settings = config.demo.clone();
    settings.accounts.push(format!("{VISITOR}:{password}"));
    let driver = exchange::Driver::bind(&settings).await?;
    let exchange = driver.address();
    let task = tokio::spawn(driver.run());
    let relay = start::run_with(settled(config, exchange, password), Some(page), shutdown).await?;
    Ok(Demo { relay, exchange, task })
}

/// Starts a demo, says where it is, and stays until `shutdown`.
///
/// # Errors
/// It cannot start, or stops by itself.
pub async fn run(
    config: Config,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Box<dyn std::error::Error>> {
    let accounts = config.demo.accounts.join(", ");
    let demo = start(config, shutdown).await?;
    tokio::spawn(crate::shutdown::hurry(demo.relay.haste.clone()));
    crate::log::say(&format!("Ready: open {} (accounts {accounts})", url(demo.relay.web)));
    Ok(demo.finished().await?)
}

/// What a person types; "any address" is reached as localhost, which browsers trust with the microphone.
fn url(web: SocketAddr) -> String {
    if web.ip().is_unspecified() { format!("http://localhost:{}/", web.port()) } else { format!("http://{web}/") }
}

/// A password that nobody is told, not even the pages of the demo.
fn drawn_password() -> Result<String, StartError> {
    Ok(start::seed()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The settings of the relay: what was not set is chosen for a demo, so that it can run beside anything.
fn settled(mut config: Config, exchange: SocketAddr, password: String) -> Config {
    if config.sip.listen == Sip::default().listen {
        config.sip.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    }
    if config.media.web_listen == Media::default().web_listen {
        config.media.web_listen.set_port(0);
    }
    if config.media.trunk_listen.is_unspecified() {
        config.media.trunk_listen = Ipv4Addr::LOCALHOST.into();
    }
    if config.web.site.is_none() {
        config.web.site = find_site();
    }
    // Whoever tries it out has a page on another port, or a program; other machines' pages stay outside.
    if config.web.origins.is_empty() {
        config.web.origins = ["localhost", "none"].map(str::to_owned).to_vec();
    }
    config.trunks.insert(0, trunk(config.demo.domain.clone(), exchange, password));
    config.sites.push(shop());
    config
}

/// The way to the exchange, with an account there for visitors who have none.
fn trunk(domain: String, exchange: SocketAddr, password: String) -> Trunk {
    let host =
        Host { host: exchange.ip().to_string(), port: Some(exchange.port()), transport: None, priority: 0, weight: 1 };
    Trunk {
        name: TRUNK.to_owned(),
        domains: vec![domain.clone()],
        hosts: vec![host],
        probe: std::time::Duration::ZERO,
        username: Some(VISITOR.to_owned()),
        realm: Some(domain),
        password: SecretSource { own: Some(Own(password)), ..SecretSource::default() },
        ..Trunk::default()
    }
}

/// The shop whose button calls with tokens: each number of the exchange, from pages that this relay serves.
fn shop() -> Site {
    Site {
        name: "demo-shop".to_owned(),
        trunk: TRUNK.to_owned(),
        callees: NUMBERS.iter().map(|(number, ..)| (*number).to_owned()).collect(),
        origins: vec!["self".to_owned()],
        site_key: Some(SITE_KEY.to_owned()),
        ..Site::default()
    }
}

/// In the working directory, or above the program in a checkout.
fn find_site() -> Option<PathBuf> {
    let program = std::env::current_exe().unwrap_or_default();
    let places = std::iter::once(Path::new(".")).chain(program.ancestors());
    let site = places.map(|place| place.join(SITE)).find(|site| site.join("index.html").is_file());
    if site.is_none() {
        tracing::warn!("no pages: {SITE} is not there (`make site` builds it, --site names another directory)");
    }
    site
}

/// `/demo.json`: what a page needs to make the first call. The passwords are meant to be seen.
fn page_facts(config: &Config) -> Value {
    let domain = &config.demo.domain;
    let account = |(name, password): (&str, &str)| json!({ "uri": format!("sip:{name}@{domain}"), "password": password, "displayName": capital(name) });
    let accounts = config.demo.accounts.iter().filter_map(|account| account.split_once(':'));
    let number = |(number, _, description): &(&str, _, &str)| json!({ "number": number, "description": description });
    json!({
        "server": config.web.path,
        "domain": domain,
        "siteKey": SITE_KEY,
        "accounts": accounts.map(account).collect::<Vec<_>>(),
        "numbers": NUMBERS.iter().map(number).collect::<Vec<_>>(),
    })
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_on_other_ports_and_programs_may_try_the_demo_unless_something_else_is_said() {
        let exchange = SocketAddr::from((Ipv4Addr::LOCALHOST, 5070));
        let mut config = Config::default();
        assert_eq!(settled(config.clone(), exchange, String::new()).web.origins, ["localhost", "none"]);

        config.web.origins = vec!["https://www.example.com".to_owned()];
        assert_eq!(settled(config, exchange, String::new()).web.origins, ["https://www.example.com"]);
    }
}
