//! Subscription: somebody else's state, followed until it is not wanted any more (RFC 6665 §4.1).
//!
//! ```text
//!             ┌────────────── the notifier or the network ended it ──────────────┐
//!             v                                                                  │
//!  Idle ──> Waiting ──> Opening ──NOTIFY──> Open ──unsubscribe──> Leaving ──> Over
//!                          └──────────────refused for good──────────────────────>┘
//! ```
//! One subscription has one dialog at a time; the first NOTIFY makes it (§4.4.1), so other forks of the SUBSCRIBE are
//! answered 481 and end there. `notify` takes what the notifier sends, `subscriptions` has them all.

mod notify;
mod subscriptions;

pub(crate) use subscriptions::Subscriptions;

use crate::agent::{AgentError, Event, Failure, Subscribe, SubscriptionEnd, SubscriptionEvent, SubscriptionId};
use crate::agent::{
    Asking, Auth, Endpoint, OutgoingRequest, Owner, advance_cseq, backoff, headers, may_pass, out_of_dialog,
    refresh_after, retry_after,
};
use crate::dialog::Dialog;
use crate::flow::{Flow, SocketId};
use crate::message::text::decimal;
use crate::message::{CSeq, HeaderName, Method, Request, Response, StatusCode};
use crate::time::{Duration, Instant};
use crate::transaction::ClientId;

/// Who stood this long has done nothing wrong: the next failure counts as the first.
const STABLE: Duration = Duration::from_secs(60);
/// The shortest pause before a refresh that failed is tried again.
const BREATH: Duration = Duration::from_secs(5);

/// One subscription. See the module.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) id: SubscriptionId,
    wish: Subscribe,
    /// Seconds asked for.
    expires: u32,
    auth: Option<Auth>,
    call_id: String,
    local_tag: String,
    /// Dialogs that failed in a row.
    failures: u32,
    /// The SUBSCRIBE under way.
    asking: Option<Asking>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Its flow is gone.
    Idle,
    /// The next attempt follows at this moment.
    Waiting {
        at: Instant,
    },
    /// The first SUBSCRIBE is sent; the first NOTIFY has to come before timer N fires (§4.1.2.4).
    Opening(Box<Opening>),
    /// It stands.
    Open(Box<Open>),
    /// We asked for its end; the last NOTIFY has to come before timer N fires.
    Leaving {
        dialog: Box<Dialog>,
        timer_n: Instant,
    },
    Over,
}

#[derive(Debug)]
struct Opening {
    /// As last sent.
    subscribe: Box<Request>,
    /// Of the 2xx; the first NOTIFY may be another fork's.
    dialog: Option<Dialog>,
    /// Seconds that the 2xx granted.
    granted: Option<u32>,
    timer_n: Instant,
    /// Not wanted any more.
    leave: bool,
}

#[derive(Debug)]
struct Open {
    dialog: Dialog,
    since: Instant,
    refresh: Instant,
    until: Instant,
}

impl Subscription {
    /// A subscription that has not asked for anything yet.
    pub(crate) fn new(id: SubscriptionId, mut wish: Subscribe) -> Self {
        Self {
            id,
            expires: u32::try_from(wish.expires.as_secs()).unwrap_or(u32::MAX),
            auth: wish.credentials.take().map(Auth::new),
            wish,
            call_id: String::new(),
            local_tag: String::new(),
            failures: 0,
            asking: None,
            state: State::Idle,
        }
    }

    // Commands.

    /// Begins anew over `flow`: a fresh Call-ID, a fresh dialog. A NOTIFY of the one before is answered 481.
    pub(crate) fn subscribe(&mut self, flow: Flow, endpoint: &mut Endpoint, now: Instant) {
        self.wish.flow = flow;
        self.call_id = endpoint.fresh_call_id();
        self.local_tag = endpoint.fresh_tag();
        let Subscribe { target, from, contact, route, .. } = self.wish.clone();
        let wish = OutgoingRequest {
            contact: contact.map(crate::message::NameAddr::new),
            route,
            call_id: Some(self.call_id.clone()),
            from_tag: Some(self.local_tag.clone()),
            ..OutgoingRequest::new(Method::Subscribe, target, from, flow)
        };
        let request = out_of_dialog(wish, endpoint);
        let request = self.complete(request, self.expires);
        let timer_n = now + endpoint.patience();
        let opening = Opening { subscribe: request.clone(), dialog: None, granted: None, timer_n, leave: false };
        self.state = State::Opening(Box::new(opening));
        self.send(request, 0, endpoint, now);
    }

