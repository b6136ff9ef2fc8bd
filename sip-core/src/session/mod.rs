//! Session: one INVITE usage, from its first INVITE to its one `Ended` (RFC 3261 §13 to §15).
//!
//! ```text
//!  invite ──> Outgoing ──2xx──> Confirmed ──BYE──> Leaving ──> Over
//!  INVITE ──> Incoming ──ACK───────^  │                          ^
//!               │                     └─────their BYE────────────┤
//!               └──reject, CANCEL, no ACK────────────────────────┘
//! ```
//! A file for each state: `outgoing`, `incoming`, `confirmed`, `leaving`. A `usage` is one dialog with the offers in it,
//! theirs in `negotiation`, ours in `offering`; `reliable` and `prack` are the two sides of RFC 3262; `timer` and
//! `refresh` RFC 4028. What finds the session of a message is `sessions`; SDP is carried, never read.

mod body;
mod cause;
mod confirmed;
mod incoming;
mod leaving;
mod negotiation;
mod offering;
mod outgoing;
mod prack;
mod refresh;
mod reliable;
mod replaced;
mod retransmission;
mod sessions;
mod timer;
mod usage;

pub(crate) use body::Body;
pub(crate) use negotiation::Refused;
pub(crate) use sessions::Sessions;
pub(crate) use timer::SessionTimer;

use self::incoming::Incoming;
use self::leaving::Leaving;
use self::negotiation::Negotiation;
use self::outgoing::Outgoing;
use self::prack::Aside;
use self::refresh::Agreed;
use self::usage::Usage;
use crate::agent::{AgentError, End, Failure, SessionEvent, SessionId, SessionState, SessionView};
use crate::agent::{Auth, Endpoint, headers};
use crate::dialog::Dialog;
use crate::flow::Flow;
use crate::message::{HeaderName, Method, NameAddr, Reason, Request, Response, StatusCode, Uri};
use crate::time::Instant;
use crate::transaction::{ClientId, ServerId};

const SDP: &str = "application/sdp";

/// One call as this agent sees it.
#[derive(Debug)]
pub(crate) struct Session {
    id: SessionId,
    flow: Flow,
    call_id: String,
    local_tag: String,
    /// The other side, as its From or our To named it.
    remote: NameAddr,
    contact: Uri,
    auth: Option<Auth>,
    timer: SessionTimer,
    agreed: Agreed,
    /// Requests of the session's own that wait for their answer.
    asides: Vec<Aside>,
    state: State,
}

#[derive(Debug)]
enum State {
    Outgoing(Box<Outgoing>),
    Incoming(Box<Incoming>),
    Confirmed(Box<Usage>),
    Leaving(Box<Leaving>),
    Over,
}

impl Session {
    // Commands that are not one state's alone; the others are beside their state.

    /// Ends the session by the means its state has: CANCEL, a refusal, or BYE.
    pub(crate) fn hang_up(
        &mut self,
        reason: Option<Reason>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        match self.state {
            State::Outgoing(_) => self.cancel(reason, endpoint, now),
            State::Incoming(_) => self.refuse_or_leave(reason, endpoint, now),
            State::Confirmed(_) => {
                self.leave(reason, endpoint, now);
                Ok(())
            }
            State::Leaving(_) | State::Over => Err(self.wrong_state("hang_up")),
        }
    }

    /// Moves the session to another flow: the next request goes there.
    pub(crate) const fn rebind(&mut self, flow: Flow) {
        self.flow = flow;
    }

