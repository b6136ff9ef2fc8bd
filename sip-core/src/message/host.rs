//! A host: a name, an IPv4 address or an IPv6 reference (RFC 3261 §25.1).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::str::FromStr;

use super::scan::{Class, Cursor, number};
use super::text::text;
use super::{SyntaxError, ip};

/// Where a URI or a Via points to. Names compare without regard to case.
#[derive(Clone, Debug)]
pub enum Host {
    /// A domain name.
    Name(String),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address, in brackets on the wire.
    V6(Ipv6Addr),
}

impl Host {
    /// The address, where this is one.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::V4(address) => Some(IpAddr::V4(*address)),
            Self::V6(address) => Some(IpAddr::V6(*address)),
        }
    }

    /// Reads a host and the port that may follow it.
    pub(super) fn parse_with_port(cursor: &mut Cursor<'_>) -> Result<(Self, Option<u16>), SyntaxError> {
        let host = Self::parse(cursor)?;
        let port = match cursor.eat(b':') {
            true => Some(parse_port(cursor)?),
            false => None,
        };
        Ok((host, port))
    }

    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        if cursor.eat(b'[') {
            let inner = cursor.take_while(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
            let address = ip::parse_v6(inner).ok_or(SyntaxError("an IPv6 address"))?;
            return if cursor.eat(b']') { Ok(Self::V6(address)) } else { Err(SyntaxError("a closing bracket")) };
        }
        match cursor.take(Class::HOST) {
            "" => Err(SyntaxError("a host")),
            name => Ok(Self::of_name(name)),
        }
    }

    fn of_name(name: &str) -> Self {
        let is_address = name.ends_with(|last: char| last.is_ascii_digit());
        let address = if is_address { ip::parse_v4(name) } else { None };
        address.map_or_else(|| Self::Name(name.to_owned()), Self::V4)
    }
}

pub(super) fn parse_port(cursor: &mut Cursor<'_>) -> Result<u16, SyntaxError> {
    let digits = cursor.take_while(|byte| byte.is_ascii_digit());
    number(digits).and_then(|port| port.try_into().ok()).ok_or(SyntaxError("a port"))
}

impl PartialEq for Host {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(a), Self::Name(b)) => a.eq_ignore_ascii_case(b),
            (Self::V4(a), Self::V4(b)) => a == b,
            (Self::V6(a), Self::V6(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Host {}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6(address),
        }
    }
}

impl From<SocketAddr> for Host {
    fn from(address: SocketAddr) -> Self {
        address.ip().into()
    }
}

impl FromStr for Host {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        let host = Self::parse(&mut cursor)?;
        if cursor.is_empty() { Ok(host) } else { Err(SyntaxError("a host")) }
    }
}

impl Host {
    pub(crate) fn write_to(&self, out: &mut String) {
        match self {
            Self::Name(name) => out.push_str(name),
            Self::V4(address) => ip::push(out, (*address).into()),
            Self::V6(address) => {
                out.push('[');
                ip::push(out, (*address).into());
                out.push(']');
            }
        }
    }
}

text!(Host);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_told_apart() {
        assert_eq!("192.0.2.1".parse(), Ok(Host::V4(Ipv4Addr::new(192, 0, 2, 1))));
        assert_eq!("[::1]".parse(), Ok(Host::V6(Ipv6Addr::LOCALHOST)));
        assert_eq!("Example.COM".parse(), Ok(Host::Name("example.com".to_owned())));
        assert_eq!("192.0.2.300".parse(), Ok(Host::Name("192.0.2.300".to_owned())));
        for text in ["", "[::1", "[zz]", "::1", "a b", "a@b"] {
            assert!(text.parse::<Host>().is_err(), "{text}");
        }
    }
}
