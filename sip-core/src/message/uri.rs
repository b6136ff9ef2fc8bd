//! URIs: `sip:`, `sips:` (RFC 3261 §19.1), `tel:` (RFC 3966); others are carried whole.
//!
//! User, password, parameters and headers stay in their wire form, so that what is relayed is not rewritten;
//! [`Uri::user_text`] decodes, [`Uri::sip`] encodes, [`Uri::matches`] compares through the escapes.

use core::ops::{Deref, DerefMut};
use core::str::FromStr;

use super::host::Host;
use super::limits::MAX_PARAMS;
use super::params::Params;
use super::scan::{Class, Cursor};
use super::text::{text, write_port};
use super::{SyntaxError, escape};

/// What kind of URI it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `sip`.
    Sip,
    /// `sips`.
    Sips,
    /// `tel`.
    Tel,
    /// Another one, as it came.
    Other(String),
}

impl Scheme {
    /// The name on the wire, without the colon.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sip => "sip",
            Self::Sips => "sips",
            Self::Tel => "tel",
            Self::Other(name) => name,
        }
    }

    fn of_name(name: &str) -> Self {
        match name {
            _ if name.eq_ignore_ascii_case("sip") => Self::Sip,
            _ if name.eq_ignore_ascii_case("sips") => Self::Sips,
            _ if name.eq_ignore_ascii_case("tel") => Self::Tel,
            _ => Self::Other(name.to_owned()),
        }
    }
}

/// A URI. `==` compares it letter by letter; [`Uri::matches`] compares it as RFC 3261 §19.1.4 says.
///
/// One pointer wide: URIs pass through many hands and are read in few.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uri(Box<UriParts>);

/// What a [`Uri`] is made of, which is where its fields are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UriParts {
    /// The scheme.
    pub scheme: Scheme,
    /// The user part in wire form; the number of a `tel:` URI; all that follows the colon of another scheme.
    pub user: Option<String>,
    /// The password in wire form. RFC 3261 advises against it; it is kept when it came.
    pub password: Option<String>,
    /// The host; an empty name in schemes other than `sip` and `sips`.
    pub host: Host,
    /// The port, where one is written.
    pub port: Option<u16>,
    /// `;name=value`.
    pub params: Params,
    /// `?name=value&…`.
    pub headers: Vec<(String, String)>,
}

impl Deref for Uri {
    type Target = UriParts;

    fn deref(&self) -> &UriParts {
        &self.0
    }
}

impl DerefMut for Uri {
    fn deref_mut(&mut self) -> &mut UriParts {
        &mut self.0
    }
}

impl UriParts {
    const fn bare(scheme: Scheme) -> Self {
        Self {
            scheme,
            user: None,
            password: None,
            host: Host::Name(String::new()),
            port: None,
            params: Params::new(),
            headers: Vec::new(),
        }
    }

    fn read_userinfo(&mut self, userinfo: &str) -> Result<(), SyntaxError> {
        let (user, password) = match userinfo.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (userinfo, None),
        };
        let valid = !user.is_empty() && escape::is_well_formed(userinfo);
        if !valid {
            return Err(SyntaxError("a user"));
        }
        self.user = Some(user.to_owned());
        self.password = password.map(str::to_owned);
        Ok(())
    }
}

impl Uri {
    /// A `sip:` URI. The user is escaped where it needs to be.
    #[must_use]
    pub fn sip(user: Option<&str>, host: Host, port: Option<u16>) -> Self {
        Self(Box::new(UriParts { user: user.map(escape::user), host, port, ..UriParts::bare(Scheme::Sip) }))
    }

    /// A `tel:` URI.
    #[must_use]
    pub fn tel(number: &str) -> Self {
        Self::opaque(Scheme::Tel, number)
    }

    /// The rest, after the scheme, where a user stands.
    fn opaque(scheme: Scheme, rest: &str) -> Self {
        Self(Box::new(UriParts { user: Some(rest.to_owned()), ..UriParts::bare(scheme) }))
    }

    /// The user part with its escapes undone.
    #[must_use]
    pub fn user_text(&self) -> Option<String> {
        self.user.as_deref().map(escape::decode)
    }

