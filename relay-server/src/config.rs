//! What the relay is told: one value, made of defaults, a TOML file, the environment and flags, the later ones winning.
//!
//! `relay.example.toml` says what each key is for and why its default is what it is; [`keys`] is the list that file,
//! environment and flags share. Nothing here opens a socket.

mod api;
mod clash;
mod codecs;
mod error;
pub mod keys;
mod load;
mod negotiation;
mod secret;
mod site;
mod table;
mod tokens;
mod trunk;
mod value;
mod webhook;

pub use api::Api;
pub(crate) use clash::Wanted;
pub use error::{ConfigError, Place};
pub use load::{Loaded, Sources, load};
pub use negotiation::{Leg, Negotiation, ShortIntervals, Wish};
pub use secret::{Own, SecretSource};
pub use site::{Algorithm, SITE_KEYS, Site};
pub use table::TableKey;
pub use tokens::Tokens;
pub use trunk::{Host, TRUNK_KEYS, Trunk};
pub use value::Value;
pub use webhook::{OnFailure, Webhook};

pub use crate::metrics::Readers;
use relay_core::b2bua::{PassHeaders, Redirects};
use relay_core::media::control::TrunkCodec;
use sip_core::Transport;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// Everything the relay can be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Towards browsers.
    pub web: Web,
    /// The addresses of the machine, for all that listens.
    pub network: Network,
    /// Towards PBXs.
    pub sip: Sip,
    /// PBXs with several gateways or wishes of their own.
    pub trunks: Vec<Trunk>,
    /// Who may have calls made with tokens.
    pub sites: Vec<Site>,
    /// What holds for all tokens.
    pub tokens: Tokens,
    /// The operator's own requests.
    pub api: Api,
    /// Who decides on calls with tokens.
    pub webhook: Webhook,
    /// Audio.
    pub media: Media,
    /// What each leg of a call negotiates for itself.
    pub negotiation: Negotiation,
    /// How much is taken on.
    pub limits: Limits,
    /// What is written to standard error.
    pub log: Log,
    /// What is kept of calls that are over.
    pub records: Records,
    /// The built-in exchange; used by `switchhook-relay demo` only.
    pub demo: Demo,
}

/// HTTP and WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// Where browsers connect.
    pub listen: SocketAddr,
    /// The WebSocket's path.
    pub path: String,
    /// Whose pages may connect besides those of the same host; see [`crate::origin`].
    pub origins: Vec<String>,
    /// A directory to serve pages from.
    pub site: Option<PathBuf>,
    /// The `Content-Security-Policy` of those pages.
    pub content_security_policy: String,
    /// How often a browser is pinged; two unanswered pings close its WebSocket.
    pub ping_interval: Duration,
    /// The biggest WebSocket message; a bigger one closes its connection with code 1009.
    pub max_message_size: usize,
    /// Messages that may wait for one slow browser; one more closes its connection.
    pub outbox: usize,
    /// The certificate chain for HTTPS and WSS; without one it is HTTP and WS.
    pub tls_certificate: Option<PathBuf>,
    /// Its key.
    pub tls_key: Option<PathBuf>,
    /// Who may read `/metrics`.
    pub metrics: Readers,
}

/// The addresses of the machine. What a section says itself counts more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Listened on instead of any address.
    pub bind_ip: Option<IpAddr>,
    /// Announced to PBXs and browsers, where address translation hides the real one.
    pub external_ip: Option<IpAddr>,
}

