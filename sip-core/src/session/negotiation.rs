//! Offers of the other side: in INVITE, UPDATE and PRACK, inside a dialog (RFC 3261 §14.2, RFC 3311 §5.2, RFC 6337).
//! Ours are in `offering`.

use super::retransmission::{Due, Retransmission};
use super::timer::SessionTimer;
use super::usage::{Side, Usage};
use super::{Body, SDP, Session, State, cause};
use crate::agent::{AgentError, Endpoint, Failure, SessionEvent, headers};
use crate::flow::SocketId;
use crate::message::{HeaderName, Method, RAck, Request, StatusCode};
use crate::time::Instant;
use crate::transaction::{ClientId, ServerId};

/// Who owes what, in one dialog.
#[derive(Debug)]
pub(super) enum Negotiation {
    /// Nobody owes anything.
    Settled,
    /// The offer of the INVITE that makes the dialog has no answer; or that INVITE had none, and nobody has made one.
    Opening,
    /// We, called: our description is in a reliable provisional response; the other side owes its PRACK.
    Unpracked,
    /// Our PRACK, with the answer to the offer in a reliable provisional response.
    OwingPrack { rack: RAck },
    /// Our ACK, with the answer to the offer in a 2xx.
    OwingAck { client: ClientId, invite: Box<Request> },
    /// The other side: our re-INVITE or UPDATE is under way.
    Offering {
        client: ClientId,
        /// As last sent, without Via.
        request: Box<Request>,
        attempt: Attempt,
        socket: SocketId,
    },
    /// Our application: their re-INVITE, UPDATE or PRACK waits.
    Offered { server: ServerId, request: Box<Request> },
    /// The other side: the ACK of our 2xx to its re-INVITE.
    Unacknowledged { retransmission: Box<Retransmission>, request: Box<Request> },
}

/// How often an offer of ours has been sent, and what for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Attempt {
    pub(super) glares: u8,
    /// It changes nothing, and the application knows nothing of it (RFC 4028 §7.4).
    pub(super) is_refresh: bool,
    /// A reliable provisional response has answered it already.
    pub(super) is_answered: bool,
}

/// An offer of ours to be made later.
#[derive(Debug)]
pub(super) struct Retry {
    pub(super) method: Method,
    /// None asks the other side for one.
    pub(super) offer: Option<String>,
    /// The application's credentials.
    pub(super) rows: Vec<(HeaderName, String)>,
    pub(super) attempt: Attempt,
    at: Instant,
}

/// The application's refusal of an offer.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, String)>,
}

impl From<StatusCode> for Refused {
    fn from(status: StatusCode) -> Self {
        Self { status, headers: Vec::new() }
    }
}

impl Retry {
    pub(super) const fn new(method: Method, offer: Option<String>, attempt: Attempt, at: Instant) -> Self {
        Self { method, offer, rows: Vec::new(), attempt, at }
    }

    pub(super) fn of(request: &Request, attempt: Attempt, at: Instant) -> Self {
        let offer = (!request.body.is_empty()).then(|| String::from_utf8_lossy(&request.body).into_owned());
        let names = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
        let values = |name| request.headers.get_all(name).map(str::to_owned);
        let rows = names.iter().flat_map(|name| values(name).map(|value| (name.clone(), value))).collect();
        Self { rows, ..Self::new(request.method.clone(), offer, attempt, at) }
    }

    pub(super) const fn at(&self) -> Instant {
        self.at
    }
}

impl Session {
    // Commands.

    /// The application's answer to `Offered`, or to the offer in a response to an INVITE without one.
    pub(crate) fn answer_offer(
        &mut self,
        result: Result<String, Refused>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        if let Err(refused) = &result {
            headers::check(&refused.headers)?;
            if refused.status.as_u16() < 300 {
                return Err(AgentError::WrongStatus(refused.status.as_u16()));
            }
        }
        let wrong_state = self.wrong_state("answer_offer");
        if self.usages().is_empty() {
            return Err(wrong_state);
        }
        let Some(place) = self.usages().iter().position(Usage::has_question) else {
            return Err(AgentError::WrongState { command: "answer_offer", state: "no offer is open" });
        };
        if let Ok(answer) = &result {
            self.note_local(answer, endpoint);
        }
        match self.replace_negotiation(place, Negotiation::Settled) {
            Some(Negotiation::OwingAck { client, invite }) => self.pay_ack(client, &invite, result, endpoint, now),
            Some(Negotiation::OwingPrack { rack }) => self.pay_prack(place, &rack, result, endpoint, now),
            Some(Negotiation::Offered { server, request }) => {
                self.answer_theirs(place, server, request, result, endpoint, now);
            }
            _ => {}
        }
        Ok(())
    }

    // Their offers.

