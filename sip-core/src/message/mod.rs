//! SIP messages as values (RFC 3261 §7, §19, §20, §25).
//!
//! [`Message::parse`] reads one message, [`Message::write`] writes one; between them the headers are rows of text in
//! their order, read as types when asked. Nothing here knows transactions, dialogs or sockets, and nothing panics,
//! whatever the bytes are.
//!
//! ```
//! use sip_core::message::{Message, Method, StatusCode};
//!
//! let bytes = b"OPTIONS sip:bob@example.com SIP/2.0\r\nv: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
//!     f: <sip:alice@example.com>;tag=a\r\nt: <sip:bob@example.com>\r\ni: 1@192.0.2.1\r\nCSeq: 7 OPTIONS\r\n\r\n";
//! let Message::Request(request) = Message::parse(bytes)? else { unreachable!() };
//! assert_eq!(request.method, Method::Options);
//! assert_eq!(request.headers.from()?.tag(), Some("a"));
//!
//! let response = request.reply(StatusCode::OK, Some("b"));
//! assert_eq!(response.headers.to()?.tag(), Some("b"));
//! assert!(response.write().starts_with(b"SIP/2.0 200 OK\r\nVia: "));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod auth;
pub mod dtmf;
mod error;
mod escape;
mod headers;
mod host;
pub(crate) mod ip;
pub mod limits;
mod method;
mod name;
mod params;
mod parse;
mod replaces;
pub(crate) mod scan;
mod status;
pub(crate) mod text;
mod typed;
mod uri;
mod values;
mod via;
mod write;

pub use address::{Contacts, NameAddr, NameAddrParts};
pub(crate) use auth::auth_parameter;
pub use auth::{Authorization, Challenge};
pub use error::{Fault, HeaderError, ParseError, SyntaxError};
pub use headers::{Header, Headers};
pub use host::Host;
pub use method::Method;
pub use name::HeaderName;
pub use params::Params;
pub use replaces::{ReferTo, Replaces, StatusLine};
pub use status::StatusCode;
pub use uri::{Scheme, Uri, UriParts};
pub use values::{CSeq, Parameterized, RAck, Reason};
pub use via::Via;

/// A request or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

impl Message {
    /// Reads one message: a datagram, a WebSocket frame, or what stream framing cut out.
    ///
    /// Header rows are unfolded and compact names expanded. Via, From, To, Call-ID and CSeq are there and readable
    /// afterwards. Without Content-Length the body goes to the end of the input; with one, what follows it is dropped.
    ///
    /// # Errors
    /// The bytes are no acceptable message. [`ParseError::status`] and [`ParseError::request`] say what to answer.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        parse::parse(bytes)
    }

    /// The message as it goes on the wire.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        match self {
            Self::Request(request) => request.write(),
            Self::Response(response) => response.write(),
        }
    }

    /// The header rows.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        match self {
            Self::Request(request) => &request.headers,
            Self::Response(response) => &response.headers,
        }
    }

    /// The header rows, to change them.
    pub const fn headers_mut(&mut self) -> &mut Headers {
        match self {
            Self::Request(request) => &mut request.headers,
            Self::Response(response) => &mut response.headers,
        }
    }

    /// The body; empty where there is none.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        match self {
            Self::Request(request) => &request.body,
            Self::Response(response) => &response.body,
        }
    }
}

impl From<Request> for Message {
    fn from(request: Request) -> Self {
        Self::Request(request)
    }
}

impl From<Response> for Message {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}

/// A request (RFC 3261 §7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked for.
    pub method: Method,
    /// Who is asked: the Request-URI.
    pub uri: Uri,
    /// The header rows, Content-Length not among them.
    pub headers: Headers,
    /// The body; empty where there is none.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without headers.
    #[must_use]
    pub const fn new(method: Method, uri: Uri) -> Self {
        Self { method, uri, headers: Headers::new(), body: Vec::new() }
    }

    /// A response to this request (RFC 3261 §8.2.6): Via, From, To, Call-ID and CSeq as they came, Record-Route where
    /// the response may form a dialog (§12.1.1), Timestamp in a 100. `to_tag` is added to a To that has none; a 100
    /// needs none.
    #[must_use]
    pub fn reply(&self, status: StatusCode, to_tag: Option<&str>) -> Response {
        let mut response = Response::new(status);
        for row in &self.headers {
            if self.is_copied(&row.name, status) {
                response.headers.push(row.name.clone(), row.value.clone());
            }
        }
        if let (Some(tag), Ok(mut to)) = (to_tag, self.headers.to())
            && to.tag().is_none()
        {
            to.set_tag(tag);
            response.headers.set(HeaderName::To, to.to_string());
        }
        response
    }

    fn is_copied(&self, name: &HeaderName, status: StatusCode) -> bool {
        match *name {
            HeaderName::Via | HeaderName::From | HeaderName::To | HeaderName::CallId | HeaderName::CSeq => true,
            HeaderName::RecordRoute => {
                self.method.forms_dialog() && status > StatusCode::TRYING && status.as_u16() < 300
            }
            HeaderName::Timestamp => status == StatusCode::TRYING,
            _ => false,
        }
    }

    /// Sets the body and its Content-Type.
    pub fn set_body(&mut self, content_type: &str, body: impl Into<Vec<u8>>) {
        self.headers.set(HeaderName::ContentType, content_type);
        self.body = body.into();
    }
}

/// A response (RFC 3261 §7.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// What came of it, for machines.
    pub status: StatusCode,
    /// What came of it, for people.
    pub reason: String,
    /// The header rows, Content-Length not among them.
    pub headers: Headers,
    /// The body; empty where there is none.
    pub body: Vec<u8>,
}

impl Response {
    /// A response without headers, with the status' own phrase.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        Self { status, reason: status.reason().to_owned(), headers: Headers::new(), body: Vec::new() }
    }

    /// Sets the body and its Content-Type.
    pub fn set_body(&mut self, content_type: &str, body: impl Into<Vec<u8>>) {
        self.headers.set(HeaderName::ContentType, content_type);
        self.body = body.into();
    }
}