    /// Gives it back; `Ended` follows with the last NOTIFY, or when it does not come.
    pub(crate) fn unsubscribe(&mut self, endpoint: &mut Endpoint, now: Instant) -> Result<(), AgentError> {
        match &mut self.state {
            State::Opening(opening) if !opening.leave => match opening.dialog.take() {
                Some(dialog) => self.leave(dialog, endpoint, now),
                None => opening.leave = true,
            },
            State::Open(open) => {
                let dialog = open.dialog.clone();
                self.leave(dialog, endpoint, now);
            }
            State::Idle | State::Waiting { .. } => self.end(None, None, endpoint),
            State::Opening(_) | State::Leaving { .. } | State::Over => {
                return Err(AgentError::WrongState { command: "unsubscribe", state: "unsubscribing" });
            }
        }
        Ok(())
    }

    // What happened.

    pub(crate) fn handle_outcome(
        &mut self,
        client: ClientId,
        outcome: Result<Response, Failure>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let Some(asking) = self.asking.take_if(|asking| asking.client == client) else {
            return;
        };
        match outcome {
            Ok(response) if response.status.is_provisional() => self.asking = Some(asking),
            Ok(response) if response.status.is_success() => {
                Auth::accepted(&mut self.auth, &response);
                self.handle_success(&asking.request, &response, endpoint, now);
            }
            Ok(response) => match asking.again(&response, &mut self.auth, &mut self.expires, endpoint) {
                Ok((request, brief)) => self.repeat(request, brief, endpoint, now),
                Err(failure) => self.fail(failure, retry_after(&response), endpoint, now),
            },
            Err(failure) => self.fail(failure, None, endpoint, now),
        }
    }

    /// The flow under it is gone.
    pub(crate) fn handle_socket_closed(&mut self, socket: SocketId, endpoint: &mut Endpoint) {
        if self.wish.flow.socket != socket {
            return;
        }
        self.asking = None;
        match &self.state {
            State::Leaving { .. } => self.end(None, None, endpoint),
            State::Opening(opening) if opening.leave => self.end(None, None, endpoint),
            State::Opening(_) | State::Open(_) | State::Waiting { .. } => {
                self.state = State::Idle;
                let cause = SubscriptionEnd { failure: Some(Failure::TransportFailed), reason: None };
                self.tell(SubscriptionEvent::Interrupted { cause, retry_in: None }, endpoint);
            }
            State::Idle | State::Over => {}
        }
    }

    pub(crate) fn handle_timeout(&mut self, endpoint: &mut Endpoint, now: Instant) {
        match &mut self.state {
            State::Waiting { at } if *at <= now => {
                let flow = self.wish.flow;
                self.subscribe(flow, endpoint, now);
            }
            State::Opening(opening) if opening.timer_n <= now => {
                let leave = opening.leave;
                self.asking = None;
                if leave {
                    self.end(None, None, endpoint)
                } else {
                    self.renew(failed(Failure::Timeout), None, endpoint, now)
                }
            }
            State::Leaving { timer_n, .. } if *timer_n <= now => self.end(None, None, endpoint),
            State::Open(open) if open.until <= now => {
                self.asking = None;
                self.renew(failed(Failure::Timeout), None, endpoint, now);
            }
            State::Open(open) if open.refresh <= now => {
                open.refresh = open.until;
                if self.asking.is_none() {
                    self.refresh(endpoint, now);
                }
            }
            _ => {}
        }
    }

