//! The lexical rules of RFC 3261 §25.1: tokens, quoted strings, comma lists, white space.

use super::SyntaxError;

/// A kind of characters; several can be joined.
#[derive(Clone, Copy)]
pub(crate) struct Class(u8);

impl Class {
    /// `token`.
    pub(crate) const TOKEN: Self = Self(1);
    /// A letter, digit, hyphen or dot; the underscore is in no grammar and in many zones.
    pub(crate) const HOST: Self = Self(2);
    /// What a header parameter's value may hold without quotes. Wider than `token` and `host`: base64 and bare URIs
    /// occur in the wild and cannot be mistaken for anything else.
    pub(crate) const PLAIN: Self = Self(4);
    /// `paramchar`, with characters beyond ASCII borne with.
    pub(crate) const URI_PARAM: Self = Self(8);
    /// Everything but quotes and backslashes.
    pub(crate) const QUOTED: Self = Self(16);
    /// Everything but what matters in a comma list.
    pub(crate) const ITEM: Self = Self(32);
    /// Everything that may stand in a URI: no white space, control, or mark that delimits one.
    pub(crate) const URI: Self = Self(64);

    const fn of(byte: u8) -> u8 {
        let alphanumeric = byte.is_ascii_alphanumeric();
        let host = alphanumeric || matches!(byte, b'-' | b'.' | b'_');
        let token = host || matches!(byte, b'!' | b'%' | b'*' | b'+' | b'`' | b'\'' | b'~');
        let uri_param =
            token || matches!(byte, b'(' | b')' | b'[' | b']' | b'/' | b':' | b'&' | b'$' | b'@' | b',' | 0x80..);
        let visible = byte > b' ' && byte != 0x7f;
        let plain = visible && !matches!(byte, b';' | b',' | b'"' | b'<' | b'>' | b'\\');
        let quoted = !matches!(byte, b'"' | b'\\');
        let item = !matches!(byte, b',' | b'"' | b'<');
        let uri = visible && !matches!(byte, b'"' | b'<' | b'>');
        token as u8
            | (host as u8) << 1
            | (plain as u8) << 2
            | (uri_param as u8) << 3
            | (quoted as u8) << 4
            | (item as u8) << 5
            | (uri as u8) << 6
    }

    /// Whether a character is of this kind.
    pub(crate) fn has(self, byte: u8) -> bool {
        CLASSES.get(usize::from(byte)).is_some_and(|classes| classes & self.0 != 0)
    }

    /// How many bytes at the start are of this kind.
    pub(crate) fn run(self, bytes: &[u8]) -> usize {
        bytes.iter().position(|byte| !self.has(*byte)).unwrap_or(bytes.len())
    }
}

static CLASSES: [u8; 256] = classes();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = Class::of(byte as u8);
        byte += 1;
    }
    classes
}

/// How many bytes there are before the first of the controls up to CR, eight looked at at a time.
pub(crate) fn before_control(bytes: &[u8]) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let (words, _) = bytes.as_chunks::<8>();
    let is_free = |word: &&[u8; 8]| {
        let word = u64::from_le_bytes(**word);
        word.wrapping_sub(EACH * 0x0e) & !word & (EACH * 0x80) == 0
    };
    let start = words.iter().take_while(is_free).count() * 8;
    let rest = bytes.get(start..).unwrap_or_default();
    start + rest.iter().position(|byte| *byte <= b'\r').unwrap_or(rest.len())
}

/// Whether all of a text is one token.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && Class::TOKEN.run(text.as_bytes()) == text.len()
}

/// A number of decimal digits and nothing else, up to `u32::MAX`.
pub(crate) fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// Spaces and tabs at both ends removed (folding has been undone before).
pub(crate) fn trim(text: &str) -> &str {
    text.trim_ascii()
}

/// A text as a quoted string.
pub(crate) fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\' | '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\x7f') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

