//! Messages to bytes (RFC 3261 §7): canonical names, no folding, Content-Length from the body.

use super::text::push_number;
use super::{HeaderName, Headers, Request, Response};

const CRLF: &str = "\r\n";

impl Request {
    /// The message as it goes on the wire.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let uri = self.uri.to_string();
        let mut out = String::with_capacity(uri.len() + 64 + size(&self.headers) + self.body.len());
        push_clean(&mut out, self.method.as_str());
        out.push(' ');
        push_clean(&mut out, &uri);
        out.push_str(" SIP/2.0\r\n");
        finish(out, &self.headers, &self.body)
    }
}

impl Response {
    /// The message as it goes on the wire.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut out = String::with_capacity(self.reason.len() + 64 + size(&self.headers) + self.body.len());
        out.push_str("SIP/2.0 ");
        push_number(&mut out, self.status.as_u16().into());
        out.push(' ');
        push_clean(&mut out, &self.reason);
        out.push_str(CRLF);
        finish(out, &self.headers, &self.body)
    }
}

fn size(headers: &Headers) -> usize {
    headers.iter().map(|row| row.name.as_str().len() + row.value.len() + 4).sum()
}

fn finish(mut out: String, headers: &Headers, body: &[u8]) -> Vec<u8> {
    for row in headers.iter().filter(|row| row.name != HeaderName::ContentLength) {
        push_clean(&mut out, row.name.as_str());
        out.push_str(": ");
        push_clean(&mut out, &row.value);
        out.push_str(CRLF);
    }
    out.push_str("Content-Length: ");
    push_number(&mut out, body.len() as u64);
    out.push_str("\r\n\r\n");
    let mut bytes = out.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Line ends in a text would begin a header of somebody else's choice; they become spaces.
fn push_clean(out: &mut String, value: &str) {
    let start = out.len();
    out.push_str(value);
    if value.contains(['\r', '\n']) {
        let clean = value.replace(['\r', '\n'], " ");
        out.truncate(start);
        out.push_str(&clean);
    }
}
