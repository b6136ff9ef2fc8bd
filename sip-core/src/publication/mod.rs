//! Publication: a document of our own state, kept at a server until it is withdrawn (RFC 3903 §4).
//!
//! The server names each version by an entity-tag; a refresh carries the tag alone, a change the tag and the new
//! document (table 1 there). A server that has forgotten the tag (412) gets the document anew.

mod publications;

pub(crate) use publications::Publications;

use crate::agent::{AgentError, Event, Failure, PublicationEvent, PublicationId, Publish};
use crate::agent::{
    Asking, Auth, Endpoint, OutgoingRequest, Owner, advance_cseq, backoff, may_pass, out_of_dialog, refresh_after,
    retry_after,
};
use crate::flow::{Flow, SocketId};
use crate::message::text::decimal;
use crate::message::{HeaderName, Method, Request, Response, StatusCode};
use crate::time::{Duration, Instant};
use crate::transaction::ClientId;

/// Answers 412 in a row, after which it is given up.
const MAX_FORGOTTEN: u32 = 3;

/// One published document. See the module.
#[derive(Debug)]
pub(crate) struct Publication {
    pub(crate) id: PublicationId,
    wish: Publish,
    /// Seconds asked for.
    expires: u32,
    auth: Option<Auth>,
    call_id: String,
    from_tag: String,
    cseq: u32,
    /// The version that the server has.
    etag: Option<String>,
    /// Attempts that failed in a row.
    failures: u32,
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
    /// A PUBLISH is under way; another has to wait for it (§4.1).
    Asking {
        asking: Asking,
        act: Act,
        then: Option<Act>,
    },
    /// The server has it.
    Kept {
        refresh: Instant,
    },
    Over,
}

/// What a PUBLISH does (table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Initial, or modify where there is an entity-tag.
    Put,
    Refresh,
    Remove,
}

impl Publication {
    /// A publication that has not asked for anything yet.
    pub(crate) fn new(id: PublicationId, mut wish: Publish, endpoint: &mut Endpoint) -> Self {
        Self {
            id,
            expires: u32::try_from(wish.expires.as_secs()).unwrap_or(u32::MAX),
            auth: wish.credentials.take().map(Auth::new),
            wish,
            call_id: endpoint.fresh_call_id(),
            from_tag: endpoint.fresh_tag(),
            cseq: 0,
            etag: None,
            failures: 0,
            state: State::Idle,
        }
    }

    // Commands.

    /// Publishes the document over `flow`.
    pub(crate) fn publish(&mut self, flow: Flow, endpoint: &mut Endpoint, now: Instant) {
        self.wish.flow = flow;
        self.ask(Act::Put, endpoint, now);
    }

    /// Replaces the document.
    pub(crate) fn modify(
        &mut self,
        body: (String, Vec<u8>),
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        match &mut self.state {
            State::Over | State::Asking { act: Act::Remove, .. } | State::Asking { then: Some(Act::Remove), .. } => {
                return Err(wrong_state("modify"));
            }
            State::Asking { then, .. } => *then = Some(Act::Put),
            State::Kept { .. } => {
                self.wish.body = body;
                self.ask(Act::Put, endpoint, now);
                return Ok(());
            }
            State::Idle | State::Waiting { .. } => {}
        }
        self.wish.body = body;
        Ok(())
    }

    /// Withdraws the document.
    pub(crate) fn remove(&mut self, endpoint: &mut Endpoint, now: Instant) -> Result<(), AgentError> {
        match &mut self.state {
            State::Over | State::Asking { act: Act::Remove, .. } | State::Asking { then: Some(Act::Remove), .. } => {
                return Err(wrong_state("unpublish"));
            }
            State::Asking { then, .. } => *then = Some(Act::Remove),
            State::Kept { .. } => self.ask(Act::Remove, endpoint, now),
            State::Waiting { .. } if self.etag.is_some() => self.ask(Act::Remove, endpoint, now),
            State::Idle | State::Waiting { .. } => self.end(None, endpoint),
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
        let is_current = matches!(&self.state, State::Asking { asking, .. } if asking.client == client);
        match outcome {
            _ if !is_current => {}
            Ok(response) if response.status.is_provisional() => {}
            Ok(response) if response.status.is_success() => self.handle_success(&response, endpoint, now),
            Ok(response) => self.handle_refusal(&response, endpoint, now),
            Err(failure) => self.fail(failure, None, endpoint, now),
        }
    }

    /// The flow under it is gone.
    pub(crate) fn handle_socket_closed(&mut self, socket: SocketId, endpoint: &mut Endpoint) {
        if self.wish.flow.socket != socket {
            return;
        }
        match &self.state {
            State::Asking { act: Act::Remove, .. } | State::Asking { then: Some(Act::Remove), .. } => {
                self.end(None, endpoint);
            }
            State::Asking { .. } | State::Kept { .. } | State::Waiting { .. } => {
                self.state = State::Idle;
                let failure = Failure::TransportFailed;
                self.tell(PublicationEvent::Interrupted { failure, retry_in: None }, endpoint);
            }
            State::Idle | State::Over => {}
        }
    }

    pub(crate) fn handle_timeout(&mut self, endpoint: &mut Endpoint, now: Instant) {
        match self.state {
            State::Waiting { at } if at <= now => self.ask(Act::Put, endpoint, now),
            State::Kept { refresh } if refresh <= now => self.ask(Act::Refresh, endpoint, now),
            _ => {}
        }
    }

    // Getters.

    pub(crate) const fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting { at: moment } | State::Kept { refresh: moment } => Some(*moment),
            State::Idle | State::Asking { .. } | State::Over => None,
        }
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    // Private.

