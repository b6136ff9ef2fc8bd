//! `[[trunk]]`: a PBX with several gateways, or with wishes of its own. One table of keys, as for everything else.

use super::codecs;
use super::error::{ConfigError, Place};
use super::secret::SecretSource;
use super::site::Site;
use super::table::{Table, TableKey, incomplete, key};
use super::value::{FromValue, Value, host_port, put, put_within};
use relay_core::b2bua::Srtp;
use sip_core::Transport;
use std::path::PathBuf;
use std::time::Duration;

/// One PBX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trunk {
    /// For logs and `/healthz`.
    pub name: String,
    /// The SIP domains that it serves; `*` is any.
    pub domains: Vec<String>,
    /// Its gateways.
    pub hosts: Vec<Host>,
    /// How often each gateway is asked by OPTIONS whether it is there; nothing never asks.
    pub probe: Duration,
    /// Failures in a row after which a gateway is down.
    pub failures: usize,
    /// Answered probes in a row after which it is up again.
    pub recoveries: usize,
    /// TLS: the name in the certificate, where it is not that of the host.
    pub server_name: Option<String>,
    /// TLS: authorities instead of `sip.tls_ca`.
    pub ca: Option<PathBuf>,
    /// TLS: whether `*.example.com` is a name.
    pub wildcards: bool,
    /// TLS: whether any certificate is believed.
    pub insecure: bool,
    /// Whom the PBX knows the relay as, in calls with tokens.
    pub username: Option<String>,
    /// The realm that the password is for.
    pub realm: Option<String>,
    /// The password.
    pub password: SecretSource,
    /// The names of the codecs to be spoken, the preferred first; empty leaves it to `media.codecs`.
    pub codecs: Vec<String>,
    /// Whether RTP is encrypted by keys in the descriptions.
    pub srtp: Srtp,
}

/// A gateway of a trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// A name or an address.
    pub host: String,
    /// None leaves it to the DNS.
    pub port: Option<u16>,
    /// None leaves it to the DNS.
    pub transport: Option<Transport>,
    /// Lower ones are used first.
    pub priority: u16,
    /// Among equals, how often.
    pub weight: u16,
}

impl Default for Trunk {
    fn default() -> Self {
        Self {
            name: String::new(),
            domains: Vec::new(),
            hosts: Vec::new(),
            probe: Duration::from_secs(30),
            failures: 3,
            recoveries: 2,
            server_name: None,
            ca: None,
            wildcards: false,
            insecure: false,
            username: None,
            realm: None,
            password: SecretSource::default(),
            codecs: Vec::new(),
            srtp: Srtp::Off,
        }
    }
}

impl Table for Trunk {
    const NAME: &'static str = "trunk";
    const KEYS: &'static [TableKey<Self>] = TRUNK_KEYS;
}

const YES_OR_NO: &str = "true or false";

/// Every key of a `[[trunk]]`.
#[rustfmt::skip]
pub const TRUNK_KEYS: &[TableKey<Trunk>] = &[
    key("trunk.name", "a short text, such as \"office\"", |t, v| put(&mut t.name, v) && !t.name.is_empty()),
    key("trunk.domains", "a list of SIP domains, such as [\"example.com\"], \"*\" being any", |t, v| put(&mut t.domains, v)),
    key("trunk.hosts", "a list of \"host:port\" with ;transport=udp, tcp or tls, ;priority= and ;weight= where wanted, such as [\"pbx.example.com;transport=tls\"]", |t, v| put(&mut t.hosts, v)),
    key("trunk.probe", "a time with its unit, such as \"30s\", or \"0s\" to ask nobody", |t, v| put(&mut t.probe, v)),
    key("trunk.failures", "a whole number from 1 to 100", |t, v| put_within(&mut t.failures, 1..=100, v)),
    key("trunk.recoveries", "a whole number from 1 to 100", |t, v| put_within(&mut t.recoveries, 1..=100, v)),
    key("trunk.server_name", "a domain name, or \"\" for that of the host", |t, v| put(&mut t.server_name, v)),
    key("trunk.ca", "a file with certificates in PEM form, or \"\" for sip.tls_ca", |t, v| put(&mut t.ca, v)),
    key("trunk.wildcards", YES_OR_NO, |t, v| put(&mut t.wildcards, v)),
    key("trunk.insecure", YES_OR_NO, |t, v| put(&mut t.insecure, v)),
    key("trunk.username", "the name that the PBX knows the relay by, or \"\"", |t, v| put(&mut t.username, v)),
    key("trunk.realm", "the realm that its challenges name, such as \"example.com\", or \"\"", |t, v| put(&mut t.realm, v)),
    key("trunk.password_file", "a file with the password in it, or \"\"", |t, v| put(&mut t.password.file, v)),
    key("trunk.password_env", "the name of an environment variable with the password, or \"\"", |t, v| put(&mut t.password.env, v)),
    key("trunk.codecs", "a list of codecs, the preferred first, such as [\"PCMA\", \"G722\"], or [] for media.codecs", |t, v| put(&mut t.codecs, v)),
    key("trunk.srtp", "\"off\", \"optional\" or \"required\"", |t, v| put(&mut t.srtp, v)),
];

