//! Which dialog a new one is to take the place of (Replaces, RFC 3891), and whom somebody is asked to call
//! (Refer-To, RFC 3515).

use core::str::FromStr;

use super::text::{push_number, text};
use super::{HeaderName, Headers, NameAddr, Parameterized, Scheme, StatusCode, SyntaxError, Uri};

/// A dialog as the side that is asked to give it up knows it (RFC 3891 §6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaces {
    /// Its Call-ID.
    pub call_id: String,
    /// The tag of the side that is asked.
    pub to_tag: String,
    /// The tag of the side that is to be replaced.
    pub from_tag: String,
    /// Only if it is not confirmed yet.
    pub early_only: bool,
}

impl FromStr for Replaces {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let Parameterized { value, params } = text.parse()?;
        let tag = |name| params.get(name).filter(|tag| !tag.is_empty()).map(str::to_owned).ok_or(SyntaxError("a tag"));
        if value.contains([' ', '\t', ',']) {
            return Err(SyntaxError("a Call-ID"));
        }
        let early_only = params.has("early-only");
        Ok(Self { call_id: value, to_tag: tag("to-tag")?, from_tag: tag("from-tag")?, early_only })
    }
}

impl Replaces {
    pub(crate) fn write_to(&self, out: &mut String) {
        for part in [&self.call_id, ";to-tag=", &self.to_tag, ";from-tag=", &self.from_tag] {
            out.push_str(part);
        }
        out.push_str(if self.early_only { ";early-only" } else { "" });
    }
}

/// A Refer-To that asks for a call, without anything that its sender has no business to say in that call
/// (RFC 3261 §19.1.5): of the URI's headers only Replaces is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferTo {
    /// Whom to call.
    pub target: Uri,
    /// Whose place to take there.
    pub replaces: Option<Replaces>,
}

impl ReferTo {
    /// The one Refer-To of a REFER.
    ///
    /// # Errors
    /// 400 where there is none, or more than one, or one that cannot be read; 403 where it asks for something else than
    /// a call to a `sip:`, `sips:` or `tel:` address.
    pub fn read(headers: &Headers) -> Result<Self, StatusCode> {
        let malformed = StatusCode::BAD_REQUEST;
        let mut values = headers.values(&HeaderName::ReferTo);
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(malformed);
        };
        let uri = value.parse::<NameAddr>().map_err(|_| malformed)?.into_uri();
        let is_call = uri.params.get("method").is_none_or(|method| method.eq_ignore_ascii_case("INVITE"));
        if matches!(uri.scheme, Scheme::Other(_)) || !is_call {
            return Err(StatusCode::FORBIDDEN);
        }
        let mut replaces = uri.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Replaces"));
        let first = replaces.next();
        if replaces.next().is_some() {
            return Err(malformed);
        }
        let replaces = first.map(|(_, value)| super::escape::decode(value).parse()).transpose();
        Ok(Self { target: uri.to_request_uri(), replaces: replaces.map_err(|_| malformed)? })
    }
}

impl ReferTo {
    /// The value of a Refer-To. A call that takes another's place demands that the other side knows how (RFC 5589 §7.1).
    pub(crate) fn write_to(&self, out: &mut String) {
        let mut uri = self.target.clone();
        if let Some(replaces) = &self.replaces {
            let value = super::escape::header(&replaces.to_string());
            uri.headers = vec![("Replaces".to_owned(), value), ("Require".to_owned(), "replaces".to_owned())];
        }
        NameAddr::new(uri).write_to(out);
    }
}

/// The first line of a response: what a NOTIFY of a transfer brings as `message/sipfrag` (RFC 3420, RFC 3515 §2.4.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusLine {
    /// How far the call is that was asked for.
    pub status: StatusCode,
    /// In words.
    pub reason: String,
}

impl StatusLine {
    /// A status in its usual words.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        Self { status, reason: status.reason().to_owned() }
    }

    /// Reads a fragment; what follows its first line is not looked at.
    #[must_use]
    pub fn parse(fragment: &[u8]) -> Option<Self> {
        let line = fragment.split(|byte| matches!(byte, b'\r' | b'\n')).find(|line| !line.is_empty())?;
        let line = core::str::from_utf8(line).ok()?;
        let mut words = line.splitn(3, ' ');
        if !words.next()?.eq_ignore_ascii_case("SIP/2.0") {
            return None;
        }
        let code = words.next().filter(|code| code.len() == 3)?;
        let status = code.parse().ok().and_then(StatusCode::new)?;
        Some(Self { status, reason: words.next().unwrap_or_default().trim().to_owned() })
    }
}

