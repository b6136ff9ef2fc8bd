//! Which transaction a message belongs to: RFC 3261 §17.1.3 for responses, §17.2.3 for requests, §9.2 for CANCEL,
//! §8.2.2.2 for requests that come twice. The flow takes no part: a connection may be replaced in between.

use crate::message::text::write_port;
use crate::message::{CSeq, HeaderError, Headers, Method, Request, Via};

/// A client transaction: the branch that we gave, and the method, because a CANCEL shares the branch of its INVITE.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ClientKey {
    branch: String,
    method: Method,
}

impl ClientKey {
    /// The key of a request that is sent, or of a response that came; none without a branch.
    pub(super) fn of(headers: &Headers) -> Option<Self> {
        let branch = headers.via().ok()?.branch()?.to_owned();
        let method = headers.cseq().ok()?.method;
        (branch.len() > Via::COOKIE.len()).then_some(Self { branch, method })
    }

    pub(super) fn is_invite(&self) -> bool {
        self.method == Method::Invite
    }

    /// The INVITE that a CANCEL with this key is for.
    pub(super) fn cancelled(&self) -> Option<Self> {
        (self.method == Method::Cancel).then(|| Self { branch: self.branch.clone(), method: Method::Invite })
    }
}

/// A server transaction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ServerKey {
    /// By a branch that is unique.
    Branch { branch: String, sent_by: String, method: Method },
    /// By everything else, where the sender follows RFC 2543.
    Rfc2543(Box<Rfc2543Key>),
}

/// What identifies a request of RFC 2543. The To tag takes no part here: an ACK carries that of our response.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rfc2543Key {
    uri: String,
    from_tag: Option<String>,
    call_id: String,
    number: u32,
    via: String,
    method: Method,
}

impl ServerKey {
    /// The key of a request; an ACK has that of its INVITE.
    pub(super) fn of(request: &Request) -> Result<Self, HeaderError> {
        let method = match request.method {
            Method::Ack => Method::Invite,
            ref method => method.clone(),
        };
        let via = request.headers.via()?;
        match via.branch() {
            Some(branch) if is_unique(branch) => {
                Ok(Self::Branch { branch: branch.to_owned(), sent_by: sent_by(&via), method })
            }
            _ => Self::of_rfc2543(request, &via, method),
        }
    }

    fn of_rfc2543(request: &Request, via: &Via, method: Method) -> Result<Self, HeaderError> {
        let headers = &request.headers;
        Ok(Self::Rfc2543(Box::new(Rfc2543Key {
            uri: request.uri.to_string(),
            from_tag: headers.from()?.tag().map(str::to_owned),
            call_id: headers.call_id()?.to_owned(),
            number: headers.cseq()?.number,
            via: via.to_string(),
            method,
        })))
    }

    /// The INVITE that a CANCEL with this key is for.
    pub(super) fn cancelled(&self) -> Self {
        let mut key = self.clone();
        match &mut key {
            Self::Branch { method, .. } => *method = Method::Invite,
            Self::Rfc2543(key) => key.method = Method::Invite,
        }
        key
    }

    /// Whether an ACK with this key must carry the To tag of our response (§17.2.3).
    pub(super) const fn needs_to_tag(&self) -> bool {
        matches!(self, Self::Rfc2543(_))
    }
}

/// Whether a branch is made by the rules of RFC 3261 §8.1.1.7.
fn is_unique(branch: &str) -> bool {
    let cookie = branch.get(..Via::COOKIE.len());
    branch.len() > Via::COOKIE.len() && cookie.is_some_and(|cookie| cookie.eq_ignore_ascii_case(Via::COOKIE))
}

fn sent_by(via: &Via) -> String {
    let mut text = via.host.to_string().to_ascii_lowercase();
    write_port(via.port, &mut text);
    text
}

/// What a request that opens a dialog, or stands outside of one, keeps when it is forked (§8.2.2.2).
///
/// The RFC does not ask for the Request-URI, because it thinks of one user at one address. Where several are behind one,
/// as in a relay, a call forked to two of them is two calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MergeKey {
    uri: String,
    call_id: String,
    from_tag: String,
    number: u32,
    method: Method,
}

impl MergeKey {
    /// None for a request that cannot be a merged one: a CANCEL, or one with a To tag.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let headers = &request.headers;
        if request.method == Method::Cancel || headers.to().ok()?.tag().is_some() {
            return None;
        }
        let CSeq { number, method } = headers.cseq().ok()?;
        Some(Self {
            uri: request.uri.to_string(),
            call_id: headers.call_id().ok()?.to_owned(),
            from_tag: headers.from().ok()?.tag()?.to_owned(),
            number,
            method,
        })
    }
}
