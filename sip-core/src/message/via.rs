//! Via (RFC 3261 §20.42, `rport` and `received` of RFC 3581).

use core::net::IpAddr;
use core::str::FromStr;

use super::SyntaxError;
use super::host::{Host, parse_port};
use super::params::Params;
use super::scan::Cursor;
use super::text::{text, write_port};

/// The path of a request, one hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// `UDP`, `WSS`, or a name this crate does not know.
    pub transport: String,
    /// The host of `sent-by`.
    pub host: Host,
    /// The port of `sent-by`, where one is written.
    pub port: Option<u16>,
    /// `branch`, `received`, `rport` and others.
    pub params: Params,
}

impl Via {
    /// The magic cookie of a branch that RFC 3261 §8.1.1.7 makes unique.
    pub const COOKIE: &str = "z9hG4bK";

    /// A hop of our own. `sent_by` is `host` or `host:port`; `rport` is asked for (RFC 3581 §3).
    ///
    /// # Errors
    /// `sent_by` is neither.
    pub fn new(transport: &str, sent_by: &str, branch: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(sent_by);
        let (host, port) = Host::parse_with_port(&mut cursor)?;
        if !cursor.is_empty() {
            return Err(SyntaxError("a host and a port"));
        }
        let mut params = Params::new();
        params.set("branch", Some(branch));
        params.set("rport", None);
        Ok(Self { transport: transport.to_owned(), host, port, params })
    }

    /// The `branch`.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.params.get("branch")
    }

    /// Where the request really came from, when the next hop saw another address than `sent-by`. Brackets around an
    /// IPv6 address are borne with.
    #[must_use]
    pub fn received(&self) -> Option<IpAddr> {
        let text = self.params.get("received")?;
        let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        super::ip::parse(inner.unwrap_or(text))
    }

    /// The port of `rport`; none where it is absent or still without value.
    #[must_use]
    pub fn rport(&self) -> Option<u16> {
        self.params.get("rport")?.parse().ok()
    }

    fn parse(text: &str) -> Result<Self, SyntaxError> {
        const PROTOCOL: SyntaxError = SyntaxError("SIP/2.0");
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        for (index, part) in ["SIP", "2.0"].iter().enumerate() {
            let separated = index == 0 || cursor.eat_spaced(b'/');
            if !separated || !cursor.token("SIP/2.0")?.eq_ignore_ascii_case(part) {
                return Err(PROTOCOL);
            }
        }
        if !cursor.eat_spaced(b'/') {
            return Err(PROTOCOL);
        }
        let transport = cursor.token("a transport")?.to_owned();
        cursor.skip_space();
        let (host, port) = parse_sent_by(&mut cursor)?;
        let params = Params::parse(&mut cursor)?;
        Ok(Self { transport, host, port, params })
    }
}

/// As in a URI, but white space may stand around the colon.
fn parse_sent_by(cursor: &mut Cursor<'_>) -> Result<(Host, Option<u16>), SyntaxError> {
    let host = Host::parse(cursor)?;
    let port = match cursor.eat_spaced(b':') {
        true => Some(parse_port(cursor)?),
        false => None,
    };
    Ok((host, port))
}

impl FromStr for Via {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Self::parse(text)
    }
}

impl Via {
    pub(crate) fn write_to(&self, out: &mut String) {
        out.push_str("SIP/2.0/");
        out.push_str(&self.transport);
        out.push(' ');
        self.host.write_to(out);
        write_port(self.port, out);
        self.params.write_to(out);
    }
}

text!(Via);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_may_stand_around_every_separator() {
        let via: Via = "SIP / 2.0 /TCP  192.0.2.2 : 5060 ; branch = z9hG4bK390 ; rport".parse().unwrap();

        assert_eq!(via.transport, "TCP");
        assert_eq!(via.port, Some(5060));
        assert_eq!(via.branch(), Some("z9hG4bK390"));
        assert_eq!(via.to_string(), "SIP/2.0/TCP 192.0.2.2:5060;branch=z9hG4bK390;rport");
    }

    #[test]
    fn received_and_rport_are_typed() {
        let via: Via =
            "SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];rport=8080;branch=z9hG4bKas3-111".parse().unwrap();

        assert_eq!(via.received(), "2001:db8::9:255".parse().ok());
        assert_eq!(via.rport(), Some(8080));
        assert_eq!(via.port, None);
    }

    #[test]
    fn broken_hops_are_errors() {
        for text in [
            "",
            "SIP/2.0/UDP",
            "SIP/2.0 a",
            "SIP/3.0/UDP a",
            "HTTP/2.0/UDP a",
            "SIP/2.0/UDP a:b",
            "SIP/2.0/UDP a;;,",
            "SIP/2.0/UDP a:99999",
        ] {
            assert!(text.parse::<Via>().is_err(), "{text}");
        }
    }
}
