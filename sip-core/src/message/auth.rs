//! The syntax of challenges and credentials (RFC 3261 §20.44 and §20.7, RFC 7616, RFC 8760). What they mean is the
//! business of [`digest`](crate::digest).

use core::str::FromStr;

use super::SyntaxError;
use super::limits::MAX_PARAMS;
use super::scan::{Cursor, is_token, write_quoted};
use super::text::text;

/// A WWW-Authenticate or Proxy-Authenticate value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    /// `Digest`, or a scheme this crate does not know.
    pub scheme: String,
    /// Whose user and password are asked for.
    pub realm: String,
    /// The server's random value.
    pub nonce: String,
    /// To be returned untouched.
    pub opaque: Option<String>,
    /// The algorithm as it was spelt; none means MD5.
    pub algorithm: Option<String>,
    /// The qualities of protection; none is RFC 2069.
    pub qop: Vec<String>,
    /// The nonce was too old, the password was right.
    pub stale: bool,
}

impl Challenge {
    /// Reads the challenges of one row: one by RFC 3261, several separated by commas by RFC 9110.
    pub(super) fn parse_row(text: &str, into: &mut Vec<Self>) -> Result<(), SyntaxError> {
        let mut cursor = Cursor::new(text);
        loop {
            cursor.skip_space();
            into.push(Self::parse_one(&mut cursor)?);
            if cursor.is_empty() {
                return Ok(());
            }
        }
    }

    fn parse_one(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        let mut challenge = Self { scheme: cursor.token("a scheme")?.to_owned(), ..Self::default() };
        read_pairs(cursor, |name, value| match name {
            "realm" => challenge.realm = value,
            "nonce" => challenge.nonce = value,
            "opaque" => challenge.opaque = Some(value),
            "algorithm" => challenge.algorithm = Some(value),
            "qop" => challenge.qop = value.split([',', ' ']).filter(|qop| !qop.is_empty()).map(str::to_owned).collect(),
            "stale" => challenge.stale = value.eq_ignore_ascii_case("true"),
            _ => {}
        })?;
        Ok(challenge)
    }
}

impl FromStr for Challenge {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut challenges = Vec::new();
        Self::parse_row(text, &mut challenges)?;
        challenges.into_iter().next().ok_or(SyntaxError("a challenge"))
    }
}

impl Challenge {
    pub(crate) fn write_to(&self, out: &mut String) {
        let mut pairs = Pairs::new(&self.scheme, out);
        pairs.quoted("realm", &self.realm);
        pairs.quoted("nonce", &self.nonce);
        pairs.optional_quoted("opaque", self.opaque.as_deref());
        if self.stale {
            pairs.plain("stale", "true");
        }
        if let Some(algorithm) = &self.algorithm {
            pairs.plain("algorithm", algorithm);
        }
        if !self.qop.is_empty() {
            pairs.quoted("qop", &self.qop.join(","));
        }
    }
}

/// An Authorization or Proxy-Authorization value of the Digest scheme.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorization {
    /// Who claims to ask.
    pub username: String,
    /// The realm of the challenge.
    pub realm: String,
    /// The nonce of the challenge.
    pub nonce: String,
    /// The Request-URI as the client hashed it.
    pub uri: String,
    /// The proof, in lower-case hexadecimal digits.
    pub response: String,
    /// The algorithm as it was spelt; none means MD5.
    pub algorithm: Option<String>,
    /// The client's random value.
    pub cnonce: Option<String>,
    /// The opaque of the challenge.
    pub opaque: Option<String>,
    /// The chosen quality of protection.
    pub qop: Option<String>,
    /// The nonce count, as it was written: eight hexadecimal digits.
    pub nc: Option<String>,
}

impl FromStr for Authorization {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        if !cursor.token("a scheme")?.eq_ignore_ascii_case("Digest") {
            return Err(SyntaxError("the Digest scheme"));
        }
        let mut credentials = Self::default();
        read_pairs(&mut cursor, |name, value| match name {
            "username" => credentials.username = value,
            "realm" => credentials.realm = value,
            "nonce" => credentials.nonce = value,
            "uri" => credentials.uri = value,
            "response" => credentials.response = value,
            "algorithm" => credentials.algorithm = Some(value),
            "cnonce" => credentials.cnonce = Some(value),
            "opaque" => credentials.opaque = Some(value),
            "qop" => credentials.qop = Some(value),
            "nc" => credentials.nc = Some(value),
            _ => {}
        })?;
        if cursor.is_empty() { Ok(credentials) } else { Err(SyntaxError("one set of credentials")) }
    }
}

impl Authorization {
    pub(crate) fn write_to(&self, out: &mut String) {
        let mut pairs = Pairs::new("Digest", out);
        pairs.quoted("username", &self.username);
        pairs.quoted("realm", &self.realm);
        pairs.quoted("nonce", &self.nonce);
        pairs.quoted("uri", &self.uri);
        pairs.quoted("response", &self.response);
        pairs.optional("algorithm", self.algorithm.as_deref());
        pairs.optional_quoted("cnonce", self.cnonce.as_deref());
        pairs.optional_quoted("opaque", self.opaque.as_deref());
        pairs.optional("qop", self.qop.as_deref());
        pairs.optional("nc", self.nc.as_deref());
    }
}

