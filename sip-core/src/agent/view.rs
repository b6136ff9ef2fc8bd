//! What an application may look at without changing it.

use crate::flow::Flow;
use crate::message::{NameAddr, Uri};

/// One session.
#[derive(Clone, Copy, Debug)]
pub struct SessionView<'a> {
    /// Its Call-ID.
    pub call_id: &'a str,
    /// Our tag.
    pub local_tag: &'a str,
    /// Their tag, as soon as there is one dialog.
    pub remote_tag: Option<&'a str>,
    /// The other side as From or To named it.
    pub remote: &'a NameAddr,
    /// Where the other side takes requests: its Contact, as soon as there is one dialog.
    pub remote_target: Option<&'a Uri>,
    /// The number of our last request, as soon as there is one dialog.
    pub local_sequence: Option<u32>,
    /// The flow its next request leaves on, unless a Route or Contact names another address.
    pub flow: Flow,
    /// How far it is.
    pub state: SessionState,
}

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionState {
    /// Our INVITE has had no response.
    Calling,
    /// Our INVITE has had a provisional response.
    Proceeding,
    /// Our INVITE is being cancelled.
    Cancelling,
    /// Their INVITE waits for our answer.
    Ringing,
    /// Their INVITE has our 2xx and no ACK yet.
    Accepted,
    /// The call stands.
    Confirmed,
    /// BYE is under way; `Ended` has been told.
    Ended,
}

impl SessionState {
    /// A word for messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calling => "calling",
            Self::Proceeding => "proceeding",
            Self::Cancelling => "cancelling",
            Self::Ringing => "ringing",
            Self::Accepted => "accepted",
            Self::Confirmed => "confirmed",
            Self::Ended => "ended",
        }
    }
}