    pub(super) fn handle_reinvite(
        &mut self,
        server: ServerId,
        request: Request,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let status = StatusCode::REQUEST_PENDING;
        match &self.state {
            State::Confirmed(_) => self.judge_offer(server, request, endpoint, now),
            State::Incoming(incoming) if !incoming.is_accepted() => {
                self.ask_for_patience(server, &request, endpoint, now);
            }
            _ => self.respond(server, &request, status, endpoint, now),
        }
    }

    /// An UPDATE without a description only refreshes target and session.
    pub(super) fn handle_update(&mut self, server: ServerId, request: Request, endpoint: &mut Endpoint, now: Instant) {
        let has_update = |usage: &Usage| matches!(&usage.negotiation, Negotiation::Offered { request, .. } if request.method == Method::Update);
        if self.usages().iter().any(has_update) {
            self.ask_for_patience(server, &request, endpoint, now);
        } else if !request.body.is_empty() {
            self.judge_offer(server, request, endpoint, now);
        } else if !self.refuses_interval(server, &request, endpoint, now) {
            let mut response = request.reply(StatusCode::OK, Some(&self.local_tag));
            if let State::Confirmed(_) = self.state {
                let timers = endpoint.config.session_timers.as_ref();
                self.timer.grant(&request.headers, &mut response.headers, timers, now);
            }
            endpoint.respond(server, &request, response, &self.contact, now);
        }
    }

    /// Whether it is the other side's turn to offer: 491 where we owe nothing but have asked, 500 where we owe an answer
    /// (RFC 3261 §14.2, RFC 3311 §5.2).
    fn judge_offer(&mut self, server: ServerId, request: Request, endpoint: &mut Endpoint, now: Instant) {
        let has_question = self.usages().iter().any(Usage::has_question);
        let Some(usage) = self.usage_with(&request) else {
            return self.respond(server, &request, StatusCode::REQUEST_PENDING, endpoint, now);
        };
        let is_ours = match (&usage.negotiation, usage.side) {
            (Negotiation::Settled, _) if !has_question => None,
            (Negotiation::Unacknowledged { request, .. }, _) if !request.body.is_empty() => None,
            (Negotiation::Offered { .. }, _) | (Negotiation::Opening, Side::Callee) => Some(false),
            _ => Some(true),
        };
        match is_ours {
            None if self.refuses_interval(server, &request, endpoint, now) => {}
            None => self.take_offer(server, request, endpoint, now),
            Some(true) => self.respond(server, &request, StatusCode::REQUEST_PENDING, endpoint, now),
            Some(false) => self.ask_for_patience(server, &request, endpoint, now),
        }
    }

    fn refuses_interval(&self, server: ServerId, request: &Request, endpoint: &mut Endpoint, now: Instant) -> bool {
        let Err((status, row)) = SessionTimer::judge(&request.headers, endpoint.config.session_timers.as_ref()) else {
            return false;
        };
        let mut response = request.reply(status, Some(&self.local_tag));
        response.headers.extend(row);
        endpoint.respond(server, request, response, &self.contact, now);
        true
    }

    pub(super) fn take_offer(&mut self, server: ServerId, request: Request, endpoint: &mut Endpoint, now: Instant) {
        let offer = match Body::read(&request.headers, &request.body) {
            Body::Unsupported => {
                return self.respond(server, &request, StatusCode::UNSUPPORTED_MEDIA_TYPE, endpoint, now);
            }
            Body::Empty => None,
            Body::Sdp(sdp) => Some(sdp),
        };
        let Some(usage) = self.usage_with(&request) else {
            return;
        };
        let request = Box::new(request);
        usage.early_answer = None;
        usage.negotiation = Negotiation::Offered { server, request: request.clone() };
        endpoint.emit_session(self.id, SessionEvent::Offered { offer, request });
    }

    fn answer_theirs(
        &mut self,
        place: usize,
        server: ServerId,
        request: Box<Request>,
        result: Result<String, Refused>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        match result {
            Ok(answer) => self.answer_theirs_with(place, answer, server, request, endpoint, now),
            Err(Refused { status, headers: rows }) => {
                let mut response = request.reply(status, Some(&self.local_tag));
                headers::lay_over(&mut response.headers, rows);
                endpoint.respond(server, &request, response, &self.contact, now);
            }
        }
        self.accept_if_allowed(endpoint, now);
    }

