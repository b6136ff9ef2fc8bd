//! Bytes to messages (RFC 3261 §7 and §25): start line, unfolded rows, the headers that must be there, the body.
//!
//! Lenient where senders are known to differ and nothing can be mistaken; strict on line ends, NUL, lengths and
//! duplicates, because two readers of one message must not see two messages.

use std::borrow::Cow;

use super::scan::{Class, Cursor, before_control, number, trim};
use super::{
    Fault, HeaderError, HeaderName, Headers, Message, Method, ParseError, Request, Response, StatusCode, SyntaxError,
    Uri, limits,
};

pub(super) fn parse(bytes: &[u8]) -> Result<Message, ParseError> {
    let bytes = &with_cr_lf(skip_line_ends(bytes));
    if bytes.is_empty() {
        return Err(ParseError::new(Fault::Empty));
    }
    let mut reader = Reader::new(bytes);
    if bytes.len() > limits::MAX_MESSAGE {
        reader.fail(Fault::TooLarge);
    }
    let Some(line) = reader.line() else {
        return Err(reader.start_line_too_long(bytes));
    };
    if line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("SIP/")) {
        reader.response(&line)
    } else {
        reader.request(&line)
    }
}

/// Line ends before the start line are ignored (RFC 3261 §7.5).
fn skip_line_ends(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

/// Some senders end all their lines with LF alone, which nobody can mistake. LF and CR LF in one header section stay a fault.
fn with_cr_lf(bytes: &[u8]) -> Cow<'_, [u8]> {
    let first = bytes.iter().take(limits::MAX_LINE).position(|byte| *byte == b'\n');
    if first.is_none_or(|first| bytes.get(..first).is_some_and(|line| line.ends_with(b"\r"))) {
        return Cow::Borrowed(bytes);
    }
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").map_or(bytes.len(), |at| at + 2);
    let (head, body) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
    if head.contains(&b'\r') {
        return Cow::Borrowed(bytes);
    }
    let ends = head.iter().filter(|byte| **byte == b'\n').count();
    let mut whole = Vec::with_capacity(bytes.len() + ends);
    for byte in head {
        if *byte == b'\n' {
            whole.push(b'\r');
        }
        whole.push(*byte);
    }
    whole.extend_from_slice(body);
    Cow::Owned(whole)
}

