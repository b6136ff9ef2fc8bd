//! Offers inside a call: re-INVITE and UPDATE, both ways, and their collisions (RFC 3261 §14, RFC 3311, RFC 6337).

use super::confirmed::{in_dialog, renumber};
use super::retransmission::{Due, Retransmission};
use super::{Body, SDP, Session, State, cause};
use crate::agent::{AgentError, Failure, SessionEvent};
use crate::agent::{Auth, Endpoint, Owner};
use crate::flow::SocketId;
use crate::message::{Method, Request, Response, StatusCode};
use crate::time::Instant;
use crate::transaction::{ClientId, ServerId};

/// Collisions of one offer before it is given up.
const MAX_GLARES: u8 = 8;

/// Who owes what.
#[derive(Debug)]
pub(super) enum Negotiation {
    /// Nobody owes anything.
    Settled,
    /// Our ACK of the first 2xx, with the answer to the offer in it.
    OwingAck { client: ClientId, invite: Box<Request> },
    /// The other side: our re-INVITE is under way.
    Offering {
        client: ClientId,
        /// As last sent, without Via.
        request: Box<Request>,
        glares: u8,
        socket: SocketId,
    },
    /// Our application: their re-INVITE or UPDATE waits.
    Offered { server: ServerId, request: Box<Request> },
    /// The other side: the ACK of our 2xx to its re-INVITE.
    Unacknowledged { retransmission: Box<Retransmission>, request: Box<Request> },
}

/// An offer of ours to be made later.
#[derive(Debug)]
pub(super) struct Retry {
    offer: String,
    at: Instant,
    glares: u8,
}

impl Retry {
    fn of(request: &Request, glares: u8, at: Instant) -> Self {
        let offer = String::from_utf8_lossy(&request.body).into_owned();
        Self { offer, at, glares }
    }
}

impl Session {
    // Commands.

    /// A re-INVITE with an offer; at once, or when the transaction in the way is done.
    pub(crate) fn offer(&mut self, offer: String, endpoint: &mut Endpoint, now: Instant) -> Result<(), AgentError> {
        let wrong_state = self.wrong_state("offer");
        let State::Confirmed(confirmed) = &mut self.state else {
            return Err(wrong_state);
        };
        match (&confirmed.negotiation, &confirmed.retry) {
            (Negotiation::Settled, None) => self.send_offer(offer, 0, endpoint, now),
            (Negotiation::Unacknowledged { .. }, None) => confirmed.retry = Some(Retry { offer, at: now, glares: 0 }),
            _ => {
                return Err(AgentError::WrongState { command: "offer", state: "another offer is open" });
            }
        }
        Ok(())
    }

    /// The application's answer to `Offered`, or to the offer in the 2xx of a call without one.
    pub(crate) fn answer_offer(
        &mut self,
        result: Result<String, StatusCode>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        let wrong_state = self.wrong_state("answer_offer");
        let State::Confirmed(confirmed) = &mut self.state else {
            return Err(wrong_state);
        };
        if let Err(status) = result
            && status.as_u16() < 300
        {
            return Err(AgentError::WrongStatus(status.as_u16()));
        }
        match core::mem::replace(&mut confirmed.negotiation, Negotiation::Settled) {
            Negotiation::OwingAck { client, invite } => self.pay_ack(client, &invite, result, endpoint, now),
            Negotiation::Offered { server, request } => self.answer_theirs(server, request, result, endpoint, now),
            other => {
                confirmed.negotiation = other;
                return Err(AgentError::WrongState { command: "answer_offer", state: "no offer is open" });
            }
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
        let State::Confirmed(confirmed) = &self.state else {
            return self.respond(server, &request, StatusCode::REQUEST_PENDING, endpoint, now);
        };
        match &confirmed.negotiation {
            Negotiation::Settled | Negotiation::Unacknowledged { .. } => {
                self.take_offer(server, request, endpoint, now)
            }
            Negotiation::Offered { .. } => self.ask_for_patience(server, &request, endpoint, now),
            Negotiation::OwingAck { .. } | Negotiation::Offering { .. } => {
                self.respond(server, &request, StatusCode::REQUEST_PENDING, endpoint, now);
            }
        }
    }

    /// An UPDATE without a description only refreshes the target, which the dialog has done.
    pub(super) fn handle_update(&mut self, server: ServerId, request: Request, endpoint: &mut Endpoint, now: Instant) {
        if request.body.is_empty() {
            return self.respond(server, &request, StatusCode::OK, endpoint, now);
        }
        match &self.state {
            State::Incoming(_) => self.ask_for_patience(server, &request, endpoint, now),
            _ => self.handle_reinvite(server, request, endpoint, now),
        }
    }

    fn take_offer(&mut self, server: ServerId, request: Request, endpoint: &mut Endpoint, now: Instant) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        let offer = match Body::read(&request.headers, &request.body) {
            Body::Unsupported => {
                return self.respond(server, &request, StatusCode::UNSUPPORTED_MEDIA_TYPE, endpoint, now);
            }
            Body::Empty => None,
            Body::Sdp(sdp) => Some(sdp),
        };
        let request = Box::new(request);
        confirmed.negotiation = Negotiation::Offered { server, request: request.clone() };
        endpoint.emit_session(self.id, SessionEvent::Offered { offer, request });
    }