    /// A request inside this dialog. Returns it where the application is to answer it.
    pub(crate) fn handle_request(
        &mut self,
        server: ServerId,
        request: Request,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Option<Request> {
        let is_late = matches!(self.state, State::Leaving(_)) && request.method != Method::Bye;
        let refused = match self.dialog_mut(&request) {
            Some(dialog) if !is_late => dialog.handle_request(&request).err(),
            _ => Some(StatusCode::CALL_DOES_NOT_EXIST),
        };
        if let Some(status) = refused {
            endpoint.counters.refused += 1;
            self.respond(server, &request, status, endpoint, now);
            return None;
        }
        if let Some(usage) = self.usage_with(&request) {
            usage.note_allow(&request.headers);
        }
        match request.method {
            Method::Prack => self.handle_prack(server, request, endpoint, now),
            Method::Bye if self.leaves_bye(endpoint) => return Some(request),
            Method::Bye => self.handle_bye(server, &request, endpoint, now),
            Method::Invite => self.handle_reinvite(server, request, endpoint, now),
            Method::Update => self.handle_update(server, request, endpoint, now),
            _ => return Some(request),
        }
        None
    }

    /// An ACK of a 2xx.
    pub(crate) fn handle_ack(&mut self, ack: &Request, endpoint: &mut Endpoint, now: Instant) {
        match self.state {
            State::Incoming(_) => self.handle_first_ack(ack, endpoint, now),
            State::Confirmed(_) => self.handle_reinvite_ack(ack, endpoint),
            State::Outgoing(_) | State::Leaving(_) | State::Over => endpoint.counters.stray_acks += 1,
        }
    }

    /// The CANCEL of an INVITE of this session; the CANCEL itself has been answered.
    pub(crate) fn handle_cancel(&mut self, invite: ServerId, cancel: &Request, endpoint: &mut Endpoint, now: Instant) {
        match self.state {
            State::Incoming(_) => self.handle_invite_cancel(invite, cancel, endpoint, now),
            State::Confirmed(_) => self.handle_reinvite_cancel(invite, endpoint, now),
            State::Outgoing(_) | State::Leaving(_) | State::Over => {}
        }
    }

    /// A response of ours to this INVITE cannot be sent.
    pub(crate) fn handle_unanswerable(&mut self, invite: ServerId, endpoint: &mut Endpoint) {
        if let State::Incoming(incoming) = &self.state
            && incoming.server == invite
        {
            self.close(cause::by_failure(Failure::TransportFailed), endpoint);
        }
    }

    pub(crate) fn handle_timeout(&mut self, endpoint: &mut Endpoint, now: Instant) {
        match self.state {
            State::Incoming(_) => self.handle_incoming_timeout(endpoint, now),
            State::Confirmed(_) => {
                self.handle_negotiation_timeout(endpoint, now);
                self.handle_timer(endpoint, now);
            }
            State::Outgoing(_) => self.retry_offer(endpoint, now),
            State::Leaving(_) | State::Over => {}
        }
    }

    /// The socket under the session is gone: nothing more can be said.
    pub(crate) fn handle_socket_closed(&mut self, endpoint: &mut Endpoint) {
        match self.state {
            State::Outgoing(_) | State::Incoming(_) | State::Confirmed(_) => {
                self.close(cause::by_failure(Failure::TransportFailed), endpoint);
            }
            State::Leaving(_) | State::Over => self.state = State::Over,
        }
    }

    // Getters.

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Incoming(incoming) => incoming.deadline(),
            State::Confirmed(usage) => usage.deadline().into_iter().chain(self.timer.deadline()).min(),
            State::Outgoing(outgoing) => outgoing.deadline(),
            State::Leaving(_) | State::Over => None,
        }
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Whether this is the transaction of its first INVITE, without final response so far.
    pub(crate) fn awaits(&self, invite: ClientId) -> bool {
        matches!(&self.state, State::Outgoing(outgoing) if outgoing.client == invite)
    }

    /// Whether the ACK for this 2xx waits for the application's answer.
    pub(crate) fn owes_ack_for(&self, response: &Response) -> bool {
        let tag = headers::to_tag(&response.headers);
        let owes_ack = |usage: &Usage| matches!(usage.negotiation, Negotiation::OwingAck { .. });
        matches!(&self.state, State::Confirmed(usage) if owes_ack(usage) && usage.dialog.remote_tag() == tag)
    }

    /// Whether it was answered and acknowledged, or waits for the end of its BYE.
    pub(crate) const fn is_established(&self) -> bool {
        matches!(self.state, State::Confirmed(_) | State::Leaving(_))
    }

    pub(crate) const fn flow(&self) -> Flow {
        self.flow
    }

