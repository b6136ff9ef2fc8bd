//! The table of keys: one row for each, the same for file, environment and flags.

use super::Config;
use super::codecs::put_codecs;
use super::value::{Value, put, put_some_time, put_within};

/// One setting.
#[derive(Clone, Copy)]
pub struct Key {
    /// Its section and name: `web.listen`.
    pub name: &'static str,
    /// What its value is, for people, with an example.
    pub expects: &'static str,
    pub(super) set: fn(&mut Config, &Value) -> bool,
}

impl Key {
    /// The environment variable of this key: `SWITCHHOOK_WEB_LISTEN`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.replace('.', "_").to_ascii_uppercase())
    }
}

/// What each of our environment variables begins with.
pub const PREFIX: &str = "SWITCHHOOK_";

const ADDRESS: &str = "an IP address with a port, such as \"0.0.0.0:5060\"";
const ADDRESS_OR_NONE: &str = "an IP address with a port, such as \"198.51.100.7:5060\", or \"\"";
const IP: &str = "an IP address, such as \"0.0.0.0\"";
const IP_OR_NONE: &str = "an IP address, such as \"198.51.100.7\", or \"\"";
const COUNT: &str = "a whole number from 1 to 1000000";
const YES_OR_NO: &str = "true or false";
const FILE: &str = "a file in PEM form, such as \"/etc/switchhook/cert.pem\", or \"\"";
const ADDRESS6_OR_NONE: &str = "an IPv6 address with a port, such as \"[::]:5060\", or \"\"";
const IP6_OR_NONE: &str = "an IPv6 address, such as \"::\", or \"\"";
const TIME: &str = "a time with its unit, such as \"25s\", \"500ms\" or \"3m\", and more than nothing";

const TIME_OR_NONE: &str = "a time with its unit, such as \"30m\" or \"1800s\", or \"0s\" for none";
const RELIABILITY: &str = "\"none\", \"supported\" or \"required\"";
const REFRESHER: &str = "\"relay\", \"peer\" or \"any\"";