    fn answer_theirs_with(
        &mut self,
        place: usize,
        answer: String,
        server: ServerId,
        request: Box<Request>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let mut response = request.reply(StatusCode::OK, Some(&self.local_tag));
        response.set_body(SDP, answer);
        if let State::Confirmed(_) = self.state {
            let timers = endpoint.config.session_timers.as_ref();
            self.timer.grant(&request.headers, &mut response.headers, timers, now);
        }
        endpoint.respond(server, &request, response.clone(), &self.contact, now);
        if request.method == Method::Invite {
            let sequence = request.headers.cseq().map_or(0, |cseq| cseq.number);
            let timers = &endpoint.config.timers;
            let retransmission = Box::new(Retransmission::new(server, response, sequence, timers, now));
            self.replace_negotiation(place, Negotiation::Unacknowledged { retransmission, request });
        }
    }

    pub(super) fn handle_reinvite_ack(&mut self, ack: &Request, endpoint: &mut Endpoint) {
        let State::Confirmed(usage) = &mut self.state else {
            return;
        };
        let number = ack.headers.cseq().ok().map(|cseq| cseq.number);
        let Negotiation::Unacknowledged { retransmission, request } = &usage.negotiation else {
            return;
        };
        if number != Some(retransmission.sequence) {
            endpoint.counters.stray_acks += 1;
            return;
        }
        let delayed = request.body.is_empty();
        usage.negotiation = Negotiation::Settled;
        if delayed {
            self.tell_answer(Ok(Body::sdp(&ack.headers, &ack.body)), endpoint);
        }
    }

    pub(super) fn handle_reinvite_cancel(&mut self, invite: ServerId, endpoint: &mut Endpoint, now: Instant) {
        let State::Confirmed(usage) = &mut self.state else {
            return;
        };
        match core::mem::replace(&mut usage.negotiation, Negotiation::Settled) {
            Negotiation::Offered { server, request } if server == invite => {
                self.respond(server, &request, StatusCode::REQUEST_TERMINATED, endpoint, now);
            }
            other => usage.negotiation = other,
        }
    }

    /// The session, or a dialog of it, is about to end: who waits for an answer gets 487.
    pub(super) fn refuse_open_offers(&mut self, endpoint: &mut Endpoint, now: Instant) {
        for place in 0..self.usages().len() {
            match self.replace_negotiation(place, Negotiation::Settled) {
                Some(Negotiation::Offered { server, request }) => {
                    self.respond(server, &request, StatusCode::REQUEST_TERMINATED, endpoint, now);
                }
                Some(other) => drop(self.replace_negotiation(place, other)),
                None => {}
            }
        }
    }

    // Time.

    pub(super) fn handle_negotiation_timeout(&mut self, endpoint: &mut Endpoint, now: Instant) {
        let State::Confirmed(usage) = &mut self.state else {
            return;
        };
        match &mut usage.negotiation {
            Negotiation::Settled => self.retry_offer(endpoint, now),
            Negotiation::Unacknowledged { retransmission, request } => match retransmission.handle_timeout(now) {
                Due::Nothing => {}
                Due::Repeat => {
                    let response = retransmission.response.clone();
                    endpoint.respond(retransmission.server, request, response, &self.contact, now);
                }
                Due::GiveUp => self.leave_with(None, cause::by_failure(Failure::Timeout), endpoint, now),
            },
            _ => {}
        }
    }

    fn pay_ack(
        &mut self,
        client: ClientId,
        invite: &Request,
        result: Result<String, Refused>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let State::Confirmed(usage) = &self.state else {
            return;
        };
        let (answer, refusal) = match result {
            Ok(answer) => (Some(answer), None),
            Err(refused) => (None, Some(refused.status)),
        };
        endpoint.acknowledge(&usage.dialog, invite, answer.as_deref(), self.flow, client);
        if let Some(status) = refusal {
            self.leave_with(None, cause::by_us(Some(status), None), endpoint, now);
        }
    }

    // What several files need.

    /// The session's dialogs: one, or the early ones of our INVITE.
    pub(super) fn usages(&mut self) -> &mut [Usage] {
        match &mut self.state {
            State::Outgoing(outgoing) => outgoing.usages(),
            State::Incoming(incoming) => core::slice::from_mut(&mut incoming.usage),
            State::Confirmed(usage) => core::slice::from_mut(usage),
            State::Leaving(_) | State::Over => &mut [],
        }
    }

    /// The dialog of a request of the other side.
    pub(super) fn usage_with(&mut self, request: &Request) -> Option<&mut Usage> {
        let remote = request.headers.from().ok()?;
        self.usage_of(remote.tag().unwrap_or_default())
    }

    pub(super) fn usage_of(&mut self, remote_tag: &str) -> Option<&mut Usage> {
        self.usages().iter_mut().find(|usage| usage.dialog.remote_tag() == remote_tag)
    }

    pub(super) fn replace_negotiation(&mut self, place: usize, by: Negotiation) -> Option<Negotiation> {
        let usage = self.usages().get_mut(place)?;
        Some(core::mem::replace(&mut usage.negotiation, by))
    }
}