/// What is wrong with a trunk as a whole, beside those before it. One that only sites call through needs no domain.
pub(super) fn check(trunk: &Trunk, before: &[Trunk], sites: &[Site], place: &Place) -> Result<(), ConfigError> {
    let wrong = |key, problem: String, remedy: &str| Err(incomplete(place, key, problem, remedy));
    if trunk.name.is_empty() {
        return wrong("trunk.name", "is missing".to_owned(), "give the trunk a name: name = \"office\"");
    }
    if trunk.hosts.is_empty() {
        return wrong("trunk.hosts", "is missing".to_owned(), "say where the PBX is: hosts = [\"pbx.example.com\"]");
    }
    if trunk.domains.is_empty() && !sites.iter().any(|site| site.trunk == trunk.name) {
        let remedy = "say which SIP domains it serves: domains = [\"*\"] for all";
        return wrong("trunk.domains", "is missing".to_owned(), remedy);
    }
    if before.iter().any(|other| other.name == trunk.name) {
        return wrong("trunk.name", format!("is {:?} for a second time", trunk.name), "give each trunk its own name");
    }
    let taken = trunk.domains.iter().find(|domain| before.iter().any(|other| other.domains.contains(domain)));
    if let Some(domain) = taken {
        let problem = format!("has {domain:?}, which an earlier trunk serves");
        return wrong("trunk.domains", problem, "name each domain once; several hosts can share one trunk");
    }
    codecs::check(trunk, place)?;
    check_credentials(trunk, place)
}

/// A name, its password and its realm belong together: what is answered to any realm is answered to anybody.
fn check_credentials(trunk: &Trunk, place: &Place) -> Result<(), ConfigError> {
    let missing = |key, remedy: &str| Err(incomplete(place, key, "is missing", remedy));
    match (&trunk.username, &trunk.realm, trunk.password.is_named()) {
        (None, None, false) | (Some(_), Some(_), true) => Ok(()),
        (None, ..) => missing("trunk.username", "say whose the password is"),
        (Some(_), _, false) => missing("trunk.password_file", "name the file with the password, or trunk.password_env"),
        (Some(_), None, true) => missing("trunk.realm", "say which realm the password is for; the PBX's 401 names it"),
    }
}

impl FromValue for Vec<Host> {
    fn from_value(value: &Value) -> Option<Self> {
        value.list()?.into_iter().map(host).collect()
    }
}

/// `pbx.example.com:5061;transport=tls;priority=1;weight=10`.
fn host(text: &str) -> Option<Host> {
    let mut parts = text.split(';').map(str::trim);
    let (host, port) = host_port(parts.next()?)?;
    let mut found = Host { host, port, transport: None, priority: 0, weight: 1 };
    for part in parts {
        let (name, value) = part.split_once('=')?;
        match name.trim() {
            "transport" => found.transport = Some(transport(value.trim())?),
            "priority" => found.priority = value.trim().parse().ok()?,
            "weight" => found.weight = value.trim().parse().ok()?,
            _ => return None,
        }
    }
    Some(found)
}

pub(super) fn transport(name: &str) -> Option<Transport> {
    match name.to_ascii_lowercase().as_str() {
        "udp" => Some(Transport::Udp),
        "tcp" => Some(Transport::Tcp),
        "tls" => Some(Transport::Tls),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_ports_transports_and_ranks_or_leave_them_out() {
        let plain = |host: &str, port| Host { host: host.into(), port, transport: None, priority: 0, weight: 1 };
        assert_eq!(host("pbx.example.com"), Some(plain("pbx.example.com", None)));
        assert_eq!(host("[2001:db8::7]:5080"), Some(plain("2001:db8::7", Some(5080))));
        let full = Host { transport: Some(Transport::Tls), priority: 2, weight: 10, ..plain("pbx", Some(5061)) };
        assert_eq!(host("pbx:5061; transport=TLS;priority=2;weight=10"), Some(full));
        for wrong in ["", "pbx;", "pbx;transport=sctp", "pbx;weight=-1", "pbx;colour=red", "sip:pbx", "pbx:0"] {
            assert_eq!(host(wrong), None, "{wrong}");
        }
    }
}
