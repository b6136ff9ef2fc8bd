//! The lexical rules of RFC 3261 §25.1: tokens, quoted strings, comma lists, white space.

use super::SyntaxError;

/// A character of `token`.
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    matches!(
        byte,
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
    )
}

/// Whether all of a text is one token.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// A number of decimal digits and nothing else, up to `u32::MAX`.
pub(crate) fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// Spaces and tabs at both ends removed (folding has been undone before).
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// A text as a quoted string.
pub(crate) fn write_quoted(text: &str, f: &mut impl core::fmt::Write) -> core::fmt::Result {
    f.write_char('"')?;
    for character in text.chars() {
        if matches!(character, '"' | '\\' | '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\x7f')
        {
            f.write_char('\\')?;
        }
        f.write_char(character)?;
    }
    f.write_char('"')
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

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    pub(crate) fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
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
        let length = self
            .rest
            .bytes()
            .position(|byte| !accept(byte))
            .unwrap_or(self.rest.len());
        self.advance(length)
    }

    pub(crate) fn token(&mut self, expected: &'static str) -> Result<&'a str, SyntaxError> {
        let token = self.take_while(is_token_byte);
        if token.is_empty() {
            Err(SyntaxError(expected))
        } else {
            Ok(token)
        }
    }

    /// Reads a quoted string, of which the opening quote comes next, and undoes its escapes.
    pub(crate) fn quoted(&mut self) -> Result<String, SyntaxError> {
        const UNBALANCED: SyntaxError = SyntaxError("a closing quote");
        if !self.eat(b'"') {
            return Err(SyntaxError("a quoted string"));
        }
        let plain = self.take_while(|byte| !matches!(byte, b'"' | b'\\'));
        let mut text = plain.to_owned();
        while !self.eat(b'"') {
            if !self.eat(b'\\') {
                return Err(UNBALANCED);
            }
            let escaped = self.rest.chars().next().ok_or(UNBALANCED)?;
            text.push(escaped);
            self.advance(escaped.len_utf8());
            text.push_str(self.take_while(|byte| !matches!(byte, b'"' | b'\\')));
        }
        Ok(text)
    }

    /// Reads `length` bytes; nothing where that would split a character.
    pub(crate) fn advance(&mut self, length: usize) -> &'a str {
        let (read, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or(("", self.rest));
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
            let length = item_length(text.as_bytes());
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
fn item_length(bytes: &[u8]) -> usize {
    let (mut quoted, mut bracketed, mut escaped) = (false, false, false);
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if !bracketed => quoted = !quoted,
            _ if quoted => {}
            b'<' => bracketed = true,
            b'>' => bracketed = false,
            b',' if !bracketed => return index,
            _ => {}
        }
    }
    bytes.len()
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
        write_quoted(&text, &mut wire).unwrap();
        assert_eq!(wire, r#""a\"b\\c é""#);
    }

    #[test]
    fn an_open_quote_is_an_error() {
        for text in [r#"""#, r#""a"#, r#""a\"#, r#""a\""#] {
            assert!(Cursor::new(text).quoted().is_err(), "{text}");
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
