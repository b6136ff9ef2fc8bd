//! A setting before it has a type, and the types a setting can have.

use super::{Domain, LogFormat, Readers, ShortIntervals, Wish};
use relay_core::b2bua::{PassHeaders, Redirects, Srtp};
use sip_core::agent::Reliability;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// What stands behind a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// From the environment or a flag, which have no types: lists are separated by commas.
    Word(String),
    /// A TOML string.
    Text(String),
    /// A TOML integer.
    Integer(i64),
    /// A TOML boolean.
    Boolean(bool),
    /// A TOML array of strings.
    List(Vec<String>),
    /// Any other TOML value: its type's name. No key has one.
    Other(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(text) | Self::Text(text) => write!(f, "{text:?}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::List(items) => write!(f, "{items:?}"),
            Self::Other(kind) => write!(f, "a {kind}"),
        }
    }
}

impl Value {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Word(text) | Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn list(&self) -> Option<Vec<&str>> {
        match self {
            Self::Word(text) if text.trim().is_empty() => Some(Vec::new()),
            Self::Word(text) => Some(text.split(',').map(str::trim).collect()),
            Self::List(items) => Some(items.iter().map(String::as_str).collect()),
            _ => None,
        }
    }
}

/// A type that a key can have.
pub(super) trait FromValue: Sized {
    /// None where the value is of another type or out of range.
    fn from_value(value: &Value) -> Option<Self>;
}

/// Puts the value in its place, or says that it does not fit.
pub(super) fn put<T: FromValue>(place: &mut T, value: &Value) -> bool {
    T::from_value(value).map(|value| *place = value).is_some()
}

/// The same for a number with bounds.
pub(super) fn put_within(place: &mut usize, range: RangeInclusive<usize>, value: &Value) -> bool {
    usize::from_value(value).filter(|number| range.contains(number)).map(|number| *place = number).is_some()
}

/// The same for a duration that must not be nothing.
pub(super) fn put_some_time(place: &mut Duration, value: &Value) -> bool {
    Duration::from_value(value).filter(|time| !time.is_zero()).map(|time| *place = time).is_some()
}

impl FromValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        value.text().map(str::to_owned)
    }
}

impl FromValue for usize {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Word(text) => text.parse().ok(),
            Value::Integer(number) => Self::try_from(*number).ok(),
            _ => None,
        }
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Boolean(value) => Some(*value),
            Value::Word(text) => text.parse().ok(),
            _ => None,
        }
    }
}

impl FromValue for Vec<SocketAddr> {
    fn from_value(value: &Value) -> Option<Self> {
        value.list()?.into_iter().map(|text| text.parse().ok()).collect()
    }
}

impl FromValue for SocketAddr {
    fn from_value(value: &Value) -> Option<Self> {
        value.text()?.parse().ok()
    }
}

impl FromValue for IpAddr {
    fn from_value(value: &Value) -> Option<Self> {
        value.text()?.parse().ok()
    }
}

impl FromValue for PathBuf {
    fn from_value(value: &Value) -> Option<Self> {
        value.text().map(Self::from)
    }
}

impl FromValue for Vec<String> {
    fn from_value(value: &Value) -> Option<Self> {
        Some(value.list()?.into_iter().map(str::to_owned).collect())
    }
}

/// An empty text is none: TOML has no null, and an environment variable cannot be taken back.
impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        match value.text() {
            Some("") => Some(None),
            _ => T::from_value(value).map(Some),
        }
    }
}

impl FromValue for PassHeaders {
    fn from_value(value: &Value) -> Option<Self> {
        Self::new(&Vec::from_value(value)?).ok()
    }
}

impl FromValue for Redirects {
    fn from_value(value: &Value) -> Option<Self> {
        match value.text()? {
            "pass" => Some(Self::Pass),
            "follow" => Some(Self::Follow),
            _ => None,
        }
    }
}

impl FromValue for Reliability {
    fn from_value(value: &Value) -> Option<Self> {
        match value.text()? {
            "none" => Some(Self::None),
            "supported" => Some(Self::Supported),
            "required" => Some(Self::Required),
            _ => None,
        }
    }
}

