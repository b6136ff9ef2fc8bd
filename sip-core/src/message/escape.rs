//! `%XX` in URIs (RFC 3261 §19.1.2 and the comparison rules of §19.1.4).

/// The user part for a text: everything outside `unreserved` and `user-unreserved` is escaped.
pub(super) fn user(text: &str) -> String {
    escape(text, is_user_byte)
}

/// The value of a URI's header for a text: everything outside `unreserved` and `hnv-unreserved` is escaped.
pub(super) fn header(text: &str) -> String {
    escape(text, |byte| byte.is_ascii_alphanumeric() || b"-_.!~*'()[]/?:+$".contains(&byte))
}

fn escape(text: &str, is_plain: fn(u8) -> bool) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    let hex = |nibble: u8| HEX.get(usize::from(nibble)).map_or('0', |digit| char::from(*digit));
    for byte in text.bytes() {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    out
}

const fn is_user_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'_'
                | b'.'
                | b'!'
                | b'~'
                | b'*'
                | b'\''
                | b'('
                | b')'
                | b'&'
                | b'='
                | b'+'
                | b'$'
                | b','
                | b';'
                | b'?'
                | b'/'
        )
}

/// The text behind a wire form; bytes that are no UTF-8 become U+FFFD, broken escapes stay.
pub(super) fn decode(wire: &str) -> String {
    let bytes: Vec<u8> = Bytes(wire.as_bytes()).map(|(byte, _)| byte).collect();
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Whether each `%` starts two hexadecimal digits.
pub(super) fn is_well_formed(wire: &str) -> bool {
    !wire.contains('%') || Bytes(wire.as_bytes()).all(|(byte, escaped)| escaped || byte != b'%')
}

/// Equality through the escapes. An escaped reserved character differs from a plain one.
pub(super) fn equal(a: &str, b: &str) -> bool {
    a == b || (has_escape(a, b) && Bytes(a.as_bytes()).map(significant).eq(Bytes(b.as_bytes()).map(significant)))
}

/// As [`equal`], without regard to the case of letters.
pub(super) fn equal_ignoring_case(a: &str, b: &str) -> bool {
    let fold = |(byte, escaped): (u8, bool)| significant((byte.to_ascii_lowercase(), escaped));
    a.eq_ignore_ascii_case(b) || (has_escape(a, b) && Bytes(a.as_bytes()).map(fold).eq(Bytes(b.as_bytes()).map(fold)))
}

fn has_escape(a: &str, b: &str) -> bool {
    a.contains('%') || b.contains('%')
}

/// Escaping matters for reserved characters only.
const fn significant((byte, escaped): (u8, bool)) -> (u8, bool) {
    let reserved = matches!(byte, b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b',');
    (byte, escaped && reserved)
}

/// Bytes of a wire form, each with whether it was escaped.
struct Bytes<'a>(&'a [u8]);

impl Iterator for Bytes<'_> {
    type Item = (u8, bool);

    fn next(&mut self) -> Option<(u8, bool)> {
        if let [b'%', high, low, rest @ ..] = self.0
            && let (Some(high), Some(low)) = (nibble(*high), nibble(*low))
        {
            self.0 = rest;
            return Some((high << 4 | low, true));
        }
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some((*first, false))
    }
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_escaped_where_they_must_be() {
        assert_eq!(user("alice bob@x"), "alice%20bob%40x");
        assert_eq!(user("+49(30)1;ext=2"), "+49(30)1;ext=2");
        assert_eq!(user("é#"), "%C3%A9%23");
        assert_eq!(decode("alice%20bob%40x"), "alice bob@x");
        assert_eq!(decode("%zz%4"), "%zz%4");
        assert_eq!(decode("%ff"), "\u{fffd}");
    }

    #[test]
    fn escapes_of_plain_characters_do_not_matter() {
        assert!(equal("%61lice", "alice"));
        assert!(!equal("%61lice", "Alice"));
        assert!(equal_ignoring_case("%41lice", "alice"));
        assert!(!equal("a%3bb", "a;b"));
        assert!(equal("a%3bb", "a%3Bb"));
    }

    #[test]
    fn broken_escapes_are_seen() {
        assert!(is_well_formed("a%20b"));
        for text in ["%", "a%2", "%g0"] {
            assert!(!is_well_formed(text), "{text}");
        }
    }
}