/// Reads on after a fault, so that the broken request can be answered; the first fault is the one that counts.
struct Reader<'a> {
    /// The whole message, as far as it is UTF-8.
    text: &'a str,
    length: usize,
    rest: &'a [u8],
    fault: Option<Fault>,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let text = core::str::from_utf8(bytes).unwrap_or_else(|error| {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            core::str::from_utf8(valid).unwrap_or_default()
        });
        Self { text, length: bytes.len(), rest: bytes, fault: None }
    }

    fn fail(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    /// A request line beyond the limit is no reason to leave its sender without an answer: its rows say where to.
    fn start_line_too_long(&mut self, bytes: &[u8]) -> ParseError {
        let fault = self.fault.take().unwrap_or(Fault::StartLine);
        let method = bytes.split(|byte| *byte == b' ').next().and_then(|word| core::str::from_utf8(word).ok());
        let Some(method) = method.and_then(|word| word.parse().ok()).filter(|_| fault == Fault::TooLarge) else {
            return ParseError::new(fault);
        };
        let mut request = Request::new(method, self.no_uri());
        (request.headers, request.body) = self.headers_and_body();
        if is_answerable(&request) { ParseError::answerable(fault, request) } else { ParseError::new(fault) }
    }

    fn request(&mut self, line: &str) -> Result<Message, ParseError> {
        let (method, uri) = self.request_line(line)?;
        let mut request = Request::new(method, uri);
        (request.headers, request.body) = self.headers_and_body();
        if let Err(fault) = check(&request.headers, Some(&request.method)) {
            self.fail(fault);
        }
        match self.fault.take() {
            None => Ok(Message::Request(request)),
            Some(fault) if is_answerable(&request) => Err(ParseError::answerable(fault, request)),
            Some(fault) => Err(ParseError::new(fault)),
        }
    }

    /// `INVITE sip:… SIP/2.0`. What begins like this and goes wrong is still a request.
    fn request_line(&mut self, line: &str) -> Result<(Method, Uri), ParseError> {
        let not_sip = || ParseError::new(Fault::StartLine);
        let (method, rest) = line.split_once(' ').ok_or_else(not_sip)?;
        let method = method.parse().map_err(|_| not_sip())?;
        let (uri, version) = rest.rsplit_once(' ').ok_or_else(not_sip)?;
        if !trim(rest).rsplit_once(' ').is_some_and(|(_, version)| is_version(version)) {
            return Err(not_sip());
        }
        match version {
            _ if version.eq_ignore_ascii_case("SIP/2.0") => {}
            "" => self.fail(Fault::StartLine),
            _ => self.fail(Fault::Version),
        }
        let uri = uri.parse::<Uri>().ok().filter(|uri| uri.headers.is_empty());
        Ok((method, uri.unwrap_or_else(|| self.no_uri())))
    }

    /// What stands in for a Request-URI that cannot be read, or has headers, which must not be there (§19.1.1).
    fn no_uri(&mut self) -> Uri {
        self.fail(Fault::StartLine);
        Uri::sip(None, super::Host::Name("invalid".to_owned()), None)
    }

    fn response(&mut self, line: &str) -> Result<Message, ParseError> {
        let (status, reason) = status_line(line).map_err(ParseError::new)?;
        let mut response = Response { status, reason: reason.to_owned(), headers: Headers::new(), body: Vec::new() };
        (response.headers, response.body) = self.headers_and_body();
        if let Err(fault) = check(&response.headers, None) {
            self.fail(fault);
        }
        match self.fault.take() {
            None => Ok(Message::Response(response)),
            Some(fault) => Err(ParseError::new(fault)),
        }
    }

    /// The rows, and the body behind the empty line.
    fn headers_and_body(&mut self) -> (Headers, Vec<u8>) {
        let mut headers = Headers::with_capacity(20);
        let mut length = None;
        loop {
            match self.line() {
                None => {
                    self.fail(Fault::Unterminated);
                    return (headers, Vec::new());
                }
                Some(line) if line.is_empty() => break,
                Some(_) if headers.len() >= limits::MAX_HEADERS => {
                    self.fail(Fault::TooLarge);
                    return (headers, Vec::new());
                }
                Some(line) => self.row(&line, &mut headers, &mut length),
            }
        }
        let body = self.body(length).to_vec();
        (headers, body)
    }

    fn row(&mut self, line: &str, headers: &mut Headers, length: &mut Option<usize>) {
        let mut cursor = Cursor::new(line);
        let name = cursor.take(Class::TOKEN);
        if name.is_empty() || !cursor.eat_spaced(b':') {
            return self.fail(Fault::HeaderLine);
        }
        let value = trim(cursor.rest());
        match HeaderName::of_token(name) {
            HeaderName::ContentLength if length.is_some() => self.fail(Fault::Duplicate(HeaderName::ContentLength)),
            HeaderName::ContentLength => match number(value) {
                Some(promised) => *length = Some(promised as usize),
                None => self.fail(malformed(HeaderName::ContentLength)),
            },
            name => headers.push(name, value),
        }
    }

    /// Without Content-Length the body goes to the end of the datagram or frame; with one, the rest is no part of the
    /// message (RFC 3261 §18.3).
    fn body(&mut self, length: Option<usize>) -> &'a [u8] {
        let Some(length) = length else {
            return self.rest;
        };
        self.rest.get(..length).unwrap_or_else(|| {
            self.fail(Fault::ContentLength);
            self.rest
        })
    }

    /// The next line with its continuation lines; none at the end of the input.
    fn line(&mut self) -> Option<Cow<'a, str>> {
        let mut line = self.text_line()?;
        while !line.is_empty() && matches!(self.rest.first(), Some(b' ' | b'\t')) {
            let next = self.text_line()?;
            let whole = line.to_mut();
            whole.truncate(whole.trim_ascii_end().len());
            whole.push(' ');
            whole.push_str(trim(&next));
            if whole.len() > limits::MAX_LINE {
                self.fail(Fault::TooLarge);
                return None;
            }
        }
        Some(line)
    }

    fn text_line(&mut self) -> Option<Cow<'a, str>> {
        let start = self.length - self.rest.len();
        let line = self.raw_line()?;
        if line.len() > limits::MAX_LINE {
            self.fail(Fault::TooLarge);
            return None;
        }
        let known = self.text.get(start..start + line.len());
        Some(known.map_or_else(|| text(line), Cow::Borrowed))
    }

    /// Bytes up to CR LF. A CR or LF alone, or a NUL that no backslash escapes (§25.1 `quoted-pair`), is a fault.
    fn raw_line(&mut self) -> Option<&'a [u8]> {
        let mut end = 0;
        loop {
            end += before_control(self.rest.get(end..)?);
            let (line, rest) = self.rest.split_at_checked(end)?;
            match rest {
                [b'\r', b'\n', rest @ ..] => {
                    self.rest = rest;
                    return Some(line);
                }
                [] => return None,
                [0, ..] if line.last() == Some(&b'\\') => {}
                [0 | b'\r' | b'\n', ..] => self.fail(Fault::HeaderLine),
                _ => {}
            }
            end += 1;
        }
    }
}