impl FromValue for Readers {
    fn from_value(value: &Value) -> Option<Self> {
        match value.text()? {
            "local" => Some(Self::Local),
            "all" => Some(Self::All),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}

impl FromValue for Wish {
    fn from_value(value: &Value) -> Option<Self> {
        match value.text()? {
            "any" => Some(Self::Any),
            "relay" => Some(Self::Relay),
            "peer" => Some(Self::Peer),
            _ => None,
        }
    }
}

impl FromValue for Srtp {
    fn from_value(value: &Value) -> Option<Self> {
        match value.text()? {
            "off" => Some(Self::Off),
            "optional" => Some(Self::Optional),
            "required" => Some(Self::Required),
            _ => None,
        }
    }
}

impl FromValue for ShortIntervals {
    fn from_value(value: &Value) -> Option<Self> {
        match value.text()? {
            "refused" => Some(Self::Refused),
            "allowed" => Some(Self::Allowed),
            _ => None,
        }
    }
}

/// `25s`, `500ms`, `3m`, `1h`.
impl FromValue for Duration {
    fn from_value(value: &Value) -> Option<Self> {
        let text = value.text()?;
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        let millis = match unit {
            "ms" => number,
            "s" => number.checked_mul(1_000)?,
            "m" => number.checked_mul(60_000)?,
            "h" => number.checked_mul(3_600_000)?,
            _ => return None,
        };
        Some(Self::from_millis(millis))
    }
}

/// `10000-19999`, with room for at least one call.
impl FromValue for RangeInclusive<u16> {
    fn from_value(value: &Value) -> Option<Self> {
        let (from, to) = value.text()?.split_once('-')?;
        let (from, to): (u16, u16) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
        (from > 0 && to > from).then_some(from..=to)
    }
}

impl FromValue for LogFormat {
    fn from_value(value: &Value) -> Option<Self> {
        match value.text()? {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

impl FromValue for Vec<Domain> {
    fn from_value(value: &Value) -> Option<Self> {
        value.list()?.into_iter().map(domain).collect()
    }
}

/// `example.com = pbx.example.com:5060;transport=tcp`; without a name, any domain; without a port, what the DNS says.
fn domain(text: &str) -> Option<Domain> {
    let (next_hop, transport) = match text.rsplit_once(";transport=") {
        Some((next_hop, transport)) => (next_hop, Some(super::trunk::transport(transport.trim())?)),
        None => (text, None),
    };
    let (name, next_hop) = next_hop.split_once('=').unwrap_or(("*", next_hop));
    let (name, next_hop) = (name.trim(), next_hop.trim());
    let (host, port) = host_port(next_hop)?;
    (!name.is_empty()).then(|| Domain { name: name.to_owned(), host, port, transport })
}

/// A host with or without a port.
pub(super) fn host_port(text: &str) -> Option<(String, Option<u16>)> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return (address.port() > 0).then(|| (address.ip().to_string(), Some(address.port())));
    }
    if let Ok(address) = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return Some((address.to_string(), None));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port.parse::<u16>().ok().filter(|port| *port > 0)?)),
        None => (text, None),
    };
    let is_name = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
    is_name.then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip_core::Transport;

    fn word<T: FromValue>(text: &str) -> Option<T> {
        T::from_value(&Value::Word(text.to_owned()))
    }

    #[test]
    fn durations_have_units() {
        let read = |text| word::<Duration>(text);

        assert_eq!(read("25s"), Some(Duration::from_secs(25)));
        assert_eq!(read("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(read("3m"), Some(Duration::from_secs(180)));
        assert_eq!(read("1h"), Some(Duration::from_secs(3600)));
        assert_eq!(read("25"), None);
        assert_eq!(read("s"), None);
        assert_eq!(read("-1s"), None);
        assert_eq!(read("99999999999999999999s"), None);
    }

    #[test]
    fn domains_name_a_next_hop_with_or_without_a_port() {
        let read = |text| word::<Vec<Domain>>(text).and_then(|domains| domains.into_iter().next());
        let domain =
            |name: &str, host: &str, port| Some(Domain { name: name.into(), host: host.into(), port, transport: None });

        assert_eq!(read("example.com = pbx.example.com:5080"), domain("example.com", "pbx.example.com", Some(5080)));
        assert_eq!(read("pbx.example.com"), domain("*", "pbx.example.com", None));
        assert_eq!(read("*=192.0.2.7"), domain("*", "192.0.2.7", None));
        assert_eq!(read("*=[2001:db8::7]:5061"), domain("*", "2001:db8::7", Some(5061)));
        assert_eq!(read("*=[2001:db8::7]"), domain("*", "2001:db8::7", None));
        let tcp = Domain { transport: Some(Transport::Tcp), ..domain("*", "pbx", None).unwrap() };
        assert_eq!(read("*=pbx;transport=tcp"), Some(tcp));
        assert_eq!(read("pbx;transport=carrier-pigeon"), None);
        assert_eq!(read("=pbx"), None);
        assert_eq!(read("*=sip:pbx"), None);
        assert_eq!(read("*=pbx:0"), None);
    }

    #[test]
    fn port_ranges_have_room_for_a_call() {
        assert_eq!(word::<RangeInclusive<u16>>("10000-19999"), Some(10_000..=19_999));
        assert_eq!(word::<RangeInclusive<u16>>("10000-10000"), None);
        assert_eq!(word::<RangeInclusive<u16>>("20000-10000"), None);
        assert_eq!(word::<RangeInclusive<u16>>("10000"), None);
    }
}
