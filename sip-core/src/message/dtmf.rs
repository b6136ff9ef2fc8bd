//! Digits in the body of an INFO: `application/dtmf-relay`, as Cisco began it, and `application/dtmf`.
//!
//! No RFC defines either (RFC 6086 §A calls such usages legacy); this reads what telephones and exchanges send, and
//! writes what they read.

use super::{Method, Request};
use crate::time::Duration;

/// `Signal=5` and `Duration=160`, a line each.
pub const RELAY: &str = "application/dtmf-relay";
/// The digit alone.
pub const PLAIN: &str = "application/dtmf";

/// The value of an Accept header that names both.
pub const BOTH: &str = "application/dtmf-relay, application/dtmf";

/// A digit without a duration of its own.
const TONE: Duration = Duration::from_millis(100);
/// Milliseconds that a tone may be asked for.
const SHORTEST: u64 = 40;
const LONGEST: u64 = 6_000;
/// Digits in one body.
const MAX_DIGITS: usize = 32;

/// What an INFO says about digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Info {
    /// Somebody pressed these: `0-9`, `A-D`, `*` and `#`, each for so long.
    Digits(String, Duration),
    /// It is about digits, but cannot be read: 400.
    Malformed,
    /// It has a body of another kind.
    Other,
    /// It has no body.
    Empty,
}

impl Info {
    /// Reads an INFO; any other request is `Other`.
    #[must_use]
    pub fn read(request: &Request) -> Self {
        if request.method != Method::Info {
            return Self::Other;
        }
        if request.body.is_empty() {
            return Self::Empty;
        }
        let kind = request.headers.content_type();
        let body = core::str::from_utf8(&request.body).unwrap_or_default();
        let read = match &kind {
            Some(kind) if kind.is(RELAY) => relay(body),
            Some(kind) if kind.is(PLAIN) => relay(body).or_else(|| digits(body.trim()).map(|digits| (digits, TONE))),
            _ => return Self::Other,
        };
        read.map_or(Self::Malformed, |(digits, duration)| Self::Digits(digits, duration))
    }
}

/// The content type and body of an INFO for one digit.
#[must_use]
pub fn body(content_type: &str, digit: char, duration: Duration) -> (String, Vec<u8>) {
    let mut text = String::new();
    if content_type == RELAY {
        text.push_str("Signal=");
        text.push(digit);
        text.push_str("\r\nDuration=");
        super::text::push_number(&mut text, duration.as_secs() * 1_000 + u64::from(duration.subsec_millis()));
        text.push_str("\r\n");
    } else {
        text.push(digit);
    }
    (content_type.to_owned(), text.into_bytes())
}

fn relay(body: &str) -> Option<(String, Duration)> {
    let field = |name: &str| {
        let mut fields = body.lines().filter_map(|line| line.split_once('='));
        fields.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let duration = match field("duration") {
        Some(text) => Duration::from_millis(text.parse::<u64>().ok()?.clamp(SHORTEST, LONGEST)),
        None => TONE,
    };
    // Some write the number of the event (RFC 4733 §3.2).
    let digits = match field("signal")? {
        "10" => "*".to_owned(),
        "11" => "#".to_owned(),
        "12" => "A".to_owned(),
        "13" => "B".to_owned(),
        "14" => "C".to_owned(),
        "15" => "D".to_owned(),
        text => digits(text).filter(|digits| digits.len() == 1)?,
    };
    Some((digits, duration))
}

fn digits(text: &str) -> Option<String> {
    let text = text.to_ascii_uppercase();
    let is_digit = |digit: char| matches!(digit, '0'..='9' | 'A'..='D' | '*' | '#');
    (!text.is_empty() && text.len() <= MAX_DIGITS && text.chars().all(is_digit)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(kind: &str, body: &str) -> Info {
        let mut request = Request::new(Method::Info, "sip:a@b.example".parse().unwrap());
        request.set_body(kind, body.as_bytes().to_vec());
        Info::read(&request)
    }

    fn pressed(digits: &str, millis: u64) -> Info {
        Info::Digits(digits.to_owned(), Duration::from_millis(millis))
    }

    #[test]
    fn both_bodies_are_read_as_telephones_write_them() {
        assert_eq!(info(RELAY, "Signal=5\r\nDuration=160\r\n"), pressed("5", 160));
        assert_eq!(info("Application/DTMF-Relay", "signal= * \nduration= 250"), pressed("*", 250));
        assert_eq!(info(RELAY, "Signal=11\r\nDuration=9000"), pressed("#", 6_000));
        assert_eq!(info(RELAY, "Signal=d"), pressed("D", 100));
        assert_eq!(info(PLAIN, "7\r\n"), pressed("7", 100));
        assert_eq!(info(PLAIN, "12#"), pressed("12#", 100));
        assert_eq!(info(PLAIN, "Signal=1\r\nDuration=200"), pressed("1", 200));
    }

    #[test]
    fn what_cannot_be_read_is_told_from_what_is_something_else() {
        for broken in ["Signal=\r\n", "Signal=X", "Duration=100", "Signal=5\r\nDuration=long", "Signal=55", "\u{0}"] {
            assert_eq!(info(RELAY, broken), Info::Malformed, "{broken:?}");
        }
        assert_eq!(info(PLAIN, "five"), Info::Malformed);
        assert_eq!(info("text/plain", "5"), Info::Other);
        assert_eq!(info(RELAY, ""), Info::Empty);
        let mut message = Request::new(Method::Message, "sip:a@b.example".parse().unwrap());
        message.set_body(PLAIN, b"5".to_vec());
        assert_eq!(Info::read(&message), Info::Other);
    }

    #[test]
    fn what_is_written_is_read() {
        for kind in [RELAY, PLAIN] {
            let (kind, body) = body(kind, '#', Duration::from_millis(100));
            assert_eq!(info(&kind, core::str::from_utf8(&body).unwrap()), pressed("#", 100));
        }
    }
}
