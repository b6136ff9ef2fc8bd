//! Dialogs: what two user agents keep of their relation between one request and the next (RFC 3261 §12).
//!
//! A [`Dialog`] is made of a request and its response, or of a request and our tag; it addresses and numbers our
//! requests, and checks the order of theirs. It neither sends nor waits: transactions do. Offers and answers, and what
//! ends a call, are the session's.

mod error;
mod id;
mod route_set;

pub use error::DialogError;
pub use id::DialogId;

use route_set::RouteSet;

use crate::flow::Flow;
use crate::message::{
    CSeq, Contacts, HeaderError, HeaderName, Headers, Method, NameAddr, Request, Response, Scheme, StatusCode, Uri,
};

/// The highest sequence number (RFC 3261 §8.1.1.5).
const MAX_SEQUENCE: u32 = (1 << 31) - 1;

/// One dialog, seen from our side.
#[derive(Clone, Debug)]
pub struct Dialog {
    id: DialogId,
    /// From of our requests, with our tag.
    local: NameAddr,
    /// To of our requests, with their tag.
    remote: NameAddr,
    /// Our Contact.
    local_target: Uri,
    /// Their Contact: the Request-URI of our requests.
    remote_target: Uri,
    route_set: RouteSet,
    /// CSeq of our last request; zero before the first.
    local_sequence: u32,
    /// CSeq of their last request.
    remote_sequence: Option<u32>,
    is_secure: bool,
    state: State,
    flow: Flow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Made by a provisional response to the INVITE with this CSeq number; the 2xx may still change the route set.
    EarlyCaller {
        invite: u32,
    },
    /// Our provisional response made it.
    EarlyCallee,
    Confirmed,
}

impl Dialog {
    /// The caller's dialog (§12.1.2), of a provisional response with a To tag or a 2xx. Without a readable
    /// Contact in the response, requests go to where the first one went.
    ///
    /// # Errors
    /// The response makes no dialog, or a header of it cannot be read.
    pub fn uac(request: &Request, response: &Response, flow: Flow) -> Result<Self, DialogError> {
        let id = DialogId::of_response(response).ok_or(DialogError::NoTag)?;
        let number = request.headers.cseq()?.number;
        let mut remote = request.headers.to()?;
        put_tag(&mut remote, &id.remote_tag);
        let target = contact(&response.headers).unwrap_or_default();
        Ok(Self {
            state: caller_state(response, number, &id.remote_tag)?,
            local: request.headers.from()?,
            remote,
            local_target: contact(&request.headers)?.unwrap_or_else(|| request.uri.clone()),
            remote_target: target.unwrap_or_else(|| request.uri.clone()),
            route_set: RouteSet::of_response(response)?,
            local_sequence: number,
            remote_sequence: None,
            is_secure: request.uri.scheme == Scheme::Sips,
            id,
            flow,
        })
    }

    /// The subscriber's dialog, made by the first NOTIFY to a SUBSCRIBE (RFC 6665 §4.4.1). Without a readable Contact in
    /// the NOTIFY, requests go to where the SUBSCRIBE went.
    ///
    /// # Errors
    /// A header of one of them cannot be read.
    pub fn subscriber(subscribe: &Request, notify: &Request, flow: Flow) -> Result<Self, DialogError> {
        let id = DialogId::of_request(notify).ok_or(DialogError::NoTag)?;
        let target = contact(&notify.headers).unwrap_or_default();
        Ok(Self {
            local: subscribe.headers.from()?,
            remote: notify.headers.from()?,
            local_target: contact(&subscribe.headers)?.unwrap_or_else(|| subscribe.uri.clone()),
            remote_target: target.unwrap_or_else(|| subscribe.uri.clone()),
            route_set: RouteSet::of_request(notify)?,
            local_sequence: subscribe.headers.cseq()?.number,
            remote_sequence: None,
            is_secure: subscribe.uri.scheme == Scheme::Sips,
            state: State::Confirmed,
            id,
            flow,
        })
    }

