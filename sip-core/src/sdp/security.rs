//! Keys in descriptions: DTLS fingerprints and roles (RFC 8122, RFC 4145, RFC 8842), and SDES (RFC 4568).

use core::fmt;

use super::{Media, SessionDescription, all_values};

/// `a=fingerprint` (RFC 8122 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The hash function in lower case: `sha-256`.
    pub hash: String,
    /// Its value.
    pub value: Vec<u8>,
}

impl Fingerprint {
    /// Reads the value of the attribute: a hash function, and hexadecimal bytes with colons between them.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let (hash, digits) = value.trim().split_once(' ')?;
        let is_byte = |text: &&str| text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let byte = |text| Some(text).filter(is_byte).and_then(|text| u8::from_str_radix(text, 16).ok());
        let value = digits.trim().split(':').map(byte).collect::<Option<Vec<u8>>>()?;
        Some(Self { hash: hash.to_ascii_lowercase(), value })
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hash)?;
        for (index, byte) in self.value.iter().enumerate() {
            f.write_str(if index == 0 { " " } else { ":" })?;
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}

/// `a=setup` (RFC 4145): who begins the DTLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// The sender of the description does.
    Active,
    /// The other side does.
    Passive,
    /// The answerer chooses.
    ActPass,
    /// Nobody for now.
    HoldConn,
}

impl Setup {
    /// The value of the attribute.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::ActPass => "actpass",
            Self::HoldConn => "holdconn",
        }
    }

    /// Reads the value of the attribute.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let all = [Self::Active, Self::Passive, Self::ActPass, Self::HoldConn];
        all.into_iter().find(|setup| setup.as_str().eq_ignore_ascii_case(value.trim()))
    }

    /// What may answer this offer; `prefer` decides where both roles are open (RFC 8842 §5.3 recommends active).
    #[must_use]
    pub const fn answer(self, prefer: Self) -> Self {
        match self {
            Self::Active => Self::Passive,
            Self::Passive => Self::Active,
            Self::ActPass => prefer,
            Self::HoldConn => Self::HoldConn,
        }
    }
}

/// `a=crypto` (RFC 4568).
#[derive(Clone, PartialEq, Eq)]
pub struct Crypto {
    /// Tells the attributes of an m-line apart.
    pub tag: u32,
    /// `AES_CM_128_HMAC_SHA1_80`, …
    pub suite: String,
    /// What follows `inline:` in the first key parameter.
    pub key: String,
    /// Session parameters, as they came.
    pub parameters: Vec<String>,
}

impl Crypto {
    /// Reads the value of the attribute.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next()?.parse().ok()?;
        let suite = words.next()?.to_owned();
        let key = words.next()?.split(';').next()?.strip_prefix("inline:")?.to_owned();
        Some(Self { tag, suite, key, parameters: words.map(str::to_owned).collect() })
    }
}

impl fmt::Debug for Crypto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crypto").field("tag", &self.tag).field("suite", &self.suite).finish_non_exhaustive()
    }
}

impl fmt::Display for Crypto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tag.fmt(f)?;
        for part in [" ", &self.suite, " inline:", &self.key] {
            f.write_str(part)?;
        }
        self.parameters.iter().try_for_each(|parameter| {
            f.write_str(" ")?;
            f.write_str(parameter)
        })
    }
}

impl Media {
    /// Its SDES keys, the preferred first.
    #[must_use]
    pub fn crypto(&self) -> Vec<Crypto> {
        self.all("crypto").filter_map(Crypto::parse).collect()
    }
}

impl SessionDescription {
    /// The fingerprints for an m-line: its own, or the session's where it has none.
    #[must_use]
    pub fn fingerprints(&self, media: &Media) -> Vec<Fingerprint> {
        let level = if media.has("fingerprint") { &media.attributes } else { &self.attributes };
        all_values(level, "fingerprint").filter_map(Fingerprint::parse).collect()
    }

    /// The DTLS role for an m-line, its own or the session's.
    #[must_use]
    pub fn setup(&self, media: &Media) -> Option<Setup> {
        Setup::parse(self.inherited(media, "setup")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_reads_back() {
        let fingerprint = Fingerprint::parse("SHA-256 0A:ff:3c").unwrap();

        assert_eq!(fingerprint, Fingerprint { hash: "sha-256".to_owned(), value: vec![0x0a, 0xff, 0x3c] });
        assert_eq!(fingerprint.to_string(), "sha-256 0A:FF:3C");
        for value in ["", "sha-256", "sha-256 ", "sha-256 0", "sha-256 0A:", "sha-256 0A:+1", "sha-256 é:00"] {
            assert_eq!(Fingerprint::parse(value), None, "{value}");
        }
    }

    #[test]
    fn a_key_is_read_and_never_shown() {
        let text =
            "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 UNENCRYPTED_SRTCP";

        let crypto = Crypto::parse(text).unwrap();

        assert_eq!(crypto.to_string(), text);
        assert!(!format!("{crypto:?}").contains("WVNf"));
        assert!(Crypto::parse("1 AES_CM_128_HMAC_SHA1_80 clear").is_none());
    }

    #[test]
    fn roles_answer_each_other() {
        assert_eq!(Setup::ActPass.answer(Setup::Passive), Setup::Passive);
        assert_eq!(Setup::Active.answer(Setup::Active), Setup::Passive);
        assert_eq!(Setup::parse(" Passive"), Some(Setup::Passive));
    }
}
