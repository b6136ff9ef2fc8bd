//! From what a person types to a SIP URI.
//!
//! Accepts `sip:`, `sips:` and `tel:` URIs, `bob@example.com`, and a name or number alone, which belongs to the
//! account's domain. Numbers may carry the separators that people write (RFC 3966 §5.1.1). No dial plan: what a
//! number means is the server's business.

use sip_core::message::{Host, Scheme, Uri};

use crate::types::{ErrorCode, ErrorInfo};

/// Longer ones are mistakes.
const MAX_TARGET: usize = 512;

/// The Request-URI for `text`; a name without a domain gets `home`.
pub(super) fn parse(text: &str, home: &Host) -> Result<Uri, Box<ErrorInfo>> {
    let text = text.trim();
    let uri = if text.len() > MAX_TARGET { None } else { uri(text, home) };
    uri.ok_or_else(|| ErrorInfo::new(ErrorCode::InvalidTarget))
}

fn uri(text: &str, home: &Host) -> Option<Uri> {
    let scheme = text.split(':').next().unwrap_or_default();
    if ["sip", "sips", "tel"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        let uri: Uri = text.parse().ok()?;
        return match uri.scheme {
            Scheme::Tel => number(uri.user.as_deref()?).map(|number| at(&number, home)),
            _ => Some(uri.to_request_uri()),
        };
    }
    if text.contains('@') {
        return ["sip:", text].concat().parse().ok();
    }
    let user = number(text).or_else(|| name(text))?;
    Some(at(&user, home))
}

fn at(user: &str, home: &Host) -> Uri {
    Uri::sip(Some(user), home.clone(), None)
}

/// A phone number without its visual separators.
fn number(text: &str) -> Option<String> {
    let is_digit = |letter: char| letter.is_ascii_digit() || matches!(letter, '*' | '#');
    let is_separator = |letter: char| matches!(letter, ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}');
    let digits: String = text.chars().filter(|letter| !is_separator(*letter)).collect();
    let rest = digits.strip_prefix('+').unwrap_or(&digits);
    (!rest.is_empty() && rest.chars().all(is_digit)).then_some(digits)
}

/// A user name: anything without spaces and control characters; what needs it is escaped later.
fn name(text: &str) -> Option<String> {
    let fits =
        |letter: char| !letter.is_whitespace() && !letter.is_control() && !matches!(letter, '<' | '>' | '"' | ':');
    (!text.is_empty() && text.chars().all(fits)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<String> {
        parse(text, &Host::Name("example.com".to_owned())).ok().map(|uri| uri.to_string())
    }

    #[test]
    fn names_and_numbers_belong_to_the_accounts_domain() {
        assert_eq!(parsed("echo").as_deref(), Some("sip:echo@example.com"));
        assert_eq!(parsed(" +49 (30) 12-34 ").as_deref(), Some("sip:+493012 34@example.com".replace(' ', "").as_str()));
        assert_eq!(parsed("tel:+49-30-1234").as_deref(), Some("sip:+49301234@example.com"));
        assert_eq!(parsed("*61#").as_deref(), Some("sip:*61%23@example.com"));
    }

    #[test]
    fn addresses_keep_their_domain() {
        assert_eq!(parsed("bob@192.0.2.7:5070").as_deref(), Some("sip:bob@192.0.2.7:5070"));
        assert_eq!(parsed("sip:bob@example.net;transport=tcp").as_deref(), Some("sip:bob@example.net;transport=tcp"));
        assert_eq!(parsed("sips:bob@example.net").as_deref(), Some("sips:bob@example.net"));
    }

    #[test]
    fn nonsense_is_refused_with_a_sentence() {
        for text in ["", "  ", "two words", "http://example.com", "sip:", "@", "bob@", "a\r\nVia: x", "<bob>"] {
            let error = parse(text, &Host::Name("example.com".to_owned())).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidTarget, "{text:?}");
        }
        assert!(parse(&"1".repeat(600), &Host::Name("example.com".to_owned())).is_err());
    }
}