/// Every key there is, in the order of `relay.example.toml`.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key("web.listen", ADDRESS, |c, v| put(&mut c.web.listen, v)),
    key("web.path", "a path that begins with a slash, such as \"/sip\"", put_path),
    key("web.origins", "a list of origins, such as [\"https://www.example.com\"], of \"localhost\", \"none\" or \"*\"", put_origins),
    key("web.site", "a directory, or \"\"", |c, v| put(&mut c.web.site, v)),
    key("web.content_security_policy", "the header's value, or \"\" to send none", put_policy),
    key("web.ping_interval", TIME, |c, v| put_some_time(&mut c.web.ping_interval, v)),
    key("web.max_message_size", "a number of bytes from 4096 to 1048576", |c, v| put_within(&mut c.web.max_message_size, 4_096..=1_048_576, v)),
    key("web.outbox", "a number of messages from 8 to 10000", |c, v| put_within(&mut c.web.outbox, 8..=10_000, v)),
    key("web.tls_certificate", FILE, |c, v| put(&mut c.web.tls_certificate, v)),
    key("web.tls_key", FILE, |c, v| put(&mut c.web.tls_key, v)),
    key("web.metrics", "\"local\", \"all\" or \"none\"", |c, v| put(&mut c.web.metrics, v)),
    key("network.bind_ip", IP_OR_NONE, |c, v| put(&mut c.network.bind_ip, v)),
    key("network.external_ip", IP_OR_NONE, |c, v| put(&mut c.network.external_ip, v)),
    key("sip.listen", ADDRESS, |c, v| put(&mut c.sip.listen, v)),
    key("sip.external", ADDRESS_OR_NONE, |c, v| put(&mut c.sip.external, v)),
    key("sip.listen_ipv6", ADDRESS6_OR_NONE, |c, v| put(&mut c.sip.listen_ipv6, v)),
    key("sip.external_ipv6", ADDRESS6_OR_NONE, |c, v| put(&mut c.sip.external_ipv6, v)),
    key("sip.tcp", YES_OR_NO, |c, v| put(&mut c.sip.tcp, v)),
    key("sip.tls_listen", ADDRESS_OR_NONE, |c, v| put(&mut c.sip.tls_listen, v)),
    key("sip.tls_listen_ipv6", ADDRESS6_OR_NONE, |c, v| put(&mut c.sip.tls_listen_ipv6, v)),
    key("sip.tls_certificate", FILE, |c, v| put(&mut c.sip.tls_certificate, v)),
    key("sip.tls_key", FILE, |c, v| put(&mut c.sip.tls_key, v)),
    key("sip.tls_ca", FILE, |c, v| put(&mut c.sip.tls_ca, v)),
    key("sip.tls_client_ca", FILE, |c, v| put(&mut c.sip.tls_client_ca, v)),
    key("sip.connect_timeout", TIME, |c, v| put_some_time(&mut c.sip.connect_timeout, v)),
    key("sip.idle_timeout", TIME, |c, v| put_some_time(&mut c.sip.idle_timeout, v)),
    key("sip.failover_timeout", TIME, |c, v| put_some_time(&mut c.sip.failover_timeout, v)),
    key("sip.dns_servers", "a list of addresses with ports, such as [\"192.0.2.53:53\"]", |c, v| put(&mut c.sip.dns_servers, v)),
    key("sip.domains", "a list of \"domain = host:port\", such as [\"example.com = pbx.example.com:5060\"], \"*\" being any domain", |c, v| put(&mut c.sip.domains, v)),
    key("sip.product", "the text of User-Agent and Server, or \"\" to send none", put_product),
    key("sip.path", "\"add\" or \"\"", put_path_header),
    key("sip.pass_headers", "a list of header names that mean nothing to SIP itself, such as [\"X-*\", \"Subject\"]", |c, v| put(&mut c.sip.pass_headers, v)),
    key("sip.redirects", "\"pass\" or \"follow\"", |c, v| put(&mut c.sip.redirects, v)),
    key("media.workers", "a whole number from 0 (one thread for each core) to 256", |c, v| put_within(&mut c.media.workers, 0..=256, v)),
    key("media.web_listen", ADDRESS, |c, v| put(&mut c.media.web_listen, v)),
    key("media.web_external", IP_OR_NONE, |c, v| put(&mut c.media.web_external, v)),
    key("media.trunk_listen", IP, |c, v| put(&mut c.media.trunk_listen, v)),
    key("media.trunk_external", IP_OR_NONE, |c, v| put(&mut c.media.trunk_external, v)),
    key("media.trunk_listen_ipv6", IP6_OR_NONE, |c, v| put(&mut c.media.trunk_listen_ipv6, v)),
    key("media.trunk_external_ipv6", IP6_OR_NONE, |c, v| put(&mut c.media.trunk_external_ipv6, v)),
    key("media.trunk_ports", "the first and the last port, such as \"10000-19999\"", |c, v| put(&mut c.media.trunk_ports, v)),
    key("media.codecs", "a list of codecs, each once: \"PCMU\", \"PCMA\", \"G722\", \"G729\", \"speex/16000\", \"speex/8000\", \"opus\"", put_codecs),
    key("negotiation.web_100rel", RELIABILITY, |c, v| put(&mut c.negotiation.web.reliability, v)),
    key("negotiation.trunk_100rel", RELIABILITY, |c, v| put(&mut c.negotiation.trunk.reliability, v)),
    key("negotiation.web_session_expires", TIME_OR_NONE, |c, v| put(&mut c.negotiation.web.session_expires, v)),
    key("negotiation.trunk_session_expires", TIME_OR_NONE, |c, v| put(&mut c.negotiation.trunk.session_expires, v)),
    key("negotiation.web_session_minimum", TIME, |c, v| put_some_time(&mut c.negotiation.web.session_minimum, v)),
    key("negotiation.trunk_session_minimum", TIME, |c, v| put_some_time(&mut c.negotiation.trunk.session_minimum, v)),
    key("negotiation.web_session_refresher", REFRESHER, |c, v| put(&mut c.negotiation.web.refresher, v)),
    key("negotiation.trunk_session_refresher", REFRESHER, |c, v| put(&mut c.negotiation.trunk.refresher, v)),
    key("negotiation.short_intervals", "\"refused\", or \"allowed\" in tests", |c, v| put(&mut c.negotiation.short_intervals, v)),
    key("limits.calls", COUNT, |c, v| put_within(&mut c.limits.calls, 1..=1_000_000, v)),
    key("limits.registrations", COUNT, |c, v| put_within(&mut c.limits.registrations, 1..=1_000_000, v)),
    key("limits.registrations_per_account", COUNT, |c, v| put_within(&mut c.limits.registrations_per_account, 1..=1_000_000, v)),
    key("limits.subscriptions", COUNT, |c, v| put_within(&mut c.limits.subscriptions, 1..=1_000_000, v)),
    key("limits.subscriptions_per_browser", COUNT, |c, v| put_within(&mut c.limits.subscriptions_per_browser, 1..=1_000_000, v)),
    key("limits.connections", COUNT, |c, v| put_within(&mut c.limits.connections, 1..=1_000_000, v)),
    key("limits.connections_per_address", COUNT, |c, v| put_within(&mut c.limits.connections_per_address, 1..=1_000_000, v)),
    key("limits.messages_per_minute", COUNT, |c, v| put_within(&mut c.limits.messages_per_minute, 1..=1_000_000, v)),
    key("limits.calls_per_minute", COUNT, |c, v| put_within(&mut c.limits.calls_per_minute, 1..=1_000_000, v)),
    key("limits.wrong_passwords", COUNT, |c, v| put_within(&mut c.limits.wrong_passwords, 1..=1_000_000, v)),
    key("limits.sip_connections", COUNT, |c, v| put_within(&mut c.limits.sip_connections, 1..=1_000_000, v)),
    key("limits.ring_timeout", TIME, |c, v| put_some_time(&mut c.limits.ring_timeout, v)),
    key("limits.call_recovery", TIME, |c, v| put_some_time(&mut c.limits.call_recovery, v)),
    key("limits.resolve_ttl", TIME, |c, v| put_some_time(&mut c.limits.resolve_ttl, v)),
    key("limits.drain", TIME_OR_NONE, |c, v| put(&mut c.limits.drain, v)),
    key("limits.shutdown", TIME, |c, v| put_some_time(&mut c.limits.shutdown, v)),
    key("tokens.lifetime", TIME, |c, v| put_some_time(&mut c.tokens.lifetime, v)),
    key("tokens.max_lifetime", TIME, |c, v| put_some_time(&mut c.tokens.max_lifetime, v)),
    key("tokens.leeway", TIME_OR_NONE, |c, v| put(&mut c.tokens.leeway, v)),
    key("tokens.denied", "a list of numbers and patterns with stars, such as [\"112\", \"+1900*\"]", put_denied),
    key("tokens.per_address", "a whole number from 1 to 1000000", |c, v| put_within(&mut c.tokens.per_address, 1..=1_000_000, v)),
    key("tokens.key_file", "a file with a secret of 32 bytes or more, or \"\"", |c, v| put(&mut c.tokens.key.file, v)),
    key("tokens.key_env", "the name of an environment variable with the same, or \"\"", |c, v| put(&mut c.tokens.key.env, v)),
    key("webhook.url", "an address with http or https, such as \"https://www.example.com/call\", or \"\"", put_url),
    key("webhook.secret_file", "a file with a secret in it, or \"\"", |c, v| put(&mut c.webhook.secret.file, v)),
    key("webhook.secret_env", "the name of an environment variable with the same, or \"\"", |c, v| put(&mut c.webhook.secret.env, v)),
    key("webhook.ca", FILE, |c, v| put(&mut c.webhook.ca, v)),
    key("webhook.timeout", TIME, |c, v| put_some_time(&mut c.webhook.timeout, v)),
    key("webhook.on_failure", "\"deny\" or \"allow\"", |c, v| put(&mut c.webhook.on_failure, v)),
    key("webhook.max_pending", "a whole number from 1 to 10000", |c, v| put_within(&mut c.webhook.max_pending, 1..=10_000, v)),
    key("api.secret_file", "a file with a secret of 16 letters or more, or \"\"", |c, v| put(&mut c.api.secret.file, v)),
    key("api.secret_env", "the name of an environment variable with the same, or \"\"", |c, v| put(&mut c.api.secret.env, v)),
    key("api.requests_per_minute", COUNT, |c, v| put_within(&mut c.api.requests_per_minute, 1..=1_000_000, v)),
    key("log.filter", "levels for parts of the program, such as \"info\" or \"relay_core=debug,info\"", put_filter),
    key("log.format", "\"text\" or \"json\"", |c, v| put(&mut c.log.format, v)),
    key("records.file", "a file, such as \"/var/log/switchhook/calls.jsonl\", or \"\"", |c, v| put(&mut c.records.file, v)),
    key("demo.domain", "a domain name, such as \"demo.localhost\"", put_domain),
    key("demo.listen", ADDRESS, |c, v| put(&mut c.demo.listen, v)),
    key("demo.accounts", "a list of \"name:password\"", put_accounts),
];

