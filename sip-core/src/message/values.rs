//! The small typed values: CSeq, RAck (RFC 3262), Reason (RFC 3326), and `value;params` headers such as
//! Session-Expires (RFC 4028), Event (RFC 6665) and Replaces (RFC 3891).

use core::str::FromStr;

use super::SyntaxError;
use super::method::Method;
use super::params::Params;
use super::scan::{Cursor, number, trim};
use super::text::{push_number, text};

/// CSeq (RFC 3261 §20.16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSeq {
    /// Below 2³¹.
    pub number: u32,
    /// The method of the request.
    pub method: Method,
}

impl FromStr for CSeq {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let (digits, method) = split_space(text);
        let number = number(digits).filter(|number| *number < 1 << 31).ok_or(SyntaxError("a sequence number"))?;
        Ok(Self { number, method: method.parse()? })
    }
}

impl CSeq {
    pub(crate) fn write_to(&self, out: &mut String) {
        push_number(out, self.number.into());
        out.push(' ');
        out.push_str(self.method.as_str());
    }
}

/// RAck (RFC 3262 §7.2): which reliable provisional response a PRACK acknowledges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RAck {
    /// Its RSeq.
    pub response: u32,
    /// Its CSeq.
    pub cseq: CSeq,
}

impl FromStr for RAck {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let (digits, cseq) = split_space(text);
        Ok(Self { response: number(digits).ok_or(SyntaxError("a response number"))?, cseq: cseq.parse()? })
    }
}

impl RAck {
    pub(crate) fn write_to(&self, out: &mut String) {
        push_number(out, self.response.into());
        out.push(' ');
        self.cseq.write_to(out);
    }
}

/// The first word and the rest, white space between them removed.
fn split_space(text: &str) -> (&str, &str) {
    let text = trim(text);
    let (first, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    (first, trim(rest))
}

/// Reason (RFC 3326): why a request was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// `SIP`, `Q.850` or another protocol.
    pub protocol: String,
    /// The protocol's number for it.
    pub cause: Option<u16>,
    /// Words for it.
    pub text: Option<String>,
}

impl Reason {
    /// `SIP;cause=status;text="…"`.
    #[must_use]
    pub fn sip(cause: u16, text: &str) -> Self {
        Self { protocol: "SIP".to_owned(), cause: Some(cause), text: Some(text.to_owned()) }
    }

    /// `Q.850;cause=…;text="…"`.
    #[must_use]
    pub fn q850(cause: u16, text: &str) -> Self {
        Self { protocol: "Q.850".to_owned(), cause: Some(cause), text: Some(text.to_owned()) }
    }

    /// Whether the cause is one of Q.850.
    #[must_use]
    pub fn is_q850(&self) -> bool {
        self.protocol.eq_ignore_ascii_case("Q.850")
    }
}

impl FromStr for Reason {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let Parameterized { value, params } = text.parse()?;
        let cause = params.get("cause").and_then(number).and_then(|cause| cause.try_into().ok());
        Ok(Self { protocol: value, cause, text: params.get("text").map(str::to_owned) })
    }
}

impl Reason {
    pub(crate) fn write_to(&self, out: &mut String) {
        out.push_str(&self.protocol);
        if let Some(cause) = self.cause {
            out.push_str(";cause=");
            push_number(out, cause.into());
        }
        if let Some(text) = &self.text {
            out.push_str(";text=");
            super::scan::write_quoted(text, out);
        }
    }
}

/// A value with parameters: Content-Type, Content-Disposition, Event, Subscription-State, Session-Expires, Replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameterized {
    /// What stands before the first semicolon.
    pub value: String,
    /// The parameters.
    pub params: Params,
}

impl Parameterized {
    /// Whether the value is `expected`, without regard to case.
    #[must_use]
    pub fn is(&self, expected: &str) -> bool {
        self.value.eq_ignore_ascii_case(expected)
    }

    /// The value as a number.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        number(&self.value)
    }
}

impl FromStr for Parameterized {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        let value = trim(cursor.take_while(|byte| !matches!(byte, b';' | b'"' | b'<' | b'>')));
        if value.is_empty() {
            return Err(SyntaxError("a value"));
        }
        Ok(Self { value: value.to_owned(), params: Params::parse(&mut cursor)? })
    }
}

impl Parameterized {
    pub(crate) fn write_to(&self, out: &mut String) {
        out.push_str(&self.value);
        self.params.write_to(out);
    }
}

text!(CSeq, RAck, Reason, Parameterized);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cseq_is_a_number_below_two_to_the_31_and_a_method() {
        assert_eq!("0009 \t INVITE".parse(), Ok(CSeq { number: 9, method: Method::Invite }));
        assert!("2147483647 ACK".parse::<CSeq>().is_ok());
        for text in ["2147483648 ACK", "1", "ACK", "-1 ACK", "1 A CK", ""] {
            assert!(text.parse::<CSeq>().is_err(), "{text}");
        }
        let rack: RAck = "776656 1 INVITE".parse().unwrap();
        assert_eq!(rack.to_string(), "776656 1 INVITE");
    }

    #[test]
    fn reasons_carry_cause_and_text() {
        let reason: Reason = r#"Q.850 ;cause=16 ;text="Normal, clearing""#.parse().unwrap();

        assert_eq!(reason, Reason::q850(16, "Normal, clearing"));
        assert!(reason.is_q850());
        assert_eq!(reason.to_string(), r#"Q.850;cause=16;text="Normal, clearing""#);
    }

    #[test]
    fn values_have_parameters() {
        let value: Parameterized = "application/sdp ;charset=utf-8".parse().unwrap();

        assert!(value.is("Application/SDP"));
        assert_eq!(value.params.get("charset"), Some("utf-8"));
        assert_eq!("1800;refresher=uac".parse::<Parameterized>().unwrap().number(), Some(1_800));
        assert!(";a=b".parse::<Parameterized>().is_err());
    }
}
