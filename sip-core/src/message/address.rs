//! `name-addr` and `addr-spec` with header parameters (RFC 3261 §20.10): From, To, Contact, Route and their kin.

use core::ops::{Deref, DerefMut};
use core::str::FromStr;

use super::params::Params;
use super::scan::{Cursor, trim, write_quoted};
use super::text::text;
use super::uri::Uri;
use super::{SyntaxError, scan};

/// A URI with a display name before it and header parameters behind it.
///
/// One pointer wide, like its URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr(Box<NameAddrParts>);

/// What a [`NameAddr`] is made of, which is where its fields are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddrParts {
    /// The display name as a person reads it; quoted on the wire.
    pub display_name: Option<String>,
    /// The URI, always in angle brackets on the wire.
    pub uri: Uri,
    /// Parameters of the header, not of the URI.
    pub params: Params,
}

impl Deref for NameAddr {
    type Target = NameAddrParts;

    fn deref(&self) -> &NameAddrParts {
        &self.0
    }
}

impl DerefMut for NameAddr {
    fn deref_mut(&mut self) -> &mut NameAddrParts {
        &mut self.0
    }
}

impl NameAddr {
    /// An address without name and parameters.
    #[must_use]
    pub fn new(uri: Uri) -> Self {
        Self(Box::new(NameAddrParts { display_name: None, uri, params: Params::new() }))
    }

    /// Its URI, without the rest.
    #[must_use]
    pub fn into_uri(self) -> Uri {
        self.0.uri
    }

    /// The `tag` (RFC 3261 §19.3).
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag")
    }

    /// Sets the `tag`.
    pub fn set_tag(&mut self, tag: &str) {
        self.params.set("tag", Some(tag));
    }

    /// The `expires` of a Contact, in seconds. A value that is no number counts as 3600 (RFC 3261 §20.10).
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        self.params.get("expires").map(|text| scan::number(text).unwrap_or(3_600))
    }

    /// The `q` of a Contact in thousandths, from 0 to 1000.
    #[must_use]
    pub fn q(&self) -> Option<u16> {
        let (whole, fraction) = match self.params.get("q")? {
            text if text.contains('.') => text.split_once('.')?,
            text => (text, ""),
        };
        let mut padded = fraction.bytes().chain(*b"000").take(3);
        let thousandths = padded.try_fold(0, |sum, byte| match byte {
            b'0'..=b'9' => Some(sum * 10 + u16::from(byte - b'0')),
            _ => None,
        })?;
        match whole {
            "1" if thousandths == 0 => Some(1_000),
            "0" | "" => Some(thousandths),
            _ => None,
        }
    }

    fn parse(text: &str) -> Result<Self, SyntaxError> {
        let text = trim(text);
        let mut cursor = Cursor::new(text);
        let display_name = match cursor.peek() {
            Some(b'"') => Some(cursor.quoted()?),
            _ if text.contains('<') => unquoted_name(&mut cursor)?,
            _ => return Self::parse_addr_spec(cursor),
        };
        cursor.skip_space();
        if !cursor.eat(b'<') {
            return Err(SyntaxError("an angle bracket"));
        }
        let uri = cursor.take_while(|byte| byte != b'>').parse()?;
        if !cursor.eat(b'>') {
            return Err(SyntaxError("a closing angle bracket"));
        }
        let params = Params::parse(&mut cursor)?;
        Ok(Self(Box::new(NameAddrParts { display_name, uri, params })))
    }

    /// Without brackets, parameters belong to the header, and a comma or question mark is an error (§20).
    fn parse_addr_spec(mut cursor: Cursor<'_>) -> Result<Self, SyntaxError> {
        let uri = cursor.take_while(|byte| !matches!(byte, b';' | b' ' | b'\t'));
        if uri.contains([',', '?']) {
            return Err(SyntaxError("angle brackets around the URI"));
        }
        let uri = uri.parse()?;
        let params = Params::parse(&mut cursor)?;
        Ok(Self(Box::new(NameAddrParts { display_name: None, uri, params })))
    }
}

/// Reads what stands before the bracket. Wider than `*(token LWS)`: parentheses, at signs and letters beyond ASCII
/// occur without quotes and cannot be mistaken for anything else.
fn unquoted_name(cursor: &mut Cursor<'_>) -> Result<Option<String>, SyntaxError> {
    let name = trim(cursor.take_while(|byte| byte != b'<'));
    if name.contains(['"', ',', ';', ':', '\\']) {
        return Err(SyntaxError("quotes around the display name"));
    }
    Ok(if name.is_empty() { None } else { Some(name.to_owned()) })
}

impl FromStr for NameAddr {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Self::parse(text)
    }
}

impl NameAddr {
    pub(crate) fn write_to(&self, out: &mut String) {
        if let Some(name) = &self.display_name {
            write_quoted(name, out);
            out.push(' ');
        }
        out.push('<');
        self.uri.write_to(out);
        out.push('>');
        self.params.write_to(out);
    }
}

text!(NameAddr);

impl From<Uri> for NameAddr {
    fn from(uri: Uri) -> Self {
        Self::new(uri)
    }
}

/// The Contact header of one message (RFC 3261 §20.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contacts {
    /// `*`: all bindings, in a REGISTER that removes them.
    Star,
    /// Addresses; none where there is no Contact.
    List(Vec<NameAddr>),
}

impl Contacts {
    /// The first address.
    #[must_use]
    pub fn first(&self) -> Option<&NameAddr> {
        self.list().first()
    }

    /// The addresses; none for `*`.
    #[must_use]
    pub fn list(&self) -> &[NameAddr] {
        match self {
            Self::Star => &[],
            Self::List(addresses) => addresses,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> NameAddr {
        text.parse().unwrap()
    }

    #[test]
    fn parameters_without_brackets_belong_to_the_header() {
        let address = parse("sip:alice@example.com;tag=a");

        assert_eq!(address.tag(), Some("a"));
        assert!(address.uri.params.is_empty());
        assert_eq!(address.to_string(), "<sip:alice@example.com>;tag=a");
    }

    #[test]
    fn names_are_unescaped_in_memory_and_quoted_on_the_wire() {
        let address = parse(r#" "A \"B\" é\\" <sip:a@b;lr> ; tag = x "#);

        assert_eq!(address.display_name.as_deref(), Some("A \"B\" é\\"));
        assert_eq!(address.to_string(), r#""A \"B\" é\\" <sip:a@b;lr>;tag=x"#);
        assert_eq!(parse("Mr. Watson <sip:a@b>").display_name.as_deref(), Some("Mr. Watson"));
        assert_eq!(parse("caller<sip:a@b>").display_name.as_deref(), Some("caller"));
    }

    #[test]
    fn q_is_counted_in_thousandths() {
        for (text, q) in [
            ("0.7", Some(700)),
            ("1", Some(1_000)),
            ("1.000", Some(1_000)),
            ("0", Some(0)),
            (".25", Some(250)),
            ("1.5", None),
            ("x", None),
        ] {
            assert_eq!(parse(&format!("<sip:a@b>;q={text}")).q(), q, "{text}");
        }
    }

    #[test]
    fn broken_addresses_are_errors() {
        for text in [
            "",
            "<",
            "<>",
            "\"a",
            "\"a\" sip:a@b",
            "<sip:a@b",
            "sip:a@b?x=y",
            "Bell, A <sip:a@b>",
            "< sip:a@b >",
            "<sip:a@b> x",
        ] {
            assert!(text.parse::<NameAddr>().is_err(), "{text}");
        }
    }
}