    /// The callee's dialog (§12.1.1), of a request that was answered, or is to be answered, with our tag; early until
    /// [`confirm`](Self::confirm) or the ACK. `local_target` is the Contact of our responses.
    ///
    /// # Errors
    /// The request has no Contact, or a header of it cannot be read; [`DialogError::status`] is the answer to it.
    pub fn uas(request: &Request, local_tag: &str, local_target: &Uri, flow: Flow) -> Result<Self, DialogError> {
        let remote = request.headers.from()?;
        let mut local = request.headers.to()?;
        put_tag(&mut local, local_tag);
        let id = DialogId {
            call_id: request.headers.call_id()?.to_owned(),
            local_tag: local_tag.to_owned(),
            remote_tag: remote.tag().unwrap_or_default().to_owned(),
        };
        Ok(Self {
            id,
            local,
            remote,
            local_target: local_target.clone(),
            remote_target: contact(&request.headers)?.ok_or(DialogError::NoContact)?,
            route_set: RouteSet::of_request(request)?,
            local_sequence: 0,
            remote_sequence: Some(request.headers.cseq()?.number),
            is_secure: request.uri.scheme == Scheme::Sips,
            state: State::EarlyCallee,
            flow,
        })
    }

    /// The next request, without Via and Contact (§12.2.1.1). Its number is one above the last; at the end of the
    /// numbers it stays there, and the other side will refuse it, because a lower number is never right.
    pub fn request(&mut self, method: Method) -> Request {
        self.local_sequence = self.local_sequence.saturating_add(1).min(MAX_SEQUENCE);
        self.numbered(method, self.local_sequence)
    }

    /// The ACK of a 2xx to the INVITE with this number (§13.2.2.4). Via, body and credentials are the caller's to add.
    #[must_use]
    pub fn ack(&self, invite: u32) -> Request {
        self.numbered(Method::Ack, invite)
    }

    /// Our 2xx has left: the dialog is no longer early.
    pub const fn confirm(&mut self) {
        self.state = State::Confirmed;
    }

    /// Requests have been numbered up to here by somebody else.
    pub(crate) const fn skip_to(&mut self, number: u32) {
        if number > self.local_sequence {
            self.local_sequence = number;
        }
    }

    /// Our requests take another flow from now on.
    pub const fn rebind(&mut self, flow: Flow) {
        self.flow = flow;
    }

    /// Takes a request of the other side in this dialog: its number must not be below the one before (§12.2.2), and
    /// where it refreshes the target, its Contact is the new one.
    ///
    /// # Errors
    /// The status to answer with. The dialog is as before.
    pub fn handle_request(&mut self, request: &Request) -> Result<(), StatusCode> {
        let malformed = |_: HeaderError| StatusCode::BAD_REQUEST;
        match request.method {
            Method::Ack => self.confirm(),
            // Numbered like its INVITE, which may be an older request by now.
            Method::Cancel => {}
            ref method => {
                let number = request.headers.cseq().map_err(malformed)?.number;
                if self.remote_sequence.is_some_and(|last| number < last) {
                    return Err(StatusCode::SERVER_INTERNAL_ERROR);
                }
                let target = contact(&request.headers).map_err(malformed)?;
                self.remote_sequence = Some(number);
                self.refresh(target.filter(|_| is_target_refresh(method)));
            }
        }
        Ok(())
    }

    /// Takes a response to a request of ours in this dialog, or to the INVITE that made it. The first 2xx confirms an
    /// early dialog and brings its final route set (§13.2.2.4); the Contact of a 2xx refreshes the target (§12.2.1.2).
    /// What the response cannot say properly stays as it was.
    pub fn handle_response(&mut self, request: &Request, response: &Response) {
        let target = contact(&response.headers).unwrap_or_default();
        let is_success = response.status.is_success();
        if self.is_made_by(request) {
            self.refresh(target.filter(|_| is_success || has_tag(response)));
            if is_success {
                self.route_set = RouteSet::of_response(response).unwrap_or_default();
                self.confirm();
            }
        } else if is_success && is_target_refresh(&request.method) {
            self.refresh(target);
        }
    }

    /// Call-ID and tags.
    #[must_use]
    pub const fn id(&self) -> &DialogId {
        &self.id
    }

