//! What a dialog is known by (RFC 3261 §12).

use crate::message::{Request, Response};

/// Call-ID and both tags. A side that follows RFC 2543 may give no tag; it is empty here, as no tag is on the wire.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialogId {
    /// The Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// Theirs.
    pub remote_tag: String,
}

impl DialogId {
    /// The dialog that a request from the other side belongs to; none where the request cannot be read, or has no To
    /// tag and so stands outside of any.
    #[must_use]
    pub fn of_request(request: &Request) -> Option<Self> {
        let headers = &request.headers;
        Some(Self {
            call_id: headers.call_id().ok()?.to_owned(),
            local_tag: headers.to().ok()?.tag()?.to_owned(),
            remote_tag: headers.from().ok()?.tag().unwrap_or_default().to_owned(),
        })
    }

    /// The dialog that a response to a request of ours belongs to, or makes.
    #[must_use]
    pub fn of_response(response: &Response) -> Option<Self> {
        let headers = &response.headers;
        Some(Self {
            call_id: headers.call_id().ok()?.to_owned(),
            local_tag: headers.from().ok()?.tag()?.to_owned(),
            remote_tag: headers.to().ok()?.tag().unwrap_or_default().to_owned(),
        })
    }
}