    /// The first of its headers of this name, with its escapes undone.
    #[must_use]
    pub fn header_text(&self, name: &str) -> Option<String> {
        let found = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| escape::decode(value))
    }

    /// Whether this is a `sip:` or `sips:` URI.
    #[must_use]
    pub fn is_sip(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips)
    }

    /// The URI without what is not allowed in a Request-URI (RFC 3261 §19.1.1): its headers and `method`.
    #[must_use]
    pub fn to_request_uri(&self) -> Self {
        let mut uri = self.clone();
        uri.headers.clear();
        uri.params.remove("method");
        uri
    }

    /// Whether both name the same resource (RFC 3261 §19.1.4; numbers of `tel:` URIs without their visual
    /// separators, RFC 3966 §4).
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.scheme == other.scheme
            && match self.scheme {
                Scheme::Sip | Scheme::Sips => self.matches_sip(other),
                Scheme::Tel => same_number(self.user.as_deref(), other.user.as_deref()) && same_params(self, other),
                Scheme::Other(_) => self.user == other.user,
            }
    }

    fn matches_sip(&self, other: &Self) -> bool {
        same_escaped(self.user.as_deref(), other.user.as_deref())
            && same_escaped(self.password.as_deref(), other.password.as_deref())
            && self.host == other.host
            && self.port == other.port
            && same_params(self, other)
            && self.has_headers_of(other)
            && other.has_headers_of(self)
    }

    fn has_headers_of(&self, other: &Self) -> bool {
        let same = |(name, value): &(String, String), (n, v): &(String, String)| {
            escape::equal_ignoring_case(name, n) && escape::equal(value, v)
        };
        other.headers.iter().all(|wanted| self.headers.iter().any(|header| same(header, wanted)))
    }

    fn parse(text: &str) -> Result<Self, SyntaxError> {
        let (name, rest) = text.split_once(':').ok_or(SyntaxError("a URI"))?;
        let valid = name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.bytes().all(is_scheme_byte);
        if !valid || Class::URI.run(rest.as_bytes()) < rest.len() {
            return Err(SyntaxError("a URI"));
        }
        match Scheme::of_name(name) {
            scheme @ (Scheme::Sip | Scheme::Sips) => Self::parse_sip(scheme, rest),
            Scheme::Tel => Self::parse_tel(rest),
            Scheme::Other(_) if rest.is_empty() => Err(SyntaxError("a URI")),
            scheme @ Scheme::Other(_) => Ok(Self::opaque(scheme, rest)),
        }
    }

    fn parse_sip(scheme: Scheme, rest: &str) -> Result<Self, SyntaxError> {
        let mut uri = UriParts::bare(scheme);
        let mut cursor = Cursor::new(rest);
        // `@` may stand in parameters and headers, but `;` and `?` also in the user: the first `@` decides.
        if let Some((userinfo, rest)) = rest.split_once('@') {
            uri.read_userinfo(userinfo)?;
            cursor = Cursor::new(rest);
        }
        (uri.host, uri.port) = Host::parse_with_port(&mut cursor)?;
        uri.params = Params::parse_uri(&mut cursor)?;
        uri.headers = parse_headers(&mut cursor)?;
        if cursor.is_empty() { Ok(Self(Box::new(uri))) } else { Err(SyntaxError("the end of the URI")) }
    }

    fn parse_tel(rest: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(rest);
        let number = cursor.take_while(is_phone_byte);
        let digits = number.strip_prefix('+').unwrap_or(number);
        if digits.contains('+')
            || !digits.bytes().any(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'#'))
        {
            return Err(SyntaxError("a telephone number"));
        }
        let mut uri = Self::tel(number);
        uri.params = Params::parse_uri(&mut cursor)?;
        if cursor.is_empty() { Ok(uri) } else { Err(SyntaxError("a telephone number")) }
    }
}

const fn is_scheme_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

/// `phonedigit-hex`, visual separators and the plus of RFC 3966 §3.
const fn is_phone_byte(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'+' | b'*' | b'#' | b'-' | b'.' | b'(' | b')')
}

fn parse_headers(cursor: &mut Cursor<'_>) -> Result<Vec<(String, String)>, SyntaxError> {
    let mut headers = Vec::new();
    if !cursor.eat(b'?') {
        return Ok(headers);
    }
    for field in cursor.take_while(|_| true).split('&') {
        let (name, value) = field.split_once('=').ok_or(SyntaxError("a URI header"))?;
        if name.is_empty() || headers.len() >= MAX_PARAMS || !escape::is_well_formed(field) {
            return Err(SyntaxError("a URI header"));
        }
        headers.push((name.to_owned(), value.to_owned()));
    }
    Ok(headers)
}

fn same_escaped(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => escape::equal(a, b),
        (None, None) => true,
        _ => false,
    }
}

fn same_number(a: Option<&str>, b: Option<&str>) -> bool {
    let digits = |number: &str| -> String {
        number.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')')).map(|c| c.to_ascii_lowercase()).collect()
    };
    a.map(digits) == b.map(digits)
}

/// Parameters that must be on both sides or on none (§19.1.4); any other on one side only is ignored.
const DECISIVE: [&str; 6] = ["user", "ttl", "method", "maddr", "transport", "phone-context"];

fn same_params(a: &Uri, b: &Uri) -> bool {
    agree(&a.params, &b.params) && agree(&b.params, &a.params)
}

/// Whether each parameter of one side is equal on the other, or may be missing there.
fn agree(one: &Params, other: &Params) -> bool {
    one.iter().all(|(name, _)| match other.has(name) {
        true => match (one.get(name), other.get(name)) {
            (Some(a), Some(b)) => escape::equal_ignoring_case(a, b),
            (a, b) => a == b,
        },
        false => !DECISIVE.iter().any(|decisive| decisive.eq_ignore_ascii_case(name)),
    })
}

impl FromStr for Uri {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Self::parse(text)
    }
}

impl Uri {
    pub(crate) fn write_to(&self, out: &mut String) {
        out.push_str(self.scheme.as_str());
        out.push(':');
        if let Some(user) = &self.user {
            out.push_str(user);
        }
        if let Some(password) = &self.password {
            out.push(':');
            out.push_str(password);
        }
        if self.is_sip() {
            if self.user.is_some() {
                out.push('@');
            }
            self.host.write_to(out);
        }
        write_port(self.port, out);
        self.params.write_to(out);
        let mut mark = "?";
        for (name, value) in &self.headers {
            for part in [mark, name, "=", value] {
                out.push_str(part);
            }
            mark = "&";
        }
    }
}

text!(Uri);