    // Getters.

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting { at } => Some(*at),
            State::Opening(opening) => Some(opening.timer_n),
            State::Open(open) => Some(open.refresh.min(open.until)),
            State::Leaving { timer_n, .. } => Some(*timer_n),
            State::Idle | State::Over => None,
        }
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Whether a NOTIFY with this Call-ID and To tag answers its SUBSCRIBE.
    pub(crate) fn is_named(&self, call_id: &str, local_tag: &str) -> bool {
        self.call_id == call_id && self.local_tag == local_tag
    }

    // Private.

    fn handle_success(&mut self, request: &Request, response: &Response, endpoint: &mut Endpoint, now: Instant) {
        let granted = response.headers.expires().unwrap_or(self.expires);
        let flow = self.wish.flow;
        let leaves = match &mut self.state {
            State::Opening(opening) => {
                opening.dialog = Dialog::uac(request, response, flow).ok();
                opening.granted = Some(granted);
                if opening.leave { opening.dialog.take() } else { None }
            }
            State::Open(open) => {
                open.dialog.handle_response(request, response);
                open.until = now + Duration::from_secs(granted.into());
                open.refresh = now + refresh_after(granted, endpoint);
                None
            }
            // It said yes to the end; the NOTIFY that closes it follows.
            State::Leaving { .. } | State::Idle | State::Waiting { .. } | State::Over => return,
        };
        if let Some(dialog) = leaves {
            return self.leave(dialog, endpoint, now);
        }
        self.tell(SubscriptionEvent::Accepted { expires: Duration::from_secs(granted.into()) }, endpoint);
    }

    /// A SUBSCRIBE was refused for good, or never answered.
    fn fail(&mut self, failure: Failure, wait: Option<Duration>, endpoint: &mut Endpoint, now: Instant) {
        match &mut self.state {
            State::Leaving { .. } => self.end(None, None, endpoint),
            State::Opening(opening) if opening.leave => self.end(None, None, endpoint),
            State::Open(open) if !ends_usage(&failure) => {
                // What was granted still holds (§4.1.2.2): another attempt before its end.
                let rest = open.until.since(now);
                let wait = wait.unwrap_or(rest / 2).max(BREATH);
                open.refresh = (now + wait).min(open.until);
            }
            State::Open(_) if is_forgotten(&failure) => self.renew(failed(failure), wait, endpoint, now),
            _ if may_pass(&failure) => self.renew(failed(failure), wait, endpoint, now),
            _ => self.end(Some(failure), None, endpoint),
        }
    }

    /// This dialog is over, the wish is not: another one follows, sooner or later. A dialog that stood and was lost is
    /// replaced at once, so that a restarted server has its subscribers back; one after the other, at growing distance.
    fn renew(&mut self, cause: SubscriptionEnd, wait: Option<Duration>, endpoint: &mut Endpoint, now: Instant) {
        let stood = match &self.state {
            State::Open(open) => Some(now.since(open.since)),
            _ => None,
        };
        if stood.is_some_and(|time| time >= STABLE) {
            self.failures = 0;
        }
        let at_once = stood.is_some() && self.failures == 0 && wait.is_none();
        self.failures = self.failures.saturating_add(1);
        let own = if at_once { Duration::ZERO } else { backoff(self.failures, endpoint) };
        let wait = wait.map_or(own, |wait| wait.max(own));
        self.state = State::Waiting { at: now + wait };
        self.tell(SubscriptionEvent::Interrupted { cause, retry_in: Some(wait) }, endpoint);
    }

    fn leave(&mut self, mut dialog: Dialog, endpoint: &mut Endpoint, now: Instant) {
        // One that is under way is overtaken; its answer does not matter any more.
        self.asking = None;
        let request = self.in_dialog(&mut dialog, 0);
        self.state = State::Leaving { dialog: Box::new(dialog), timer_n: now + endpoint.patience() };
        self.send(request, 0, endpoint, now);
    }

    fn refresh(&mut self, endpoint: &mut Endpoint, now: Instant) {
        let expires = self.expires;
        let State::Open(open) = &mut self.state else {
            return;
        };
        let mut dialog = open.dialog.clone();
        let request = self.in_dialog(&mut dialog, expires);
        if let State::Open(open) = &mut self.state {
            open.dialog = dialog;
        }
        self.send(request, 0, endpoint, now);
    }

    fn in_dialog(&mut self, dialog: &mut Dialog, expires: u32) -> Box<Request> {
        let mut request = dialog.request(Method::Subscribe);
        if let Some(contact) = &self.wish.contact {
            request.headers.set(HeaderName::Contact, crate::message::NameAddr::new(contact.clone()).to_string());
        }
        self.complete(request, expires)
    }

    /// What all its SUBSCRIBEs say (§4.1.2.1).
    fn complete(&mut self, mut request: Request, expires: u32) -> Box<Request> {
        let Subscribe { event, accept, headers: rows, body, .. } = &self.wish;
        request.headers.set(HeaderName::Event, event.as_str());
        request.headers.set(HeaderName::Expires, decimal(expires));
        if let Some(accept) = accept {
            request.headers.set(HeaderName::Accept, accept.as_str());
        }
        headers::lay_over(&mut request.headers, rows.clone());
        if let Some((content_type, content)) = body {
            request.set_body(content_type, content.clone());
        }
        Auth::authorize(&mut self.auth, &mut request);
        Box::new(request)
    }

    /// Sends a SUBSCRIBE again, with the next CSeq.
    fn repeat(&mut self, mut request: Box<Request>, brief: u8, endpoint: &mut Endpoint, now: Instant) {
        match &mut self.state {
            State::Opening(opening) => {
                advance_cseq(&mut request);
                opening.subscribe = request.clone();
            }
            State::Open(open) => renumber(&mut open.dialog, &mut request),
            State::Leaving { dialog, .. } => renumber(dialog, &mut request),
            State::Idle | State::Waiting { .. } | State::Over => return,
        }
        self.send(request, brief, endpoint, now);
    }

    fn send(&mut self, request: Box<Request>, brief: u8, endpoint: &mut Endpoint, now: Instant) {
        let flow = endpoint.next_hop(&request, self.wish.flow);
        match Asking::send(request, (flow, Owner::Subscription(self.id)), brief, endpoint, now) {
            Ok(asking) => self.asking = Some(asking),
            Err(failure) => self.fail(failure, None, endpoint, now),
        }
    }

    fn end(&mut self, failure: Option<Failure>, reason: Option<String>, endpoint: &mut Endpoint) {
        self.state = State::Over;
        self.asking = None;
        self.tell(SubscriptionEvent::Ended(SubscriptionEnd { failure, reason }), endpoint);
    }

    fn tell(&self, event: SubscriptionEvent, endpoint: &mut Endpoint) {
        endpoint.emit(Event::Subscription { id: self.id, event });
    }
}

/// Gives a request that is sent again the dialog's next CSeq.
fn renumber(dialog: &mut Dialog, request: &mut Request) {
    let number = dialog.request(Method::Subscribe).headers.cseq().map_or(0, |cseq| cseq.number);
    request.headers.set(HeaderName::CSeq, CSeq { number, method: Method::Subscribe }.to_string());
}

/// Answers to a refresh after which the subscription is not there any more (§4.1.2.2, RFC 5057 §5.1).
fn ends_usage(failure: &Failure) -> bool {
    match failure {
        Failure::Rejected { status, .. } => {
            matches!(status.as_u16(), 404 | 405 | 408 | 410 | 416 | 480..=485 | 489 | 501 | 604)
        }
        _ => true,
    }
}

/// The notifier does not know the dialog any more, or is not there: a new dialog may do better.
fn is_forgotten(failure: &Failure) -> bool {
    matches!(failure, Failure::Rejected { status: StatusCode::CALL_DOES_NOT_EXIST, .. })
}

const fn failed(failure: Failure) -> SubscriptionEnd {
    SubscriptionEnd { failure: Some(failure), reason: None }
}