/// SIP over UDP, TCP and TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sip {
    /// Where PBXs send requests, by UDP and TCP.
    pub listen: SocketAddr,
    /// The same socket as PBXs reach it. None: found out by asking the system how it would reach the first PBX.
    pub external: Option<SocketAddr>,
    /// The same for PBXs with IPv6.
    pub listen_ipv6: Option<SocketAddr>,
    /// The same socket as PBXs reach it.
    pub external_ipv6: Option<SocketAddr>,
    /// Whether PBXs may connect by TCP.
    pub tcp: bool,
    /// Where PBXs connect by TLS; needs a certificate.
    pub tls_listen: Option<SocketAddr>,
    /// The same for IPv6.
    pub tls_listen_ipv6: Option<SocketAddr>,
    /// Our certificate chain, for those who connect by TLS and for PBXs that ask for one.
    pub tls_certificate: Option<PathBuf>,
    /// Its key.
    pub tls_key: Option<PathBuf>,
    /// The authorities whose certificates are believed; none takes the system's.
    pub tls_ca: Option<PathBuf>,
    /// The authorities of the certificates that PBXs must have to connect by TLS; none asks for no certificate.
    pub tls_client_ca: Option<PathBuf>,
    /// For a connection to be made, and for TLS on it.
    pub connect_timeout: Duration,
    /// A connection without a message for so long is closed.
    pub idle_timeout: Duration,
    /// How long a PBX's address may leave a request unanswered before the next is tried.
    pub failover_timeout: Duration,
    /// DNS servers instead of the system's.
    pub dns_servers: Vec<SocketAddr>,
    /// Which PBX serves which SIP domain.
    pub domains: Vec<Domain>,
    /// `User-Agent` and `Server`.
    pub product: String,
    /// Whether REGISTERs carry a Path to this relay.
    pub path: bool,
    /// Headers of INVITEs that cross between browsers and PBXs.
    pub pass_headers: PassHeaders,
    /// What is done with a 3xx of a PBX.
    pub redirects: Redirects,
}

/// A SIP domain and the PBX that serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// The host part of addresses of record; `*` is any.
    pub name: String,
    /// The PBX's name or address.
    pub host: String,
    /// None leaves it to the DNS.
    pub port: Option<u16>,
    /// None leaves it to the DNS.
    pub transport: Option<Transport>,
}

/// Sockets for audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// Threads; 0 is one for each core.
    pub workers: usize,
    /// The UDP port browsers send to; worker n takes port + n. Port 0 leaves the choice to the system.
    pub web_listen: SocketAddr,
    /// The address to announce to browsers instead.
    pub web_external: Option<IpAddr>,
    /// The address PBXs send RTP to.
    pub trunk_listen: IpAddr,
    /// The address to announce to PBXs instead.
    pub trunk_external: Option<IpAddr>,
    /// The IPv6 address that PBXs send RTP to.
    pub trunk_listen_ipv6: Option<IpAddr>,
    /// The address to announce to PBXs with IPv6 instead.
    pub trunk_external_ipv6: Option<IpAddr>,
    /// The ports for RTP and RTCP towards PBXs, two for each call.
    pub trunk_ports: RangeInclusive<u16>,
    /// The codecs towards PBXs, in the order they are offered.
    pub codecs: Vec<TrunkCodec>,
}

/// How much is taken on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls at once.
    pub calls: usize,
    /// Registered browsers at once.
    pub registrations: usize,
    /// Registered browsers of one account at once.
    pub registrations_per_account: usize,
    /// Subscriptions of browsers at once.
    pub subscriptions: usize,
    /// Subscriptions of one browser at once.
    pub subscriptions_per_browser: usize,
    /// TCP connections at once, WebSockets included.
    pub connections: usize,
    /// Those of one address.
    pub connections_per_address: usize,
    /// Messages of one WebSocket in a minute.
    pub messages_per_minute: usize,
    /// Calls of one address in a minute.
    pub calls_per_minute: usize,
    /// Wrong passwords of one address in five minutes.
    pub wrong_passwords: usize,
    /// Connections with PBXs at once.
    pub sip_connections: usize,
    /// How long a browser may ring before the caller is told 480.
    pub ring_timeout: Duration,
    /// How long an established call waits for a browser whose connection was lost.
    pub call_recovery: Duration,
    /// The longest that a DNS record is believed.
    pub resolve_ttl: Duration,
    /// How long running calls may go on when the relay is told to stop.
    pub drain: Duration,
    /// How long calls may take to end then.
    pub shutdown: Duration,
}

/// Call detail records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// The file they are appended to; none keeps none.
    pub file: Option<PathBuf>,
}

