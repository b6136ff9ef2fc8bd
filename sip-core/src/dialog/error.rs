//! Why two messages make no dialog.

use core::fmt;

use crate::message::{HeaderError, StatusCode};

/// Why there is no dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DialogError {
    /// Responses of this status make none.
    Status(StatusCode),
    /// A tag is missing: ours, or theirs in a provisional response.
    NoTag,
    /// The request has no Contact.
    NoContact,
    /// A header is missing or malformed.
    Header(HeaderError),
}

impl DialogError {
    /// The answer to a request that made this error.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        StatusCode::BAD_REQUEST
    }
}

impl From<HeaderError> for DialogError {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

impl fmt::Display for DialogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "a {} makes no dialog", status.as_u16()),
            Self::NoTag => f.write_str("a tag is missing"),
            Self::NoContact => f.write_str("Contact is missing"),
            Self::Header(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for DialogError {}