    /// The Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &str {
        &self.id.call_id
    }

    /// Our tag.
    #[must_use]
    pub fn local_tag(&self) -> &str {
        &self.id.local_tag
    }

    /// Their tag; empty where they gave none.
    #[must_use]
    pub fn remote_tag(&self) -> &str {
        &self.id.remote_tag
    }

    /// Our address, with our tag.
    #[must_use]
    pub const fn local(&self) -> &NameAddr {
        &self.local
    }

    /// Their address, with their tag.
    #[must_use]
    pub const fn remote(&self) -> &NameAddr {
        &self.remote
    }

    /// Where they send requests: our Contact.
    #[must_use]
    pub const fn local_target(&self) -> &Uri {
        &self.local_target
    }

    /// Where we send requests: their Contact.
    #[must_use]
    pub const fn remote_target(&self) -> &Uri {
        &self.remote_target
    }

    /// The proxies between, the next hop first.
    #[must_use]
    pub fn route_set(&self) -> &[NameAddr] {
        self.route_set.as_slice()
    }

    /// The number of our last request.
    #[must_use]
    pub const fn local_sequence(&self) -> u32 {
        self.local_sequence
    }

    /// The number of their last request.
    #[must_use]
    pub const fn remote_sequence(&self) -> Option<u32> {
        self.remote_sequence
    }

    /// Whether there is no 2xx yet.
    #[must_use]
    pub fn is_early(&self) -> bool {
        self.state != State::Confirmed
    }

    /// Whether the first request was for a `sips:` URI.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Where our requests go.
    #[must_use]
    pub const fn flow(&self) -> Flow {
        self.flow
    }

    fn numbered(&self, method: Method, number: u32) -> Request {
        let cseq = CSeq { number, method };
        let mut request = Request::new(cseq.method.clone(), self.remote_target.clone());
        self.route_set.address(&mut request, &self.remote_target);
        let rows = &mut request.headers;
        rows.push(HeaderName::MaxForwards, "70");
        rows.push(HeaderName::From, self.local.to_string());
        rows.push(HeaderName::To, self.remote.to_string());
        rows.push(HeaderName::CallId, self.call_id());
        rows.push(HeaderName::CSeq, cseq.to_string());
        request
    }

    fn is_made_by(&self, request: &Request) -> bool {
        let number = request.headers.cseq().map(|cseq| cseq.number);
        match self.state {
            State::EarlyCaller { invite } => request.method == Method::Invite && number == Ok(invite),
            State::EarlyCallee | State::Confirmed => false,
        }
    }

    fn refresh(&mut self, target: Option<Uri>) {
        if let Some(target) = target {
            self.remote_target = target;
        }
    }
}

/// What a response makes of a dialog: a provisional one needs a tag for it, a 2xx makes one in any case (§12.1.2).
fn caller_state(response: &Response, invite: u32, tag: &str) -> Result<State, DialogError> {
    match response.status {
        StatusCode::TRYING => Err(DialogError::Status(response.status)),
        status if status.is_success() => Ok(State::Confirmed),
        status if status.is_final() => Err(DialogError::Status(status)),
        _ if tag.is_empty() => Err(DialogError::NoTag),
        _ => Ok(State::EarlyCaller { invite }),
    }
}

fn contact(headers: &Headers) -> Result<Option<Uri>, HeaderError> {
    let contacts = headers.contacts()?;
    Ok(match contacts {
        Contacts::Star => None,
        Contacts::List(list) => list.into_iter().next().map(NameAddr::into_uri),
    })
}

fn put_tag(address: &mut NameAddr, tag: &str) {
    if tag.is_empty() {
        address.params.remove("tag");
    } else {
        address.set_tag(tag);
    }
}

fn has_tag(response: &Response) -> bool {
    response.headers.to().is_ok_and(|to| to.tag().is_some())
}

/// Requests whose Contact is where the next ones go: INVITE (§12.2), UPDATE (RFC 3311 §5.1), SUBSCRIBE, NOTIFY and
/// REFER in their usages (RFC 6665 §4.4.1, RFC 3515).
const fn is_target_refresh(method: &Method) -> bool {
    matches!(method, Method::Invite | Method::Update | Method::Subscribe | Method::Notify | Method::Refer)
}