impl StatusLine {
    pub(crate) fn write_to(&self, out: &mut String) {
        out.push_str("SIP/2.0 ");
        push_number(out, self.status.as_u16().into());
        for part in [" ", &self.reason, "\r\n"] {
            out.push_str(part);
        }
    }
}

text!(Replaces, ReferTo, StatusLine);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<ReferTo, StatusCode> {
        let mut headers = Headers::new();
        headers.push(HeaderName::ReferTo, value);
        ReferTo::read(&headers)
    }

    #[test]
    fn replaces_needs_both_tags() {
        let replaces: Replaces = "425928@bobster.example.org ;to-tag=7743;from-tag=6472;early-only".parse().unwrap();

        assert!(replaces.early_only);
        assert_eq!(replaces.to_string(), "425928@bobster.example.org;to-tag=7743;from-tag=6472;early-only");
        for text in ["", "a", "a;to-tag=1", "a;from-tag=1;to-tag", "a b;to-tag=1;from-tag=2"] {
            assert!(text.parse::<Replaces>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_refer_to_is_escaped_as_rfc_5589_shows_and_reads_back() {
        let text =
            "<sip:carol@example.com?Replaces=090459243588173445%40x%3Bto-tag%3D9m2n%3Bfrom-tag%3D31&Require=replaces>";

        let refer_to = read(text).unwrap();

        assert_eq!(refer_to.replaces.as_ref().unwrap().call_id, "090459243588173445@x");
        assert_eq!(refer_to.target.to_string(), "sip:carol@example.com");
        assert_eq!(refer_to.to_string(), text);
    }

    #[test]
    fn nothing_but_replaces_survives_of_the_headers() {
        let refer_to = read("<sip:a@b;method=INVITE?Route=%3Csip:evil%3E&From=sip:x@y&Authorization=z>").unwrap();

        assert_eq!(refer_to.to_string(), "<sip:a@b>");
    }

    #[test]
    fn what_is_no_call_is_forbidden_and_what_cannot_be_read_is_malformed() {
        for value in ["http://example.com", "<javascript:alert(1)>", "<sip:a@b;method=BYE>", "<urn:service:sos>"] {
            assert_eq!(read(value).unwrap_err(), StatusCode::FORBIDDEN, "{value}");
        }
        for value in [
            "",
            "sip:",
            "<sip:a@b",
            "sip:a@b?x=y",
            "<sip:a@b?Replaces=x>",
            "<sip:a@b>, <sip:c@d>",
            "<sip:a@b?Replaces>",
        ] {
            assert_eq!(read(value).unwrap_err(), StatusCode::BAD_REQUEST, "{value}");
        }
        assert_eq!(ReferTo::read(&Headers::new()).unwrap_err(), StatusCode::BAD_REQUEST);
        assert!(read("tel:+49301234").is_ok());
        let twice = "<sip:a@b?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2&replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>";
        assert_eq!(read(twice).unwrap_err(), StatusCode::BAD_REQUEST);
    }

    #[test]
    fn fragments_are_read_by_their_first_line() {
        let line = StatusLine::parse(b"SIP/2.0 486 Busy Here\r\nVia: x\r\n\r\n").unwrap();

        assert_eq!((line.status, line.reason.as_str()), (StatusCode::BUSY_HERE, "Busy Here"));
        assert_eq!(line.to_string(), "SIP/2.0 486 Busy Here\r\n");
        assert_eq!(StatusLine::parse(b"SIP/2.0 200").unwrap().reason, "");
        for text in
            ["", "HTTP/1.1 200 OK", "SIP/2.0", "SIP/2.0 20 x", "SIP/2.0 999 x", "SIP/2.0 abc", "INVITE x SIP/2.0"]
        {
            assert!(StatusLine::parse(text.as_bytes()).is_none(), "{text}");
        }
    }
}