    fn handle_success(&mut self, response: &Response, endpoint: &mut Endpoint, now: Instant) {
        Auth::accepted(&mut self.auth, response);
        let State::Asking { act, then, .. } = core::mem::replace(&mut self.state, State::Idle) else {
            return;
        };
        if act == Act::Remove {
            return self.end(None, endpoint);
        }
        let Some(etag) = response.headers.get(&HeaderName::SipEtag) else {
            return self.end(Some(Failure::Protocol("the server named no entity-tag")), endpoint);
        };
        self.etag = Some(etag.to_owned());
        self.failures = 0;
        let granted = response.headers.expires().unwrap_or(self.expires);
        self.state = State::Kept { refresh: now + refresh_after(granted, endpoint) };
        self.tell(PublicationEvent::Published { expires: Duration::from_secs(granted.into()) }, endpoint);
        if let Some(act) = then {
            self.ask(act, endpoint, now);
        }
    }

    fn handle_refusal(&mut self, response: &Response, endpoint: &mut Endpoint, now: Instant) {
        let State::Asking { asking, act, then } = core::mem::replace(&mut self.state, State::Idle) else {
            return;
        };
        if response.status == StatusCode::CONDITIONAL_REQUEST_FAILED && self.etag.take().is_some() {
            return self.handle_forgotten(act, then, endpoint, now);
        }
        match asking.again(response, &mut self.auth, &mut self.expires, endpoint) {
            Ok((mut request, brief)) => {
                advance_cseq(&mut request);
                self.cseq += 1;
                self.send(request, (act, then), brief, endpoint, now);
            }
            Err(failure) => {
                // Still as if asking, so that a removal that fails is told from a document that is refused.
                self.settle(failure, (act, then), retry_after(response), endpoint, now);
            }
        }
    }

    /// The server does not know this version any more (412): it gets the whole document again.
    fn handle_forgotten(&mut self, act: Act, then: Option<Act>, endpoint: &mut Endpoint, now: Instant) {
        self.failures += 1;
        match (act, then) {
            (Act::Remove, _) | (_, Some(Act::Remove)) => self.end(None, endpoint),
            _ if self.failures > MAX_FORGOTTEN => {
                self.end(Some(Failure::Protocol("the server forgets each entity-tag")), endpoint);
            }
            _ => self.ask(Act::Put, endpoint, now),
        }
    }

    fn fail(&mut self, failure: Failure, wait: Option<Duration>, endpoint: &mut Endpoint, now: Instant) {
        if let State::Asking { act, then, .. } = core::mem::replace(&mut self.state, State::Idle) {
            self.settle(failure, (act, then), wait, endpoint, now);
        }
    }

    fn settle(
        &mut self,
        failure: Failure,
        (act, then): (Act, Option<Act>),
        wait: Option<Duration>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let is_unwanted = act == Act::Remove || then == Some(Act::Remove);
        if is_unwanted || !may_pass(&failure) {
            return self.end(Some(failure), endpoint);
        }
        self.failures = self.failures.saturating_add(1);
        let own = backoff(self.failures, endpoint);
        let wait = wait.map_or(own, |wait| wait.max(own));
        self.state = State::Waiting { at: now + wait };
        self.tell(PublicationEvent::Interrupted { failure, retry_in: Some(wait) }, endpoint);
    }

    fn ask(&mut self, act: Act, endpoint: &mut Endpoint, now: Instant) {
        let mut request = self.request(act, endpoint);
        Auth::authorize(&mut self.auth, &mut request);
        self.send(request, (act, None), 0, endpoint, now);
    }

    fn send(
        &mut self,
        request: Box<Request>,
        (act, then): (Act, Option<Act>),
        brief: u8,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        match Asking::send(request, (self.wish.flow, Owner::Publication(self.id)), brief, endpoint, now) {
            Ok(asking) => self.state = State::Asking { asking, act, then },
            Err(failure) => self.settle(failure, (act, then), None, endpoint, now),
        }
    }

    /// The next PUBLISH without Via (§4.1, table 1).
    fn request(&mut self, act: Act, endpoint: &mut Endpoint) -> Box<Request> {
        self.cseq += 1;
        let Publish { target, from, route, headers, body, .. } = self.wish.clone();
        let wish = OutgoingRequest {
            route,
            headers,
            body: (act == Act::Put).then_some(body),
            call_id: Some(self.call_id.clone()),
            from_tag: Some(self.from_tag.clone()),
            cseq: Some(self.cseq),
            ..OutgoingRequest::new(Method::Publish, target, from, self.wish.flow)
        };
        let mut request = out_of_dialog(wish, endpoint);
        let expires = if act == Act::Remove { 0 } else { self.expires };
        request.headers.set(HeaderName::Event, self.wish.event.as_str());
        request.headers.set(HeaderName::Expires, decimal(expires));
        if let Some(etag) = &self.etag {
            request.headers.set(HeaderName::SipIfMatch, etag.as_str());
        }
        Box::new(request)
    }

    fn end(&mut self, failure: Option<Failure>, endpoint: &mut Endpoint) {
        self.state = State::Over;
        self.tell(PublicationEvent::Ended { failure }, endpoint);
    }

    fn tell(&self, event: PublicationEvent, endpoint: &mut Endpoint) {
        endpoint.emit(Event::Publication { id: self.id, event });
    }
}

const fn wrong_state(command: &'static str) -> AgentError {
    AgentError::WrongState { command, state: "withdrawing" }
}