/// One parameter of an Authentication-Info value (RFC 7616 §3.5).
pub(crate) fn auth_parameter(text: &str, wanted: &str) -> Option<String> {
    let mut found = None;
    let read = |name: &str, value| {
        if name == wanted {
            found = Some(value);
        }
    };
    read_pairs(&mut Cursor::new(text), read).ok()?;
    found
}

/// Reads `name=value, …` to the end, or to a word without `=`: the scheme of the next challenge. Names come lower-cased.
fn read_pairs(cursor: &mut Cursor<'_>, mut read: impl FnMut(&str, String)) -> Result<(), SyntaxError> {
    let mut count = 0;
    loop {
        cursor.skip_space();
        while cursor.eat_spaced(b',') {}
        if cursor.is_empty() {
            return Ok(());
        }
        let mut ahead = cursor.clone();
        let name = ahead.token("a parameter")?;
        if !ahead.eat_spaced(b'=') {
            return if count > 0 { Ok(()) } else { Err(SyntaxError("a parameter")) };
        }
        *cursor = ahead;
        count += 1;
        if count > MAX_PARAMS {
            return Err(SyntaxError("fewer parameters"));
        }
        read(&name.to_ascii_lowercase(), pair_value(cursor)?);
    }
}

fn pair_value(cursor: &mut Cursor<'_>) -> Result<String, SyntaxError> {
    if cursor.peek() == Some(b'"') {
        return cursor.quoted();
    }
    let text = cursor.take_while(|byte| !matches!(byte, b',' | b' ' | b'\t' | b'"'));
    Ok(text.to_owned())
}

text!(Challenge, Authorization);

/// Writes `scheme name=value,name="value"`.
struct Pairs<'a> {
    out: &'a mut String,
    separator: &'static str,
}

impl<'a> Pairs<'a> {
    fn new(scheme: &str, out: &'a mut String) -> Self {
        out.push_str(scheme);
        Self { out, separator: " " }
    }

    fn name(&mut self, name: &str) {
        for part in [self.separator, name, "="] {
            self.out.push_str(part);
        }
        self.separator = ", ";
    }

    /// A token without quotes; what came quoted and is none goes back into them.
    fn plain(&mut self, name: &str, value: &str) {
        self.name(name);
        if is_token(value) { self.out.push_str(value) } else { write_quoted(value, self.out) }
    }

    fn quoted(&mut self, name: &str, value: &str) {
        self.name(name);
        write_quoted(value, self.out);
    }

    fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.plain(name, value);
        }
    }

    fn optional_quoted(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.quoted(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_reads_back() {
        let text =
            r#"Digest realm="a \"b\"", nonce="84a4", opaque="x", stale=true, algorithm=SHA-256, qop="auth,auth-int""#;

        let challenge: Challenge = text.parse().unwrap();

        assert_eq!(challenge.realm, "a \"b\"");
        assert_eq!(challenge.qop, ["auth", "auth-int"]);
        assert!(challenge.stale);
        assert_eq!(challenge.to_string(), text);
    }

    #[test]
    fn spelling_and_quoting_quirks_are_borne_with() {
        let challenge: Challenge =
            r#"DIGEST Realm=x,NONCE = "n" , , qop=auth,algorithm="md5",stale="FALSE",domain="sip:a""#.parse().unwrap();

        assert_eq!((challenge.realm.as_str(), challenge.nonce.as_str()), ("x", "n"));
        assert_eq!(challenge.algorithm.as_deref(), Some("md5"));
        assert_eq!(challenge.qop, ["auth"]);
        assert!(!challenge.stale);
    }

    #[test]
    fn several_challenges_in_one_row_are_several() {
        let mut challenges = Vec::new();

        Challenge::parse_row(r#"Digest realm="a", nonce="1", Basic realm="b",Digest realm="c""#, &mut challenges)
            .unwrap();

        let realms: Vec<_> = challenges.iter().map(|c| (c.scheme.as_str(), c.realm.as_str())).collect();
        assert_eq!(realms, [("Digest", "a"), ("Basic", "b"), ("Digest", "c")]);
        assert!(Challenge::parse_row("Digest", &mut challenges).is_ok());
        assert!(Challenge::parse_row("Digest a=\"", &mut challenges).is_err());
        assert!(Challenge::parse_row("", &mut challenges).is_err());
    }

    #[test]
    fn credentials_read_back() {
        let text = r#"Digest username="bob", realm="r", nonce="n", uri="sip:a@b", response="0f", algorithm=MD5, cnonce="c", qop=auth, nc=0000000a"#;

        assert_eq!(text.parse::<Authorization>().unwrap().to_string(), text);
        assert!("Basic Zm9v".parse::<Authorization>().is_err());
    }
}