    fn answer_theirs(
        &mut self,
        server: ServerId,
        request: Box<Request>,
        result: Result<String, StatusCode>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let answer = match result {
            Ok(answer) => answer,
            Err(status) => return self.respond(server, &request, status, endpoint, now),
        };
        let mut response = request.reply(StatusCode::OK, Some(&self.local_tag));
        response.set_body(SDP, answer);
        endpoint.respond(server, &request, response.clone(), &self.contact, now);
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        if request.method == Method::Invite {
            let sequence = request.headers.cseq().map_or(0, |cseq| cseq.number);
            let timers = &endpoint.config.timers;
            let retransmission = Box::new(Retransmission::new(server, response, sequence, timers, now));
            confirmed.negotiation = Negotiation::Unacknowledged { retransmission, request };
        }
    }

    pub(super) fn handle_reinvite_ack(&mut self, ack: &Request, endpoint: &mut Endpoint) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        let number = ack.headers.cseq().ok().map(|cseq| cseq.number);
        let Negotiation::Unacknowledged { retransmission, request } = &confirmed.negotiation else {
            return;
        };
        if number != Some(retransmission.sequence) {
            endpoint.counters.stray_acks += 1;
            return;
        }
        let delayed = request.body.is_empty();
        confirmed.negotiation = Negotiation::Settled;
        if delayed {
            self.tell_answer(Ok(Body::sdp(&ack.headers, &ack.body)), endpoint);
        }
    }

    pub(super) fn handle_reinvite_cancel(&mut self, invite: ServerId, endpoint: &mut Endpoint, now: Instant) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        match core::mem::replace(&mut confirmed.negotiation, Negotiation::Settled) {
            Negotiation::Offered { server, request } if server == invite => {
                self.respond(server, &request, StatusCode::REQUEST_TERMINATED, endpoint, now);
            }
            other => confirmed.negotiation = other,
        }
    }

    // Our offers.

    fn send_offer(&mut self, offer: String, glares: u8, endpoint: &mut Endpoint, now: Instant) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        let mut request = in_dialog(&mut confirmed.dialog, Method::Invite, &self.contact);
        request.set_body(SDP, offer);
        Auth::authorize(&mut self.auth, &mut request);
        self.send_reinvite(Box::new(request), glares, endpoint, now);
    }

    fn send_reinvite(&mut self, request: Box<Request>, glares: u8, endpoint: &mut Endpoint, now: Instant) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        let flow = endpoint.next_hop(&request, self.flow);
        match endpoint.send((*request).clone(), flow, Owner::Reinvite(self.id), now) {
            Ok(client) => {
                let socket = flow.socket;
                confirmed.negotiation = Negotiation::Offering { socket, client, request, glares }
            }
            Err(_) => self.leave_with(None, cause::by_failure(Failure::TransportFailed), endpoint, now),
        }
    }

    pub(crate) fn handle_reinvite_outcome(
        &mut self,
        client: ClientId,
        outcome: Result<Response, Failure>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let State::Confirmed(confirmed) = &mut self.state else {
            if outcome.is_ok_and(|response| response.status.is_success()) {
                self.acknowledge_late(client, endpoint);
            }
            return;
        };
        if outcome.as_ref().is_ok_and(|response| response.status.is_provisional()) {
            return;
        }
        match core::mem::replace(&mut confirmed.negotiation, Negotiation::Settled) {
            Negotiation::Offering { client: ours, request, glares, socket } if ours == client => match outcome {
                Ok(response) => self.handle_reinvite_response(client, request, glares, response, endpoint, now),
                // The session has moved away from the connection that broke: the offer follows it.
                Err(Failure::TransportFailed) if socket != self.flow.socket => {
                    confirmed.retry = Some(Retry::of(&request, glares, now));
                }
                Err(failure) => self.leave_with(None, cause::by_failure(failure), endpoint, now),
            },
            other => confirmed.negotiation = other,
        }
    }

    fn handle_reinvite_response(
        &mut self,
        client: ClientId,
        mut request: Box<Request>,
        glares: u8,
        response: Response,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        match response.status {
            status if status.is_success() => {
                confirmed.dialog.handle_response(&request, &response);
                endpoint.acknowledge(&confirmed.dialog, &request, None, self.flow, client);
                Auth::accepted(&mut self.auth, &response);
                self.tell_answer(Ok(Body::sdp(&response.headers, &response.body)), endpoint);
            }
            StatusCode::REQUEST_PENDING if glares < MAX_GLARES => {
                let (from, to) = confirmed.side.glare_wait();
                let at = now + endpoint.random_between(from, to);
                confirmed.retry = Some(Retry::of(&request, glares + 1, at));
            }
            StatusCode::CALL_DOES_NOT_EXIST | StatusCode::REQUEST_TIMEOUT => {
                self.leave_forgotten(response, endpoint, now)
            }
            status => match Auth::answer(&mut self.auth, &mut request, &response, endpoint) {
                Ok(()) => {
                    renumber(&mut confirmed.dialog, &mut request);
                    self.send_reinvite(request, glares, endpoint, now);
                }
                Err(_) => self.tell_answer(Err(status), endpoint),
            },
        }
    }

    // Time.

    pub(super) fn handle_negotiation_timeout(&mut self, endpoint: &mut Endpoint, now: Instant) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        match &mut confirmed.negotiation {
            Negotiation::Settled => {
                if let Some(Retry { offer, glares, .. }) = confirmed.retry.take_if(|retry| retry.at <= now) {
                    self.send_offer(offer, glares, endpoint, now);
                }
            }
            Negotiation::Unacknowledged { retransmission, request } => {
                match retransmission.handle_timeout(&endpoint.config.timers, now) {
                    Due::Nothing => {}
                    Due::Repeat => {
                        let response = retransmission.response.clone();
                        endpoint.respond(retransmission.server, request, response, &self.contact, now);
                    }
                    Due::GiveUp => self.leave_with(None, cause::by_failure(Failure::Timeout), endpoint, now),
                }
            }
            Negotiation::OwingAck { .. } | Negotiation::Offering { .. } | Negotiation::Offered { .. } => {}
        }
    }

    fn pay_ack(
        &mut self,
        client: ClientId,
        invite: &Request,
        result: Result<String, StatusCode>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let State::Confirmed(confirmed) = &self.state else {
            return;
        };
        let (answer, refusal) = match result {
            Ok(answer) => (Some(answer), None),
            Err(status) => (None, Some(status)),
        };
        endpoint.acknowledge(&confirmed.dialog, invite, answer.as_deref(), self.flow, client);
        if let Some(status) = refusal {
            self.leave_with(None, cause::by_us(Some(status), None), endpoint, now);
        }
    }
}

impl super::Confirmed {
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.negotiation {
            Negotiation::Settled => self.retry.as_ref().map(|retry| retry.at),
            Negotiation::Unacknowledged { retransmission, .. } => Some(retransmission.deadline()),
            Negotiation::OwingAck { .. } | Negotiation::Offering { .. } | Negotiation::Offered { .. } => None,
        }
    }
}
