//! Registration: one binding, made, kept and given back (RFC 3261 §10.2, RFC 5626 §4.2).
//!
//! All REGISTERs of one registration have one Call-ID and a growing CSeq, also over another flow. A failed one stays
//! failed until the application asks again. What a 2xx says is read in `grant`.

mod grant;

pub use grant::Grant;

use crate::agent::{AgentError, Event, Failure, Register, RegistrationEvent, RegistrationId};
use crate::agent::{Auth, Endpoint, OutgoingRequest, Owner, advance_cseq, out_of_dialog};
use crate::flow::Flow;
use crate::message::text::decimal;
use crate::message::{HeaderName, Method, Request, Response, StatusCode, Uri};
use crate::time::{Duration, Instant};
use crate::transaction::ClientId;

/// Refusals that say how to ask instead (too brief, moved, no outbound), followed in a row.
const MAX_DETOURS: u8 = 3;
/// What is asked for after a "too brief" that does not say how much is enough.
const DEFAULT_MIN_EXPIRES: u32 = 3_600;
/// A binding is not refreshed more often, whatever the registrar grants.
const SHORTEST_REFRESH: Duration = Duration::from_secs(5);
/// Nor less often.
const LONGEST_REFRESH: Duration = Duration::from_secs(86_400);

/// One binding. See the module.
#[derive(Debug)]
pub(crate) struct Registration {
    id: RegistrationId,
    register: Register,
    call_id: String,
    from_tag: String,
    cseq: u32,
    expires: u32,
    /// Where a registrar has sent us instead (RFC 3261 §8.1.3.4).
    moved_to: Option<Uri>,
    auth: Option<Auth>,
    /// Until when the registrar has the binding.
    bound_until: Option<Instant>,
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
        detours: u8,
    },
    /// The registrar has the binding.
    Bound { refresh: Instant },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Bind,
    Unbind,
    /// All bindings of the account, whoever made them.
    Clear,
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
            moved_to: None,
            bound_until: None,
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

    /// Gives all bindings of the account back, those of other phones too.
    pub(crate) fn clear(&mut self, endpoint: &mut Endpoint, now: Instant) {
        match &mut self.state {
            State::Asking { then, .. } => *then = Some(Wish::Clear),
            State::Bound { .. } | State::Unbound => self.ask(Wish::Clear, endpoint, now),
        }
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

    /// A refresh is due; or, while one is under way, the binding has run out.
    pub(crate) fn handle_timeout(&mut self, endpoint: &mut Endpoint, now: Instant) {
        if self.bound_until.is_some_and(|until| until <= now) {
            self.bound_until = None;
            self.tell(RegistrationEvent::Registering, endpoint);
        }
        if matches!(self.state, State::Bound { refresh } if refresh <= now) {
            self.ask(Wish::Bind, endpoint, now);
        }
    }

    // Getters.

    pub(crate) const fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Bound { refresh } => Some(refresh),
            State::Asking { .. } => self.bound_until,
            State::Unbound => None,
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
        if wish == Wish::Bind {
            let Some(grant) = Grant::read(response, &self.register.contact, self.expires) else {
                let failure = Failure::Protocol("the registrar did not keep the binding");
                return self.fail(failure, None, endpoint);
            };
            self.bind(grant, endpoint, now);
        } else {
            self.bound_until = None;
            self.release(endpoint);
            self.tell(RegistrationEvent::Unregistered, endpoint);
        }
        if let Some(wish) = then {
            self.ask(wish, endpoint, now);
        }
    }

    fn bind(&mut self, grant: Grant, endpoint: &mut Endpoint, now: Instant) {
        // A registrar may grant less than asked for, never more (§10.2.1.1).
        let granted = grant.expires.min(Duration::from_secs(self.expires.into())).min(LONGEST_REFRESH);
        let wait = endpoint.random_between(granted * 3 / 4, granted * 9 / 10).max(SHORTEST_REFRESH);
        self.bound_until = Some(now + grant.expires);
        self.state = State::Bound { refresh: now + wait };
        if self.register.is_sole {
            let contact = grant.public_gruu.clone().unwrap_or_else(|| self.contact(grant.is_outbound));
            endpoint.name_socket(self.flow().socket, contact, grant.service_route.clone());
        }
        self.tell(RegistrationEvent::Registered { grant: Box::new(grant) }, endpoint);
    }

    /// Our Contact in dialogs; with `ob`, their requests are to take this flow (RFC 5626 §4.3).
    fn contact(&self, is_outbound: bool) -> Uri {
        let mut contact = self.register.contact.uri.clone();
        if is_outbound {
            contact.params.set("ob", None);
        }
        contact
    }

    /// New dialogs do without what the registrar granted.
    fn release(&self, endpoint: &mut Endpoint) {
        if self.register.is_sole {
            endpoint.name_socket(self.flow().socket, self.contact(false), Vec::new());
        }
    }

    fn handle_refusal(&mut self, response: &Response, endpoint: &mut Endpoint, now: Instant) {
        let State::Asking { request, wish, then, detours, .. } = &mut self.state else {
            return;
        };
        let (wish, then, detours) = (*wish, *then, *detours);
        let had_credentials = request.headers.has(&HeaderName::Authorization);
        match Auth::answer(&mut self.auth, request, response, endpoint) {
            Ok(()) => {
                let mut request = request.clone();
                advance_cseq(&mut request);
                self.cseq += 1;
                return self.send(request, (wish, then), detours, endpoint, now);
            }
            Err(Some(failure)) => return self.fail(failure, retry_after(response), endpoint),
            Err(None) => {}
        }
        if detours < MAX_DETOURS && self.take_detour(response) {
            let mut request = self.request(wish, endpoint);
            Auth::authorize(&mut self.auth, &mut request);
            return self.send(request, (wish, then), detours + 1, endpoint, now);
        }
        self.fail(refusal(response, had_credentials), retry_after(response), endpoint);
    }

    /// Whether a refusal says how to ask instead, and the next REGISTER will ask so.
    fn take_detour(&mut self, response: &Response) -> bool {
        match response.status {
            StatusCode::INTERVAL_TOO_BRIEF => {
                let least = response.headers.min_expires().unwrap_or(DEFAULT_MIN_EXPIRES);
                let is_more = least > self.expires;
                self.expires = self.expires.max(least);
                is_more
            }
            StatusCode::FIRST_HOP_LACKS_OUTBOUND_SUPPORT => self.register.contact.params.remove("reg-id"),
            status if status.is_redirection() => {
                let contacts = response.headers.contacts().ok();
                let target = contacts.as_ref().and_then(|contacts| contacts.first()).map(|to| to.uri.to_request_uri());
                let target = target.filter(|target| target.is_sip() && !target.matches(self.registrar()));
                let is_elsewhere = target.is_some();
                self.moved_to = target.or(self.moved_to.take());
                is_elsewhere
            }
            _ => false,
        }
    }

    fn registrar(&self) -> &Uri {
        self.moved_to.as_ref().unwrap_or(&self.register.registrar)
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
        detours: u8,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        match endpoint.send((*request).clone(), self.flow(), Owner::Registration(self.id), now) {
            Ok(client) => self.state = State::Asking { client, request, wish, then, detours },
            Err(_) => self.fail(Failure::TransportFailed, None, endpoint),
        }
    }

    fn fail(&mut self, failure: Failure, retry_after: Option<Duration>, endpoint: &mut Endpoint) {
        self.state = State::Unbound;
        self.bound_until = None;
        self.moved_to = None;
        self.release(endpoint);
        self.tell(RegistrationEvent::Failed { failure, retry_after }, endpoint);
    }

    fn tell(&self, event: RegistrationEvent, endpoint: &mut Endpoint) {
        endpoint.emit(Event::Registration { id: self.id, event });
    }

    /// The next REGISTER without Via (§10.2.1).
    fn request(&mut self, wish: Wish, endpoint: &mut Endpoint) -> Box<Request> {
        self.cseq += 1;
        let Register { aor, contact, headers, .. } = self.register.clone();
        let expires = decimal(if wish == Wish::Bind { self.expires } else { 0 });
        let mut contact = contact;
        contact.params.set("expires", Some(&expires));
        let options = match (contact.params.has("+sip.instance"), contact.params.has("reg-id")) {
            (_, true) => "path, outbound, gruu",
            (true, false) => "path, gruu",
            (false, false) => "path",
        };
        let outgoing = OutgoingRequest {
            to: Some(aor.clone()),
            contact: (wish != Wish::Clear).then_some(contact),
            headers,
            call_id: Some(self.call_id.clone()),
            from_tag: Some(self.from_tag.clone()),
            cseq: Some(self.cseq),
            ..OutgoingRequest::new(Method::Register, self.registrar().clone(), aor, self.flow())
        };
        let mut request = out_of_dialog(outgoing, endpoint);
        if wish == Wish::Clear {
            request.headers.set(HeaderName::Contact, "*");
        }
        request.headers.set(HeaderName::Expires, expires);
        if !request.headers.has(&HeaderName::Supported) {
            request.headers.push(HeaderName::Supported, options);
        }
        Box::new(request)
    }
}

const fn wrong_state(state: &'static str) -> AgentError {
    AgentError::WrongState { command: "unregister", state }
}

/// A 403 after credentials is about them.
fn refusal(response: &Response, had_credentials: bool) -> Failure {
    match response.status {
        StatusCode::FORBIDDEN if had_credentials => Failure::Unauthorized { status: response.status, realm: None },
        status => Failure::Rejected { status, reason: response.reason.clone() },
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    response.headers.retry_after().map(|seconds| Duration::from_secs(seconds.into()))
}