const fn key(name: &'static str, expects: &'static str, set: fn(&mut Config, &Value) -> bool) -> Key {
    Key { name, expects, set }
}

/// The key of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The key that was probably meant: at most two letters away, or the same name in another section.
#[must_use]
pub fn nearest(name: &str) -> Option<&'static str> {
    let last = |name: &str| name.rsplit('.').next().map(str::to_owned);
    let same_name = KEYS.iter().find(|key| last(key.name) == last(name));
    let by_distance = KEYS.iter().map(|key| (distance(key.name, name), key)).min_by_key(|(distance, _)| *distance);
    let close = by_distance.filter(|(distance, _)| *distance <= 2).map(|(_, key)| key);
    close.or(same_name).map(|key| key.name)
}

/// How many letters must be put in, taken out or changed (Levenshtein).
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((to, above_left), above) in b.iter().zip(&row).zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or_default();
            next.push((above_left + usize::from(from != *to)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

fn put_path(config: &mut Config, value: &Value) -> bool {
    let mut path = String::new();
    let is_free = |path: &str| !RESERVED_PATHS.contains(&path) && !path.starts_with("/api/");
    let is_path = |path: &str| path.len() > 1 && path.starts_with('/') && !path.contains(PATH_SYNTAX);
    let fits = put(&mut path, value) && is_path(&path) && is_free(&path);
    if fits {
        config.web.path = path;
    }
    fits
}

/// Paths that the relay answers itself, beside those below `/api/`.
const RESERVED_PATHS: [&str; 4] = ["/healthz", "/readyz", "/metrics", "/demo.json"];
/// What would make a pattern of a path, or end it.
const PATH_SYNTAX: [char; 7] = ['{', '}', ':', '*', '?', '#', ' '];

fn put_path_header(config: &mut Config, value: &Value) -> bool {
    let mut word = String::new();
    let fits = put(&mut word, value) && matches!(word.as_str(), "add" | "");
    if fits {
        config.sip.path = !word.is_empty();
    }
    fits
}

fn put_origins(config: &mut Config, value: &Value) -> bool {
    let mut origins: Vec<String> = Vec::new();
    let fits = put(&mut origins, value) && origins.iter().all(|rule| crate::origin::is_rule(rule));
    if fits {
        config.web.origins = origins;
    }
    fits
}

fn put_policy(config: &mut Config, value: &Value) -> bool {
    put_line(&mut config.web.content_security_policy, value)
}

fn put_url(config: &mut Config, value: &Value) -> bool {
    let mut url: Option<String> = None;
    let fits = put(&mut url, value) && url.iter().all(|url| crate::http_client::Target::parse(url).is_some());
    fits.then(|| config.webhook.url = url).is_some()
}

fn put_product(config: &mut Config, value: &Value) -> bool {
    put_line(&mut config.sip.product, value)
}

/// A text that may stand in a header.
fn put_line(place: &mut String, value: &Value) -> bool {
    let mut text = String::new();
    let fits = put(&mut text, value) && text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if fits {
        *place = text;
    }
    fits
}

fn put_denied(config: &mut Config, value: &Value) -> bool {
    let mut denied: Vec<String> = Vec::new();
    let is_pattern = |text: &String| relay_core::admission::Pattern::parse(text).is_some();
    let fits = put(&mut denied, value) && denied.iter().all(is_pattern);
    fits.then(|| config.tokens.denied = denied).is_some()
}

fn put_filter(config: &mut Config, value: &Value) -> bool {
    let mut filter = String::new();
    let fits = put(&mut filter, value)
        && filter.split(',').all(is_level)
        && filter.parse::<tracing_subscriber::EnvFilter>().is_ok();
    if fits {
        config.log.filter = filter;
    }
    fits
}

fn put_domain(config: &mut Config, value: &Value) -> bool {
    let mut domain = String::new();
    let fits = put(&mut domain, value) && is_word(&domain);
    if fits {
        config.demo.domain = domain;
    }
    fits
}

/// What needs no escapes in a SIP address.
fn is_word(text: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '_');
    !text.is_empty() && text.chars().all(is_plain)
}

/// A level, or one for a part. A misspelt level alone would be taken for a part, and all else would be silent.
fn is_level(directive: &str) -> bool {
    let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level).trim();
    ["off", "error", "warn", "info", "debug", "trace"].iter().any(|known| known.eq_ignore_ascii_case(level))
}

fn put_accounts(config: &mut Config, value: &Value) -> bool {
    let mut accounts: Vec<String> = Vec::new();
    let is_account =
        |account: &String| matches!(account.split_once(':'), Some((name, word)) if is_word(name) && !word.is_empty());
    let fits = put(&mut accounts, value) && accounts.iter().all(is_account);
    if fits {
        config.demo.accounts = accounts;
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_has_a_neighbour() {
        assert_eq!(nearest("web.listn"), Some("web.listen"));
        assert_eq!(nearest("limits.call"), Some("limits.calls"));
        assert_eq!(nearest("web.external"), Some("sip.external"));
        assert_eq!(nearest("colour"), None);
    }

    #[test]
    fn no_two_keys_share_a_variable() {
        let mut variables: Vec<String> = KEYS.iter().map(Key::variable).collect();
        variables.sort();
        variables.dedup();

        assert_eq!(variables.len(), KEYS.len());
    }
}
