//! Parameters: of a header value (`;tag=a`, RFC 3261 §25.1 `generic-param`) and of a URI (§19.1.1).
//!
//! Values of URI parameters stay in their wire form: `%XX` is not decoded here.

use super::SyntaxError;
use super::limits::MAX_PARAMS;
use super::scan::{Class, Cursor, write_quoted};
use super::text::text;

/// Parameters in their order. Names compare without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<Param>);

/// Name and value lie in one text: half the allocations of a message are parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Param {
    text: String,
    name_length: usize,
    value: Value,
}

/// How the value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    None,
    Plain,
    Quoted,
}

impl Param {
    fn new(name: &str, value: &str, kind: Value) -> Self {
        let mut text = String::with_capacity(name.len() + value.len());
        text.push_str(name);
        text.push_str(value);
        Self { text, name_length: name.len(), value: kind }
    }

    fn name(&self) -> &str {
        self.text.get(..self.name_length).unwrap_or_default()
    }

    fn value(&self) -> Option<&str> {
        match self.value {
            Value::None => None,
            Value::Plain | Value::Quoted => self.text.get(self.name_length..),
        }
    }

    fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
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
        self.find(name)?.value()
    }

    /// Whether the parameter is there, with a value or without.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Sets a parameter in its place, or adds it. A value that is no plain text is quoted on the wire.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        let kind = match value {
            None => Value::None,
            Some(text) if is_plain(text) => Value::Plain,
            Some(_) => Value::Quoted,
        };
        self.put(name, value.unwrap_or_default(), kind);
    }

    /// Sets a parameter whose grammar demands quotes, as `+sip.instance`.
    pub fn set_quoted(&mut self, name: &str, value: &str) {
        self.put(name, value, Value::Quoted);
    }

    /// Removes a parameter; tells whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|param| !param.is(name));
        self.0.len() < before
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|param| (param.name(), param.value()))
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
        self.0.iter().find(|param| param.is(name))
    }

    fn put(&mut self, name: &str, value: &str, kind: Value) {
        let new = Param::new(name, value, kind);
        match self.0.iter_mut().find(|param| param.is(name)) {
            Some(param) => *param = new,
            None => self.0.push(new),
        }
    }

    fn push(&mut self, param: Param) -> Result<(), SyntaxError> {
        if self.0.len() >= MAX_PARAMS {
            return Err(SyntaxError("fewer parameters"));
        }
        if self.0.capacity() == 0 {
            self.0.reserve_exact(4);
        }
        self.0.push(param);
        Ok(())
    }

    /// Reads `;name[=value]…` to the end of a header value. One trailing semicolon is borne with.
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        let mut params = Self::new();
        while cursor.eat_spaced(b';') && !cursor.is_empty() {
            let name = cursor.token("a parameter name")?;
            params.push(match cursor.eat_spaced(b'=') {
                true => with_value(name, cursor)?,
                false => Param::new(name, "", Value::None),
            })?;
        }
        cursor.skip_space();
        if cursor.is_empty() { Ok(params) } else { Err(SyntaxError("a parameter")) }
    }

    /// Reads the parameters of a URI up to `?` or the end.
    pub(super) fn parse_uri(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        let mut params = Self::new();
        while cursor.eat(b';') && !cursor.is_empty() {
            let name = cursor.take(Class::URI_PARAM);
            if name.is_empty() {
                return Err(SyntaxError("a URI parameter name"));
            }
            params.push(match cursor.eat(b'=') {
                true => Param::new(name, uri_value(cursor), Value::Plain),
                false => Param::new(name, "", Value::None),
            })?;
        }
        Ok(params)
    }
}

fn with_value(name: &str, cursor: &mut Cursor<'_>) -> Result<Param, SyntaxError> {
    if cursor.peek() == Some(b'"') {
        return Ok(Param::new(name, &cursor.quoted()?, Value::Quoted));
    }
    match cursor.take(Class::PLAIN) {
        "" => Err(SyntaxError("a parameter value")),
        value => Ok(Param::new(name, value, Value::Plain)),
    }
}

/// No grammar allows an equals sign in it; some senders put one there.
fn uri_value<'a>(cursor: &mut Cursor<'a>) -> &'a str {
    cursor.take_while(|byte| Class::URI_PARAM.has(byte) || byte == b'=')
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && Class::PLAIN.run(text.as_bytes()) == text.len()
}

impl Params {
    pub(crate) fn write_to(&self, out: &mut String) {
        for param in &self.0 {
            out.push(';');
            out.push_str(param.name());
            let Some(value) = param.value() else { continue };
            out.push('=');
            match param.value {
                Value::Quoted => write_quoted(value, out),
                Value::None | Value::Plain => out.push_str(value),
            }
        }
    }
}

text!(Params);

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Params, SyntaxError> {
        Params::parse(&mut Cursor::new(text))
    }

    #[test]
    fn names_ignore_case_and_order_survives() {
        let mut params = parse(r#" ; Branch = z9hG4bK1 ;rport;+sip.instance="<urn:uuid:1>" "#).unwrap();

        assert_eq!(params.get("branch"), Some("z9hG4bK1"));
        assert!(params.has("RPORT"));
        assert_eq!(params.get("rport"), None);
        params.set("rport", Some("5060"));
        params.set("note", Some("two words"));
        assert_eq!(params.to_string(), r#";Branch=z9hG4bK1;rport=5060;+sip.instance="<urn:uuid:1>";note="two words""#);
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
