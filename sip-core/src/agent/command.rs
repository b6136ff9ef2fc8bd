//! What the application hands to a command: plain structs, completed by the agent.
//!
//! Via, From and To tags, Call-ID, CSeq, Max-Forwards, Allow, Supported and User-Agent are the agent's. A header given
//! here replaces the agent's own of that name, except for those that identify the transaction and the dialog.

use crate::digest::Credentials;
use crate::flow::Flow;
use crate::message::{HeaderName, Method, NameAddr, StatusCode, Uri};
use crate::time::Duration;

/// A call to make.
#[derive(Clone, Debug)]
pub struct Invite {
    /// The Request-URI.
    pub target: Uri,
    /// Where the INVITE goes.
    pub flow: Flow,
    /// Who calls. Its tag, if any, is replaced.
    pub from: NameAddr,
    /// Who is called; none is `target`.
    pub to: Option<NameAddr>,
    /// Where the other side reaches us in this dialog; none is the socket's.
    pub contact: Option<Uri>,
    /// Proxies to pass, nearest first (RFC 3261 §8.1.2).
    pub route: Vec<NameAddr>,
    /// More headers.
    pub headers: Vec<(HeaderName, String)>,
    /// Our SDP. None asks the other side for an offer: its 2xx carries it, and the ACK, with our answer, is sent by
    /// `answer_offer`.
    pub offer: Option<String>,
    /// Who we are when a challenge comes. None: a 401 or 407 ends the session and its `End` carries the response.
    pub credentials: Option<Credentials>,
    /// None: a fresh one.
    pub call_id: Option<String>,
    /// None: a fresh one.
    pub from_tag: Option<String>,
    /// None: 1.
    pub cseq: Option<u32>,
}

impl Invite {
    /// A call from `from` to `target` on `flow`, without anything else.
    #[must_use]
    pub const fn new(target: Uri, from: NameAddr, flow: Flow) -> Self {
        Self {
            target,
            flow,
            from,
            to: None,
            contact: None,
            route: Vec::new(),
            headers: Vec::new(),
            offer: None,
            credentials: None,
            call_id: None,
            from_tag: None,
            cseq: None,
        }
    }
}

/// A binding to make and to keep.
#[derive(Clone, Debug)]
pub struct Register {
    /// The Request-URI: the domain's registrar, without a user.
    pub registrar: Uri,
    /// Whose binding.
    pub aor: NameAddr,
    /// The binding, with its parameters (`+sip.instance`, `reg-id`; RFC 5626). `expires` is the agent's.
    pub contact: NameAddr,
    /// Where the REGISTER goes.
    pub flow: Flow,
    /// How long; the registrar may grant less.
    pub expires: Duration,
    /// Who we are when a challenge comes.
    pub credentials: Option<Credentials>,
    /// More headers.
    pub headers: Vec<(HeaderName, String)>,
    /// The only account on its socket: requests out of a dialog take the Service-Route that is granted, and dialogs
    /// the GRUU as their Contact.
    pub is_sole: bool,
}

/// A request out of any dialog: OPTIONS, MESSAGE, a relayed REGISTER.
#[derive(Clone, Debug)]
pub struct OutgoingRequest {
    /// Not INVITE, ACK or CANCEL.
    pub method: Method,
    /// The Request-URI.
    pub target: Uri,
    /// Where it goes.
    pub flow: Flow,
    /// From. Its tag, if any, is replaced.
    pub from: NameAddr,
    /// To; none is `target`.
    pub to: Option<NameAddr>,
    /// Contact; none leaves it out.
    pub contact: Option<NameAddr>,
    /// Proxies to pass, nearest first.
    pub route: Vec<NameAddr>,
    /// More headers.
    pub headers: Vec<(HeaderName, String)>,
    /// Content type and content.
    pub body: Option<(String, Vec<u8>)>,
    /// Who we are when a challenge comes. None: a 401 or 407 is the response.
    pub credentials: Option<Credentials>,
    /// None: a fresh one.
    pub call_id: Option<String>,
    /// None: a fresh one.
    pub from_tag: Option<String>,
    /// None: 1.
    pub cseq: Option<u32>,
}

impl OutgoingRequest {
    /// A request from `from` to `target` on `flow`, without anything else.
    #[must_use]
    pub const fn new(method: Method, target: Uri, from: NameAddr, flow: Flow) -> Self {
        Self {
            method,
            target,
            flow,
            from,
            to: None,
            contact: None,
            route: Vec::new(),
            headers: Vec::new(),
            body: None,
            credentials: None,
            call_id: None,
            from_tag: None,
            cseq: None,
        }
    }
}

/// The answer to an [`Event::Request`](super::Event::Request).
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status. A provisional one may be followed by others.
    pub status: StatusCode,
    /// None: the phrase that goes with the status.
    pub reason: Option<String>,
    /// More headers.
    pub headers: Vec<(HeaderName, String)>,
    /// Content type and content.
    pub body: Option<(String, Vec<u8>)>,
}

impl Reply {
    /// A bare answer.
    #[must_use]
    pub const fn new(status: StatusCode) -> Self {
        Self { status, reason: None, headers: Vec::new(), body: None }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
