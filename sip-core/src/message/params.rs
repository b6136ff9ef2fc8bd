//! Parameters: of a header value (`;tag=a`, RFC 3261 §25.1 `generic-param`) and of a URI (§19.1.1).
//!
//! Values of URI parameters stay in their wire form: `%XX` is not decoded here.

use core::fmt;

use super::SyntaxError;
use super::limits::MAX_PARAMS;
use super::scan::{Cursor, is_token_byte, write_quoted};

/// Parameters in their order. Names compare without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<Param>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Param {
    name: String,
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    None,
    Plain(String),
    Quoted(String),
}

impl Value {
    fn text(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Plain(text) | Self::Quoted(text) => Some(text),
        }
    }
}

impl Params {
    /// No parameters.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of a parameter, quotes and escapes removed; none where the parameter is absent or has no value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name)?.value.text()
    }

    /// Whether the parameter is there, with a value or without.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Sets a parameter in its place, or adds it. A value that is no plain text is quoted on the wire.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        let value = match value {
            None => Value::None,
            Some(text) if is_plain(text) => Value::Plain(text.to_owned()),
            Some(text) => Value::Quoted(text.to_owned()),
        };
        self.put(name, value);
    }

    /// Sets a parameter whose grammar demands quotes, as `+sip.instance`.
    pub fn set_quoted(&mut self, name: &str, value: &str) {
        self.put(name, Value::Quoted(value.to_owned()));
    }

    /// Removes a parameter; tells whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0
            .retain(|param| !param.name.eq_ignore_ascii_case(name));
        self.0.len() < before
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0
            .iter()
            .map(|param| (param.name.as_str(), param.value.text()))
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, name: &str) -> Option<&Param> {
        self.0
            .iter()
            .find(|param| param.name.eq_ignore_ascii_case(name))
    }

    fn put(&mut self, name: &str, value: Value) {
        match self
            .0
            .iter_mut()
            .find(|param| param.name.eq_ignore_ascii_case(name))
        {
            Some(param) => param.value = value,
            None => self.0.push(Param {
                name: name.to_owned(),
                value,
            }),
        }
    }

    fn push(&mut self, name: &str, value: Value) -> Result<(), SyntaxError> {
        if self.0.len() >= MAX_PARAMS {
            return Err(SyntaxError("fewer parameters"));
        }
        if self.0.capacity() == 0 {
            self.0.reserve_exact(4);
        }
        self.0.push(Param {
            name: name.to_owned(),
            value,
        });
        Ok(())
    }

    /// Reads `;name[=value]…` to the end of a header value. One trailing semicolon is borne with.
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        let mut params = Self::new();
        while cursor.eat_spaced(b';') && !cursor.is_empty() {
            let name = cursor.token("a parameter name")?;
            let value = if cursor.eat_spaced(b'=') {
                header_value(cursor)?
            } else {
                Value::None
            };
            params.push(name, value)?;
        }
        cursor.skip_space();
        if cursor.is_empty() {
            Ok(params)
        } else {
            Err(SyntaxError("a parameter"))
        }
    }

    /// Reads the parameters of a URI up to `?` or the end.
    pub(super) fn parse_uri(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        let mut params = Self::new();
        while cursor.eat(b';') && !cursor.is_empty() {
            let name = cursor.take_while(is_uri_param_byte);
            if name.is_empty() {
                return Err(SyntaxError("a URI parameter name"));
            }
            let value = match cursor.eat(b'=') {
                true => Value::Plain(
                    cursor
                        .take_while(|byte| is_uri_param_byte(byte) || byte == b'=')
                        .to_owned(),
                ),
                false => Value::None,
            };
            params.push(name, value)?;
        }
        Ok(params)
    }
}

fn header_value(cursor: &mut Cursor<'_>) -> Result<Value, SyntaxError> {
    if cursor.peek() == Some(b'"') {
        return cursor.quoted().map(Value::Quoted);
    }
    match cursor.take_while(is_plain_byte) {
        "" => Err(SyntaxError("a parameter value")),
        text => Ok(Value::Plain(text.to_owned())),
    }
}

/// Wider than `token` and `host`: base64 and bare URIs occur in the wild and cannot be mistaken for anything else.
const fn is_plain_byte(byte: u8) -> bool {
    byte > b' ' && !matches!(byte, b';' | b',' | b'"' | b'<' | b'>' | b'\\' | 0x7f)
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_plain_byte)
}

/// `paramchar` of RFC 3261 §25.1, with characters beyond ASCII borne with.
const fn is_uri_param_byte(byte: u8) -> bool {
    is_token_byte(byte)
        || matches!(
            byte,
            b'(' | b')' | b'[' | b']' | b'/' | b':' | b'&' | b'$' | b'@' | b',' | 0x80..
        )
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for param in &self.0 {
            f.write_str(";")?;
            f.write_str(&param.name)?;
            match &param.value {
                Value::None => {}
                Value::Plain(text) => {
                    f.write_str("=")?;
                    f.write_str(text)?;
                }
                Value::Quoted(text) => {
                    f.write_str("=")?;
                    write_quoted(text, f)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Params, SyntaxError> {
        Params::parse(&mut Cursor::new(text))
    }

    #[test]
    fn names_ignore_case_and_order_survives() {
        let mut params =
            parse(r#" ; Branch = z9hG4bK1 ;rport;+sip.instance="<urn:uuid:1>" "#).unwrap();

        assert_eq!(params.get("branch"), Some("z9hG4bK1"));
        assert!(params.has("RPORT"));
        assert_eq!(params.get("rport"), None);
        params.set("rport", Some("5060"));
        params.set("note", Some("two words"));
        assert_eq!(
            params.to_string(),
            r#";Branch=z9hG4bK1;rport=5060;+sip.instance="<urn:uuid:1>";note="two words""#
        );
        assert!(params.remove("Rport") && !params.remove("rport"));
        assert_eq!(params.len(), 3);
    }

    #[test]
    fn broken_parameters_are_errors() {
        for text in [";;a", "; =b", ";a=", ";a=\"b", ";a b", "a", ";a=b,c"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&";a".repeat(MAX_PARAMS + 1)).is_err());
        assert_eq!(parse(";a;").unwrap().len(), 1);
    }
}
