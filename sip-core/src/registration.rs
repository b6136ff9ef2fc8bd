//! Registration: one binding, made, kept and given back (RFC 3261 §10.2, RFC 5626 §4.2).
//!
//! All REGISTERs of one registration have one Call-ID and a growing CSeq, also over another flow. A failed one stays
//! failed until the application asks again.

use crate::agent::{AgentError, Event, Failure, Register, RegistrationEvent, RegistrationId};
use crate::agent::{Auth, Endpoint, OutgoingRequest, Owner, advance_cseq, out_of_dialog};
use crate::flow::Flow;
use crate::message::{Contacts, HeaderName, Method, NameAddr, Request, Response, StatusCode};
use crate::time::{Duration, Instant};
use crate::transaction::ClientId;

/// Answers "too brief" that are followed in a row.
const MAX_BRIEF: u8 = 3;

/// One binding. See the module.
#[derive(Debug)]
pub(crate) struct Registration {
    id: RegistrationId,
    register: Register,
    call_id: String,
    from_tag: String,
    cseq: u32,
    expires: u32,
    auth: Option<Auth>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// No binding, and none asked for.
    Unbound,
    /// A REGISTER is under way.
    Asking {
        client: ClientId,
        /// As last sent, without Via.
        request: Box<Request>,
        wish: Wish,
        /// What to ask for afterwards: one REGISTER at a time (§10.2).
        then: Option<Wish>,
        brief: u8,
    },
    /// The registrar has the binding.
    Bound { refresh: Instant },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Bind,
    Unbind,
}

impl Registration {
    /// A registration that has not asked for anything yet.
    pub(crate) fn new(id: RegistrationId, mut register: Register, endpoint: &mut Endpoint) -> Self {
        Self {
            id,
            call_id: endpoint.fresh_call_id(),
            from_tag: endpoint.fresh_tag(),
            cseq: 0,
            expires: u32::try_from(register.expires.as_secs()).unwrap_or(u32::MAX),
            auth: register.credentials.take().map(Auth::new),
            register,
            state: State::Unbound,
        }
    }

    // Commands.

    /// Asks for the binding, over `flow` from now on.
    pub(crate) fn register(&mut self, flow: Flow, endpoint: &mut Endpoint, now: Instant) {
        self.register.flow = flow;
        self.tell(RegistrationEvent::Registering, endpoint);
        self.ask(Wish::Bind, endpoint, now);
    }