/// Logging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// What is logged, in the form of `tracing_subscriber::EnvFilter`.
    pub filter: String,
    /// How it is written.
    pub format: LogFormat,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The built-in exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demo {
    /// The SIP domain it serves; a name in SIP addresses only, never looked up.
    pub domain: String,
    /// Its UDP port, on loopback.
    pub listen: SocketAddr,
    /// Accounts as `name:password`.
    pub accounts: Vec<String>,
}

impl Default for Web {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            path: "/sip".to_owned(),
            origins: Vec::new(),
            site: None,
            content_security_policy: "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
                style-src 'self' 'unsafe-inline'; img-src 'self' data:; media-src 'self' blob: data:; \
                connect-src 'self' ws: wss:; object-src 'none'; base-uri 'self'; frame-ancestors 'self'"
                .to_owned(),
            ping_interval: Duration::from_secs(25),
            max_message_size: 65_536,
            outbox: 64,
            tls_certificate: None,
            tls_key: None,
            metrics: Readers::Local,
        }
    }
}

impl Default for Sip {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5060)),
            external: None,
            listen_ipv6: None,
            external_ipv6: None,
            tcp: true,
            tls_listen: None,
            tls_listen_ipv6: None,
            tls_certificate: None,
            tls_key: None,
            tls_ca: None,
            tls_client_ca: None,
            connect_timeout: Duration::from_secs(4),
            idle_timeout: Duration::from_secs(600),
            failover_timeout: Duration::from_secs(4),
            dns_servers: Vec::new(),
            domains: Vec::new(),
            product: concat!("switchhook-relay/", env!("CARGO_PKG_VERSION")).to_owned(),
            path: false,
            pass_headers: PassHeaders::default(),
            redirects: Redirects::Pass,
        }
    }
}

impl Default for Media {
    fn default() -> Self {
        Self {
            workers: 0,
            web_listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 9000)),
            web_external: None,
            trunk_listen: Ipv4Addr::UNSPECIFIED.into(),
            trunk_external: None,
            trunk_listen_ipv6: None,
            trunk_external_ipv6: None,
            trunk_ports: 10_000..=19_999,
            codecs: TrunkCodec::AUTOMATIC.to_vec(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls: 2_000,
            registrations: 20_000,
            registrations_per_account: 10,
            subscriptions: 100_000,
            subscriptions_per_browser: 200,
            connections: 25_000,
            connections_per_address: 200,
            messages_per_minute: 1_200,
            calls_per_minute: 60,
            wrong_passwords: 20,
            sip_connections: 1_000,
            ring_timeout: Duration::from_secs(180),
            call_recovery: Duration::from_secs(30),
            resolve_ttl: Duration::from_secs(60),
            drain: Duration::ZERO,
            shutdown: Duration::from_secs(5),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Text }
    }
}

impl Default for Demo {
    fn default() -> Self {
        Self {
            domain: "demo.localhost".to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            accounts: vec!["alice:alice-secret".to_owned(), "bob:bob-secret".to_owned()],
        }
    }
}