/// UTF-8; where it is none, Latin-1, which old exchanges send in display names.
fn text(line: &[u8]) -> Cow<'_, str> {
    match core::str::from_utf8(line) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(line.iter().map(|byte| char::from(*byte)).collect()),
    }
}

fn is_version(text: &str) -> bool {
    text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("SIP/"))
}

/// `SIP/2.0 180 Ringing`; the phrase may be missing, and the space before it too.
fn status_line(line: &str) -> Result<(StatusCode, &str), Fault> {
    let (version, rest) = line.split_once(' ').ok_or(Fault::StartLine)?;
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        return Err(Fault::Version);
    }
    let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    let number = number(code).filter(|_| code.len() == 3);
    let status = number.and_then(|code| StatusCode::new(u16::try_from(code).ok()?));
    Ok((status.ok_or(Fault::StartLine)?, reason))
}

/// The headers without which a message means nothing (§8.1.1), each once, each readable. Max-Forwards may be missing:
/// RFC 2543 did not know it.
fn check(headers: &Headers, method: Option<&Method>) -> Result<(), Fault> {
    check_single(headers)?;
    headers.via().map_err(Fault::Header)?;
    headers.from().map_err(Fault::Header)?;
    headers.to().map_err(Fault::Header)?;
    headers.call_id().map_err(Fault::Header)?;
    let cseq = headers.cseq().map_err(Fault::Header)?;
    if headers.has(&HeaderName::MaxForwards) && headers.max_forwards().is_none() {
        return Err(malformed(HeaderName::MaxForwards));
    }
    match method {
        Some(method) if *method != cseq.method => Err(Fault::MethodMismatch),
        _ => Ok(()),
    }
}

fn check_single(headers: &Headers) -> Result<(), Fault> {
    let mut seen = 0_u8;
    for row in headers {
        let bit = match row.name {
            HeaderName::From => 1,
            HeaderName::To => 2,
            HeaderName::CallId => 4,
            HeaderName::CSeq => 8,
            HeaderName::MaxForwards => 16,
            _ => 0,
        };
        if seen & bit != 0 {
            return Err(Fault::Duplicate(row.name.clone()));
        }
        seen |= bit;
    }
    Ok(())
}

fn malformed(name: HeaderName) -> Fault {
    Fault::Header(HeaderError::malformed(name, SyntaxError("a number")))
}

/// Whether a response finds its way back: its Via rows are copied, readable or not. ACK has no response.
fn is_answerable(request: &Request) -> bool {
    request.method != Method::Ack && request.headers.has(&HeaderName::Via)
}
