//! The session description in a message (RFC 3261 §7.4, §8.2.3; RFC 5621 for the rest of a multipart).

use crate::message::scan::trim;
use crate::message::text::split_at_text;
use crate::message::{HeaderName, Headers};

const SDP: &str = "application/sdp";

/// What a body is to a session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// There is none.
    Empty,
    /// A session description, unread.
    Sdp(String),
    /// Something that the sender may expect us to understand, and we do not.
    Unsupported,
}

impl Body {
    pub(crate) fn read(headers: &Headers, body: &[u8]) -> Self {
        if body.is_empty() {
            return Self::Empty;
        }
        if headers.get(&HeaderName::ContentEncoding).is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity"))
        {
            return Self::Unsupported;
        }
        let Some(kind) = headers.content_type() else {
            return Self::Unsupported;
        };
        if kind.is(SDP) {
            return Self::Sdp(text(body));
        }
        let boundary =
            kind.params.get("boundary").filter(|_| kind.value.to_ascii_lowercase().starts_with("multipart/"));
        if let Some(part) = boundary.and_then(|boundary| sdp_part(&text(body), boundary)) {
            return Self::Sdp(part);
        }
        if is_optional(headers) { Self::Empty } else { Self::Unsupported }
    }

    /// The description, where there is one.
    pub(crate) fn sdp(headers: &Headers, body: &[u8]) -> Option<String> {
        match Self::read(headers, body) {
            Self::Sdp(sdp) => Some(sdp),
            Self::Empty | Self::Unsupported => None,
        }
    }
}

/// `Content-Disposition: …;handling=optional` (RFC 3261 §20.11).
fn is_optional(headers: &Headers) -> bool {
    let disposition = headers.parameterized(&HeaderName::ContentDisposition);
    let handling = disposition.as_ref().and_then(|disposition| disposition.params.get("handling"));
    handling.is_some_and(|handling| handling.eq_ignore_ascii_case("optional"))
}

/// The first part of type `application/sdp` (RFC 2046 §5.1). Parts in parts are not searched.
fn sdp_part(text: &str, boundary: &str) -> Option<String> {
    let delimiter = ["--", boundary].concat();
    let (_, mut rest) = split_at_text(text, &delimiter)?;
    loop {
        let (part, next) = split_at_text(rest, &delimiter).map_or((rest, None), |(part, next)| (part, Some(next)));
        if let Some((head, content)) = split_at_text(part, "\r\n\r\n")
            && is_sdp(head)
        {
            return Some(content.strip_suffix("\r\n").unwrap_or(content).to_owned());
        }
        rest = next?;
    }
}

/// Whether the head of a part names a session description.
fn is_sdp(head: &str) -> bool {
    head.split('\n').filter_map(|line| line.split_once(':')).any(|(name, value)| {
        let kind = value.split(';').next().unwrap_or_default();
        trim(name).eq_ignore_ascii_case("content-type") && trim(kind.trim_end_matches('\r')).eq_ignore_ascii_case(SDP)
    })
}

/// SDP is UTF-8 (RFC 8866 §5); what is not becomes the replacement character.
fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &[(HeaderName, &str)], body: &str) -> Body {
        let headers = rows.iter().map(|(name, value)| (name.clone(), (*value).to_owned())).collect();
        Body::read(&headers, body.as_bytes())
    }

    #[test]
    fn sdp_is_found_alone_and_in_a_multipart() {
        let parts = "--x\r\nContent-Type: text/plain\r\n\r\nhi\r\n--x\r\ncontent-type: application/sdp\r\n\r\nv=0\r\n\r\n--x--\r\n";

        assert_eq!(
            read(&[(HeaderName::ContentType, "application/SDP; charset=utf-8")], "v=0"),
            Body::Sdp("v=0".into())
        );
        assert_eq!(
            read(&[(HeaderName::ContentType, "multipart/mixed;boundary=\"x\"")], parts),
            Body::Sdp("v=0\r\n".into())
        );
    }

    #[test]
    fn other_bodies_are_unsupported_unless_optional() {
        let plain = (HeaderName::ContentType, "text/plain");

        assert_eq!(read(&[], "v=0"), Body::Unsupported);
        assert_eq!(read(core::slice::from_ref(&plain), "hi"), Body::Unsupported);
        assert_eq!(read(&[plain, (HeaderName::ContentDisposition, "alert;handling=optional")], "hi"), Body::Empty);
        assert_eq!(
            read(&[(HeaderName::ContentType, "application/sdp"), (HeaderName::ContentEncoding, "gzip")], "x"),
            Body::Unsupported
        );
    }
}