impl Config {
    /// Whether the keys make sense together, for a relay in front of a PBX.
    ///
    /// # Errors
    /// The first thing that does not, with its remedy.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.sip.domains.is_empty() && self.trunks.is_empty() {
            return Err(ConfigError::Nonsense {
                key: "sip.domains",
                problem: "is empty: there is no PBX to relay to".to_owned(),
                remedy: "name one with --next-hop pbx.example.com or a [[trunk]] in the file, or start `switchhook-relay demo`".to_owned(),
            });
        }
        self.check_tls()?;
        self.check_families()?;
        self.check_clashes()?;
        self.negotiation.check()?;
        self.check_secrets()?;
        self.check_codecs()?;
        self.check_site()
    }

    /// Whether each secret and key is where the settings say.
    fn check_secrets(&self) -> Result<(), ConfigError> {
        self.trunks.iter().try_for_each(|trunk| crate::sites::credentials(trunk).map(drop))?;
        self.api.key()?;
        self.webhook.key()?;
        crate::sites::Sites::of(self, None).map(drop)
    }

    /// Whether TLS has what it needs.
    fn check_tls(&self) -> Result<(), ConfigError> {
        let (sip, web) = (&self.sip, &self.web);
        let nonsense = |key, problem: &str, remedy: &str| {
            Err(ConfigError::Nonsense { key, problem: problem.to_owned(), remedy: remedy.to_owned() })
        };
        match (&web.tls_certificate, &web.tls_key) {
            (Some(_), None) => return nonsense("web.tls_key", "is missing", "name the key of web.tls_certificate"),
            (None, Some(_)) => {
                return nonsense("web.tls_certificate", "is missing", "name the certificate of web.tls_key");
            }
            _ => {}
        }
        let listens = sip.tls_listen.is_some() || sip.tls_listen_ipv6.is_some();
        match (&sip.tls_certificate, &sip.tls_key) {
            (None, None) if listens => nonsense(
                "sip.tls_listen",
                "is set, but there is no certificate",
                "name one with sip.tls_certificate and its key with sip.tls_key, or leave sip.tls_listen out",
            ),
            (Some(_), None) => nonsense("sip.tls_key", "is missing", "name the key of sip.tls_certificate"),
            (None, Some(_)) => nonsense("sip.tls_certificate", "is missing", "name the certificate of sip.tls_key"),
            _ => self.check_files(),
        }
    }

    fn check_files(&self) -> Result<(), ConfigError> {
        let sip = &self.sip;
        let own = [
            ("web.tls_certificate", &self.web.tls_certificate),
            ("web.tls_key", &self.web.tls_key),
            ("sip.tls_certificate", &sip.tls_certificate),
            ("sip.tls_key", &sip.tls_key),
            ("sip.tls_ca", &sip.tls_ca),
            ("sip.tls_client_ca", &sip.tls_client_ca),
            ("webhook.ca", &self.webhook.ca),
        ];
        let of_trunks = self.trunks.iter().map(|trunk| ("trunk.ca", &trunk.ca));
        let missing = |(_, file): &(&str, &Option<PathBuf>)| file.as_ref().is_some_and(|file| !file.is_file());
        match own.into_iter().chain(of_trunks).find(missing) {
            Some((key, Some(file))) => Err(ConfigError::Nonsense {
                key,
                problem: format!("is {}, which is not a file", file.display()),
                remedy: "name a file in PEM form that the relay may read".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Whether addresses stand where their family belongs.
    fn check_families(&self) -> Result<(), ConfigError> {
        let v6 = [
            ("sip.listen_ipv6", self.sip.listen_ipv6.map(|address| address.ip())),
            ("sip.external_ipv6", self.sip.external_ipv6.map(|address| address.ip())),
            ("sip.tls_listen_ipv6", self.sip.tls_listen_ipv6.map(|address| address.ip())),
            ("media.trunk_listen_ipv6", self.media.trunk_listen_ipv6),
            ("media.trunk_external_ipv6", self.media.trunk_external_ipv6),
        ];
        match v6.into_iter().find(|(_, ip)| ip.is_some_and(|ip| ip.is_ipv4())) {
            Some((key, Some(ip))) => Err(ConfigError::Nonsense {
                key,
                problem: format!("is {ip}, which is an IPv4 address"),
                remedy: "give an IPv6 address here; IPv4 addresses go into the key without _ipv6".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// The same for a demo, which brings its own PBX.
    ///
    /// # Errors
    /// The first thing that makes no sense, with its remedy.
    pub fn check_demo(&self) -> Result<(), ConfigError> {
        self.check_clashes()?;
        self.check_site()
    }

    /// Whether the pages are there.
    ///
    /// # Errors
    /// `web.site` is not a directory.
    pub fn check_site(&self) -> Result<(), ConfigError> {
        match &self.web.site {
            Some(site) if !site.is_dir() => Err(ConfigError::Nonsense {
                key: "web.site",
                problem: format!("is {}, which is not a directory", site.display()),
                remedy: "name the directory that has index.html in it, or leave the key out".to_owned(),
            }),
            _ => Ok(()),
        }
    }
}
