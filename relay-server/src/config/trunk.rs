//! `[[trunk]]`: a PBX with several gateways, or with wishes of its own. One table of keys, as for everything else.

use super::error::{ConfigError, Place};
use super::value::{FromValue, Value, host_port, put, put_within};
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
        }
    }
}

/// One setting of a trunk.
#[derive(Clone, Copy)]
pub struct TrunkKey {
    /// Its name, with `trunk.` before it.
    pub name: &'static str,
    /// What its value is, with an example.
    pub expects: &'static str,
    pub(super) set: fn(&mut Trunk, &Value) -> bool,
}

const YES_OR_NO: &str = "true or false";

/// Every key of a `[[trunk]]`.
#[rustfmt::skip]
pub const TRUNK_KEYS: &[TrunkKey] = &[
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
];

const fn key(name: &'static str, expects: &'static str, set: fn(&mut Trunk, &Value) -> bool) -> TrunkKey {
    TrunkKey { name, expects, set }
}

/// Puts one row of a `[[trunk]]` into its place.
pub(super) fn lay(trunk: &mut Trunk, name: &str, value: &Value, place: impl Fn() -> Place) -> Result<(), ConfigError> {
    let full = format!("trunk.{name}");
    let Some(key) = TRUNK_KEYS.iter().find(|key| key.name == full) else {
        let nearest = TRUNK_KEYS.iter().min_by_key(|key| super::keys::distance(key.name, &full));
        let nearest = nearest.filter(|key| super::keys::distance(key.name, &full) <= 2).map(|key| key.name);
        return Err(ConfigError::UnknownKey { place: place(), key: full, nearest });
    };
    if (key.set)(trunk, value) {
        return Ok(());
    }
    Err(ConfigError::WrongValue { place: place(), key: key.name, found: value.to_string(), expects: key.expects })
}

/// What is wrong with a trunk as a whole, beside those before it.
pub(super) fn check(trunk: &Trunk, before: &[Trunk], place: &Place) -> Result<(), ConfigError> {
    let wrong = |key, problem: String, remedy: &str| {
        Err(ConfigError::Incomplete { place: place.clone(), key, problem, remedy: remedy.to_owned() })
    };
    if trunk.name.is_empty() {
        return wrong("trunk.name", "is missing".to_owned(), "give the trunk a name: name = \"office\"");
    }
    if trunk.hosts.is_empty() {
        return wrong("trunk.hosts", "is missing".to_owned(), "say where the PBX is: hosts = [\"pbx.example.com\"]");
    }
    if trunk.domains.is_empty() {
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
    Ok(())
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
