//! Request methods (RFC 3261 §7.1, and the RFCs that added some). Names are case-sensitive.

use core::str::FromStr;

use super::SyntaxError;
use super::scan::is_token;
use super::text::text;

/// A request method.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Method {
    /// RFC 3261 §13.
    Invite,
    /// RFC 3261 §17.1.1.3.
    Ack,
    /// RFC 3261 §15.
    Bye,
    /// RFC 3261 §9.
    Cancel,
    /// RFC 3261 §11.
    Options,
    /// RFC 3261 §10.
    Register,
    /// RFC 3262.
    Prack,
    /// RFC 3311.
    Update,
    /// RFC 6086.
    Info,
    /// RFC 3515.
    Refer,
    /// RFC 6665.
    Notify,
    /// RFC 6665.
    Subscribe,
    /// RFC 3428.
    Message,
    /// RFC 3903.
    Publish,
    /// Any other name.
    Other(String),
}

const NAMES: [(&str, Method); 14] = [
    ("INVITE", Method::Invite),
    ("ACK", Method::Ack),
    ("BYE", Method::Bye),
    ("CANCEL", Method::Cancel),
    ("OPTIONS", Method::Options),
    ("REGISTER", Method::Register),
    ("PRACK", Method::Prack),
    ("UPDATE", Method::Update),
    ("INFO", Method::Info),
    ("REFER", Method::Refer),
    ("NOTIFY", Method::Notify),
    ("SUBSCRIBE", Method::Subscribe),
    ("MESSAGE", Method::Message),
    ("PUBLISH", Method::Publish),
];

impl Method {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Options => "OPTIONS",
            Self::Register => "REGISTER",
            Self::Prack => "PRACK",
            Self::Update => "UPDATE",
            Self::Info => "INFO",
            Self::Refer => "REFER",
            Self::Notify => "NOTIFY",
            Self::Subscribe => "SUBSCRIBE",
            Self::Message => "MESSAGE",
            Self::Publish => "PUBLISH",
            Self::Other(name) => name,
        }
    }

    /// Whether a request of this method may create a dialog (RFC 3261 §12.1, RFC 6665 §4.1, RFC 3515 §2.4.4).
    #[must_use]
    pub const fn forms_dialog(&self) -> bool {
        matches!(self, Self::Invite | Self::Subscribe | Self::Refer | Self::Notify)
    }
}

impl FromStr for Method {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let known = NAMES.iter().find(|(name, _)| *name == text);
        match known {
            Some((_, method)) => Ok(method.clone()),
            None if is_token(text) => Ok(Self::Other(text.to_owned())),
            None => Err(SyntaxError("a method")),
        }
    }
}

impl Method {
    pub(crate) fn write_to(&self, out: &mut String) {
        out.push_str(self.as_str());
    }
}

text!(Method);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_reads_back() {
        for (name, method) in NAMES {
            assert_eq!(method.as_str(), name);
            assert_eq!(name.parse(), Ok(method));
        }
    }

    #[test]
    fn names_are_case_sensitive_tokens() {
        assert_eq!("invite".parse(), Ok(Method::Other("invite".to_owned())));
        assert_eq!("IN VITE".parse::<Method>(), Err(SyntaxError("a method")));
        assert_eq!("".parse::<Method>(), Err(SyntaxError("a method")));
    }
}