/// Reads a value from left to right.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// What has not been read.
    pub(crate) const fn rest(&self) -> &'a str {
        self.rest
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    pub(crate) fn skip_space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    /// Reads `byte` if it comes next.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.advance(1);
        }
        found
    }

    /// Reads `byte` with any white space around it.
    pub(crate) fn eat_spaced(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.eat(byte);
        if found {
            self.skip_space();
        }
        found
    }

    /// Reads the ASCII-delimited run whose bytes all satisfy `accept`.
    pub(crate) fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a str {
        let length = self.rest.bytes().position(|byte| !accept(byte)).unwrap_or(self.rest.len());
        self.advance(length)
    }

    /// Reads the run of bytes of a class.
    pub(crate) fn take(&mut self, class: Class) -> &'a str {
        self.advance(class.run(self.rest.as_bytes()))
    }

    pub(crate) fn token(&mut self, expected: &'static str) -> Result<&'a str, SyntaxError> {
        let token = self.take(Class::TOKEN);
        if token.is_empty() { Err(SyntaxError(expected)) } else { Ok(token) }
    }

    /// Reads a quoted string, of which the opening quote comes next, and undoes its escapes.
    pub(crate) fn quoted(&mut self) -> Result<String, SyntaxError> {
        const UNBALANCED: SyntaxError = SyntaxError("a closing quote");
        if !self.eat(b'"') {
            return Err(SyntaxError("a quoted string"));
        }
        let mut text = self.take(Class::QUOTED).to_owned();
        while !self.eat(b'"') {
            if !self.eat(b'\\') {
                return Err(UNBALANCED);
            }
            let escaped = self.rest.chars().next().ok_or(UNBALANCED)?;
            text.push(escaped);
            self.advance(escaped.len_utf8());
            text.push_str(self.take(Class::QUOTED));
        }
        Ok(text)
    }

    /// Reads a quoted string without keeping it; all of the rest where it does not end.
    fn skip_quoted(&mut self) {
        self.eat(b'"');
        while !self.is_empty() {
            self.take(Class::QUOTED);
            if self.eat(b'"') {
                return;
            }
            self.eat(b'\\');
            let escaped = self.rest.chars().next().map_or(0, char::len_utf8);
            self.advance(escaped);
        }
    }

    /// Reads `length` bytes; nothing where that would split a character.
    pub(crate) fn advance(&mut self, length: usize) -> &'a str {
        let (read, rest) = self.rest.split_at_checked(length).unwrap_or(("", self.rest));
        self.rest = rest;
        read
    }
}

/// The items of a comma list, trimmed; commas inside quotes and angle brackets do not separate. Empty items are
/// dropped (RFC 3261 §7.3.1 allows none, RFC 9110 §5.6.1 tells readers to bear with them).
#[derive(Clone, Debug)]
pub(crate) struct Values<'a> {
    rest: Option<&'a str>,
}

impl<'a> Values<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { rest: Some(text) }
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let text = self.rest?;
            let length = item_length(text);
            let (item, rest) = text.split_at_checked(length)?;
            self.rest = rest.strip_prefix(',');
            let item = trim(item);
            if !item.is_empty() {
                return Some(item);
            }
        }
    }
}

/// How far the first item of a comma list goes.
fn item_length(text: &str) -> usize {
    let mut cursor = Cursor::new(text);
    loop {
        cursor.take(Class::ITEM);
        match cursor.peek() {
            Some(b'"') => cursor.skip_quoted(),
            Some(b'<') => drop(cursor.take_while(|byte| byte != b'>')),
            _ => return text.len() - cursor.rest.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Vec<&str> {
        Values::new(text).collect()
    }

    #[test]
    fn commas_in_quotes_and_brackets_do_not_separate() {
        let text = r#""a, \"b" <sip:x,y@z>;q=1 , <sip:c>,, d"#;

        assert_eq!(items(text), [r#""a, \"b" <sip:x,y@z>;q=1"#, "<sip:c>", "d"]);
        assert!(items("").is_empty());
        assert!(items(" ,\t,").is_empty());
    }

    #[test]
    fn quoted_strings_lose_their_escapes_and_get_them_back() {
        let mut cursor = Cursor::new(r#""a\"b\\c é" rest"#);

        let text = cursor.quoted().unwrap();

        assert_eq!(text, r#"a"b\c é"#);
        assert_eq!(cursor.take_while(|_| true), " rest");
        let mut wire = String::new();
        write_quoted(&text, &mut wire);
        assert_eq!(wire, r#""a\"b\\c é""#);
    }

    #[test]
    fn an_open_quote_is_an_error() {
        for text in [r#"""#, r#""a"#, r#""a\"#, r#""a\""#] {
            assert!(Cursor::new(text).quoted().is_err(), "{text}");
        }
    }

    #[test]
    fn controls_are_found_wherever_they_are() {
        for length in 0..40 {
            let mut bytes = vec![b'\x0e'; length];
            assert_eq!(before_control(&bytes), length);
            for (at, control) in (0..length).zip([0, b'\r', b'\n', b'\t'].into_iter().cycle()) {
                bytes[at] = control;
                assert_eq!(before_control(&bytes), at);
                bytes[at] = 0xff;
            }
        }
    }

    #[test]
    fn numbers_are_digits_only() {
        assert_eq!(number("007"), Some(7));
        assert_eq!(number("4294967295"), Some(u32::MAX));
        for text in ["", "+1", "-1", "4294967296", "1 "] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