    pub(crate) const fn contact(&self) -> &Uri {
        &self.contact
    }

    pub(crate) fn view(&self) -> SessionView<'_> {
        SessionView {
            call_id: &self.call_id,
            local_tag: &self.local_tag,
            remote_tag: self.dialog().map(Dialog::remote_tag),
            remote: &self.remote,
            remote_target: self.dialog().map(Dialog::remote_target),
            local_sequence: self.dialog().map(Dialog::local_sequence),
            flow: self.flow,
            state: self.public_state(),
        }
    }

    fn public_state(&self) -> SessionState {
        match &self.state {
            State::Outgoing(outgoing) => outgoing.public_state(),
            State::Incoming(incoming) => incoming.public_state(),
            State::Confirmed(_) => SessionState::Confirmed,
            State::Leaving(_) | State::Over => SessionState::Ended,
        }
    }

    // What several states need.

    /// The one dialog of a session that has got so far.
    fn dialog(&self) -> Option<&Dialog> {
        match &self.state {
            State::Outgoing(_) | State::Over => None,
            State::Incoming(incoming) => Some(&incoming.usage.dialog),
            State::Confirmed(usage) => Some(&usage.dialog),
            State::Leaving(leaving) => Some(&leaving.dialog),
        }
    }

    /// The dialog, early ones among them, that a request of the other side belongs to.
    fn dialog_mut(&mut self, request: &Request) -> Option<&mut Dialog> {
        let remote = request.headers.from().ok()?;
        let tag = remote.tag().unwrap_or_default();
        let dialog = match &mut self.state {
            State::Outgoing(outgoing) => outgoing.early_dialog(tag),
            State::Incoming(incoming) => Some(&mut incoming.usage.dialog),
            State::Confirmed(usage) => Some(&mut usage.dialog),
            State::Leaving(leaving) => Some(&mut leaving.dialog),
            State::Over => None,
        };
        dialog.filter(|dialog| dialog.remote_tag() == tag)
    }

    /// Whether the application answers the BYE of a call that stands.
    fn leaves_bye(&self, endpoint: &Endpoint) -> bool {
        matches!(self.state, State::Confirmed(_)) && endpoint.config.application_methods.contains(&Method::Bye)
    }

    fn handle_bye(&mut self, server: ServerId, bye: &Request, endpoint: &mut Endpoint, now: Instant) {
        self.respond(server, bye, StatusCode::OK, endpoint, now);
        match &mut self.state {
            State::Outgoing(outgoing) => outgoing.forget_early_dialog(bye),
            State::Incoming(_) => self.handle_early_bye(bye, endpoint, now),
            State::Confirmed(_) => self.handle_confirmed_bye(bye, endpoint, now),
            State::Leaving(_) | State::Over => {}
        }
    }

    /// Tells the application; the session is over.
    fn close(&mut self, end: End, endpoint: &mut Endpoint) {
        self.state = State::Over;
        self.tell_end(end, endpoint);
    }

    fn tell_end(&self, end: End, endpoint: &mut Endpoint) {
        endpoint.counters.sessions_ended += 1;
        endpoint.emit_session(self.id, SessionEvent::Ended(end));
    }

    fn respond(&self, server: ServerId, request: &Request, status: StatusCode, endpoint: &mut Endpoint, now: Instant) {
        let response = request.reply(status, Some(&self.local_tag));
        endpoint.respond(server, request, response, &self.contact, now);
    }

    /// 500 with Retry-After: not now, but soon (RFC 3261 §14.2, RFC 3311 §5.2).
    fn ask_for_patience(&self, server: ServerId, request: &Request, endpoint: &mut Endpoint, now: Instant) {
        let mut response = request.reply(StatusCode::SERVER_INTERNAL_ERROR, Some(&self.local_tag));
        let seconds = endpoint.entropy.number() % 11;
        response.headers.push(HeaderName::RetryAfter, seconds.to_string());
        endpoint.respond(server, request, response, &self.contact, now);
    }

    fn wrong_state(&self, command: &'static str) -> AgentError {
        AgentError::WrongState { command, state: self.public_state().as_str() }
    }
}