    /// Gives the binding back; after the REGISTER that is under way, if there is one.
    pub(crate) fn unregister(&mut self, endpoint: &mut Endpoint, now: Instant) -> Result<(), AgentError> {
        match &mut self.state {
            State::Bound { .. } => self.ask(Wish::Unbind, endpoint, now),
            State::Asking { wish: Wish::Bind, then: then @ None, .. } => *then = Some(Wish::Unbind),
            State::Asking { .. } => return Err(wrong_state("unregistering")),
            State::Unbound => return Err(wrong_state("unregistered")),
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
        let is_current = matches!(&self.state, State::Asking { client: ours, .. } if *ours == client);
        match outcome {
            _ if !is_current => {}
            Ok(response) if response.status.is_provisional() => {}
            Ok(response) if response.status.is_success() => self.handle_success(&response, endpoint, now),
            Ok(response) => self.handle_refusal(&response, endpoint, now),
            Err(failure) => self.fail(failure, None, endpoint),
        }
    }

    /// The flow under the binding is gone.
    pub(crate) fn handle_socket_closed(&mut self, endpoint: &mut Endpoint) {
        if !matches!(self.state, State::Unbound) {
            self.fail(Failure::TransportFailed, None, endpoint);
        }
    }

    pub(crate) fn handle_timeout(&mut self, endpoint: &mut Endpoint, now: Instant) {
        if self.deadline().is_some_and(|refresh| refresh <= now) {
            self.ask(Wish::Bind, endpoint, now);
        }
    }

    // Getters.

    pub(crate) const fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Bound { refresh } => Some(refresh),
            State::Unbound | State::Asking { .. } => None,
        }
    }

    pub(crate) const fn flow(&self) -> Flow {
        self.register.flow
    }

    // Private.

    fn handle_success(&mut self, response: &Response, endpoint: &mut Endpoint, now: Instant) {
        Auth::accepted(&mut self.auth, response);
        let State::Asking { wish, then, .. } = core::mem::replace(&mut self.state, State::Unbound) else {
            return;
        };
        if wish == Wish::Unbind {
            return self.tell(RegistrationEvent::Unregistered, endpoint);
        }
        let Some(granted) = self.granted(response) else {
            return self.fail(Failure::Protocol("the registrar did not keep the binding"), None, endpoint);
        };
        let granted = Duration::from_secs(granted.into());
        let wait = endpoint.random_between(granted * 3 / 4, granted * 9 / 10);
        self.state = State::Bound { refresh: now + wait };
        self.tell(RegistrationEvent::Registered { expires: granted }, endpoint);
        if let Some(wish) = then {
            self.ask(wish, endpoint, now);
        }
    }

    fn handle_refusal(&mut self, response: &Response, endpoint: &mut Endpoint, now: Instant) {
        let State::Asking { request, wish, then, brief, .. } = &mut self.state else {
            return;
        };
        let (wish, then, brief) = (*wish, *then, *brief);
        match Auth::answer(&mut self.auth, request, response, endpoint) {
            Ok(()) => {
                let mut request = request.clone();
                advance_cseq(&mut request);
                self.cseq += 1;
                return self.send(request, (wish, then), brief, endpoint, now);
            }
            Err(Some(failure)) => return self.fail(failure, retry_after(response), endpoint),
            Err(None) => {}
        }
        let asked_for = self.expires;
        match (response.status, response.headers.min_expires()) {
            (StatusCode::INTERVAL_TOO_BRIEF, Some(least)) if least > asked_for && brief < MAX_BRIEF => {
                self.expires = least;
                let request = self.request(wish, endpoint);
                self.send(request, (wish, then), brief + 1, endpoint, now);
            }
            _ => self.fail(refusal(response), retry_after(response), endpoint),
        }
    }

    fn ask(&mut self, wish: Wish, endpoint: &mut Endpoint, now: Instant) {
        let mut request = self.request(wish, endpoint);
        Auth::authorize(&mut self.auth, &mut request);
        self.send(request, (wish, None), 0, endpoint, now);
    }

    fn send(
        &mut self,
        request: Box<Request>,
        (wish, then): (Wish, Option<Wish>),
        brief: u8,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        match endpoint.send((*request).clone(), self.flow(), Owner::Registration(self.id), now) {
            Ok(client) => self.state = State::Asking { client, request, wish, then, brief },
            Err(_) => self.fail(Failure::TransportFailed, None, endpoint),
        }
    }

    fn fail(&mut self, failure: Failure, retry_after: Option<Duration>, endpoint: &mut Endpoint) {
        self.state = State::Unbound;
        self.tell(RegistrationEvent::Failed { failure, retry_after }, endpoint);
    }

    fn tell(&self, event: RegistrationEvent, endpoint: &mut Endpoint) {
        endpoint.emit(Event::Registration { id: self.id, event });
    }

    /// The next REGISTER without Via (§10.2.1).
    fn request(&mut self, wish: Wish, endpoint: &mut Endpoint) -> Box<Request> {
        self.cseq += 1;
        let Register { registrar, aor, contact, headers, .. } = self.register.clone();
        let expires = if wish == Wish::Bind { self.expires } else { 0 }.to_string();
        let mut contact = contact;
        contact.params.set("expires", Some(&expires));
        let is_outbound = contact.params.has("reg-id");
        let wish = OutgoingRequest {
            to: Some(aor.clone()),
            contact: Some(contact),
            headers,
            call_id: Some(self.call_id.clone()),
            from_tag: Some(self.from_tag.clone()),
            cseq: Some(self.cseq),
            ..OutgoingRequest::new(Method::Register, registrar, aor, self.flow())
        };
        let mut request = out_of_dialog(wish, endpoint);
        request.headers.set(HeaderName::Expires, expires);
        if is_outbound && !request.headers.has(&HeaderName::Supported) {
            request.headers.push(HeaderName::Supported, "path, outbound");
        }
        Box::new(request)
    }

    /// For how many seconds the registrar keeps the binding (§10.2.4); none where it says that it does not.
    fn granted(&self, response: &Response) -> Option<u32> {
        let general = response.headers.expires().unwrap_or(self.expires);
        let contacts = match response.headers.contacts() {
            Ok(Contacts::List(contacts)) => contacts,
            Ok(Contacts::Star) | Err(_) => Vec::new(),
        };
        let ours = |contact: &&NameAddr| contact.uri.matches(&self.register.contact.uri);
        let only = if contacts.len() == 1 { contacts.first() } else { None };
        let seconds = match contacts.iter().find(ours).or(only) {
            Some(contact) => contact.expires().unwrap_or(general),
            None => general,
        };
        (seconds > 0).then_some(seconds)
    }
}

const fn wrong_state(state: &'static str) -> AgentError {
    AgentError::WrongState { command: "unregister", state }
}

fn refusal(response: &Response) -> Failure {
    match response.status {
        StatusCode::FORBIDDEN => Failure::Unauthorized { status: response.status, realm: None },
        status => Failure::Rejected { status, reason: response.reason.clone() },
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    response.headers.retry_after().map(|seconds| Duration::from_secs(seconds.into()))
}
