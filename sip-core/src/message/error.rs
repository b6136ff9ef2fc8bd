//! What can be wrong with a message, and what to answer (RFC 3261 §8.2, §16.3).

use super::text::text;
use super::{HeaderName, Request, StatusCode};

/// A value that does not follow its grammar; the text names what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxError(pub &'static str);

impl SyntaxError {
    pub(crate) fn write_to(&self, out: &mut String) {
        out.push_str("expected ");
        out.push_str(self.0);
    }
}

impl core::error::Error for SyntaxError {}

/// A header that a message lacks, or that cannot be read.
///
/// One pointer wide: every reading of a header may return it, and few do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderError(Box<(HeaderName, Option<SyntaxError>)>);

impl HeaderError {
    /// There is no such header.
    #[must_use]
    pub fn missing(name: HeaderName) -> Self {
        Self(Box::new((name, None)))
    }

    /// Its value breaks its grammar.
    #[must_use]
    pub fn malformed(name: HeaderName, error: SyntaxError) -> Self {
        Self(Box::new((name, Some(error))))
    }

    /// Which header.
    #[must_use]
    pub fn name(&self) -> &HeaderName {
        &self.0.0
    }

    /// What is wrong with its value; none where it is missing.
    #[must_use]
    pub fn syntax(&self) -> Option<SyntaxError> {
        self.0.1
    }

    pub(crate) fn write_to(&self, out: &mut String) {
        out.push_str(self.name().as_str());
        match self.syntax() {
            None => out.push_str(" is missing"),
            Some(error) => {
                out.push_str(": ");
                error.write_to(out);
            }
        }
    }
}

impl core::error::Error for HeaderError {}

/// What is wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing but line ends: a keep-alive (RFC 5626 §3.5.1).
    Empty,
    /// Longer than [`limits::MAX_MESSAGE`](super::limits::MAX_MESSAGE), or a line or the number of lines above its limit.
    TooLarge,
    /// The first line is neither a request line nor a status line.
    StartLine,
    /// A version other than SIP/2.0.
    Version,
    /// A line that is no header, or bytes that no header may hold.
    HeaderLine,
    /// The header section does not end.
    Unterminated,
    /// A header that must be there once is missing or cannot be read.
    Header(HeaderError),
    /// A header that may be there once is there again.
    Duplicate(HeaderName),
    /// Content-Length promises more than came.
    ContentLength,
    /// CSeq names another method than the request line.
    MethodMismatch,
}

impl Fault {
    /// A short name for logs and counters.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Empty => "empty message",
            Self::TooLarge => "message too large",
            Self::StartLine => "bad start line",
            Self::Version => "version not supported",
            Self::HeaderLine => "bad header line",
            Self::Unterminated => "header section without end",
            Self::Header(error) if error.syntax().is_none() => "missing header",
            Self::Header(_) => "bad header",
            Self::Duplicate(_) => "duplicate header",
            Self::ContentLength => "body shorter than Content-Length",
            Self::MethodMismatch => "CSeq names another method",
        }
    }
}

/// Bytes that are no acceptable SIP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    fault: Fault,
    request: Option<Box<Request>>,
}

impl ParseError {
    pub(super) const fn new(fault: Fault) -> Self {
        Self { fault, request: None }
    }

    pub(super) fn answerable(fault: Fault, request: Request) -> Self {
        Self { fault, request: Some(Box::new(request)) }
    }

    /// What is wrong.
    #[must_use]
    pub const fn fault(&self) -> &Fault {
        &self.fault
    }

    /// The status to answer with; none where there is nothing to answer: a response, or no readable request.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.request.as_ref()?;
        Some(match self.fault {
            Fault::TooLarge => StatusCode::MESSAGE_TOO_LARGE,
            Fault::Version => StatusCode::VERSION_NOT_SUPPORTED,
            _ => StatusCode::BAD_REQUEST,
        })
    }

    /// The broken request, as far as it was read; enough for [`Request::reply`], which copies rows as text. Its Via is
    /// there; nothing else is sure, and typed readings may fail. None for an ACK, which is never answered.
    #[must_use]
    pub fn request(&self) -> Option<&Request> {
        self.request.as_deref()
    }
}

impl ParseError {
    pub(crate) fn write_to(&self, out: &mut String) {
        match &self.fault {
            Fault::Header(error) => error.write_to(out),
            Fault::Duplicate(name) => {
                out.push_str("duplicate ");
                out.push_str(name.as_str());
            }
            fault => out.push_str(fault.as_str()),
        }
    }
}

text!(SyntaxError, HeaderError, ParseError);

impl core::error::Error for ParseError {}
