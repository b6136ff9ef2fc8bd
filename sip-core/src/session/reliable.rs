//! Reliable provisional responses, called side (RFC 3262 §3): numbered, repeated until their PRACK, one at a time.

use super::negotiation::Negotiation;
use super::retransmission::{Due, Retransmission};
use super::{Body, Session, State};
use crate::agent::{Endpoint, Reliability};
use crate::message::text::decimal;
use crate::message::{HeaderName, Request, Response, StatusCode};
use crate::time::Instant;
use crate::transaction::{ServerId, Timers};
use std::collections::VecDeque;

/// Provisional responses that wait for the PRACK of the one before; the last is replaced by the next.
const MAX_WAITING: usize = 8;
/// §3: the first number is below 2³¹.
const FIRST_BELOW: u64 = 1 << 31;

/// See the module.
#[derive(Debug)]
pub(super) struct Reliable {
    use_of: Use,
    /// RSeq of the last one sent.
    number: u32,
    unacknowledged: Option<Retransmission>,
    waiting: VecDeque<Response>,
}

/// Which responses to an INVITE are reliable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Never,
    /// The caller can, and a lost description would be missed.
    WithDescription,
    /// One of both sides insists.
    Always,
}

impl Reliable {
    pub(super) fn of(invite: &Request, endpoint: &mut Endpoint) -> Self {
        let is_required = invite.headers.require().iter().any(|option| option.eq_ignore_ascii_case("100rel"));
        let use_of = match endpoint.config.reliability {
            Reliability::None => Use::Never,
            _ if is_required => Use::Always,
            _ if !invite.headers.supports("100rel") => Use::Never,
            Reliability::Supported => Use::WithDescription,
            Reliability::Required => Use::Always,
        };
        let number = u32::try_from(endpoint.entropy.number() % (FIRST_BELOW - 1)).unwrap_or_default();
        Self { use_of, number, unacknowledged: None, waiting: VecDeque::new() }
    }

    pub(super) fn takes(&self, has_description: bool) -> bool {
        match self.use_of {
            Use::Never => false,
            Use::WithDescription => has_description,
            Use::Always => true,
        }
    }

    /// Whether a PRACK is awaited.
    pub(super) const fn is_open(&self) -> bool {
        self.unacknowledged.is_some()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.unacknowledged.as_ref().map(Retransmission::deadline)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Due {
        self.unacknowledged.as_mut().map_or(Due::Nothing, |waiting| waiting.handle_timeout(now))
    }

    /// What a `Due::Repeat` sends.
    pub(super) fn response(&self) -> Option<Response> {
        self.unacknowledged.as_ref().map(|waiting| waiting.response.clone())
    }

    /// Numbers a response that can be sent now; another one waits.
    fn send(&mut self, server: ServerId, mut response: Response, timers: &Timers, now: Instant) -> Option<Response> {
        if self.is_open() {
            if self.waiting.len() >= MAX_WAITING {
                self.waiting.pop_back();
            }
            self.waiting.push_back(response);
            return None;
        }
        self.number += 1;
        response.headers.push(HeaderName::Require, "100rel");
        response.headers.push(HeaderName::RSeq, decimal(self.number));
        self.unacknowledged = Some(Retransmission::provisional(server, response.clone(), self.number, timers, now));
        Some(response)
    }

    /// Whether a PRACK is for the response that waits for one.
    fn is_meant(&self, prack: &Request, invite: &Request) -> bool {
        let (Ok(rack), Ok(cseq)) = (prack.headers.rack(), invite.headers.cseq()) else {
            return false;
        };
        self.unacknowledged.as_ref().is_some_and(|waiting| waiting.sequence == rack.response) && rack.cseq == cseq
    }
}

impl Session {
    /// Sends a provisional response reliably, or has it wait.
    pub(super) fn respond_reliably(&mut self, response: Response, endpoint: &mut Endpoint, now: Instant) {
        let State::Incoming(incoming) = &mut self.state else {
            return;
        };
        let sent = incoming.reliable.send(incoming.server, response, &endpoint.config.timers, now);
        if let Some(response) = sent {
            endpoint.respond(incoming.server, &incoming.invite, response, &self.contact, now);
        }
    }

    /// 481 for a PRACK that acknowledges nothing (§3). The description in it is the answer to our offer, or an offer.
    pub(super) fn handle_prack(&mut self, server: ServerId, prack: Request, endpoint: &mut Endpoint, now: Instant) {
        if prack.headers.rack().is_err() {
            return self.respond(server, &prack, StatusCode::BAD_REQUEST, endpoint, now);
        }
        let State::Incoming(incoming) = &mut self.state else {
            return self.respond(server, &prack, StatusCode::CALL_DOES_NOT_EXIST, endpoint, now);
        };
        if !incoming.reliable.is_meant(&prack, &incoming.invite) {
            return self.respond(server, &prack, StatusCode::CALL_DOES_NOT_EXIST, endpoint, now);
        }
        let body = Body::read(&prack.headers, &prack.body);
        let asks = matches!(incoming.usage.negotiation, Negotiation::Unpracked);
        let is_delayed = incoming.invite.body.is_empty();
        match body {
            Body::Unsupported => {
                return self.respond(server, &prack, StatusCode::UNSUPPORTED_MEDIA_TYPE, endpoint, now);
            }
            // Our offer wants its answer here and nowhere else (§5).
            Body::Empty if asks && is_delayed => {
                return self.respond(server, &prack, StatusCode::BAD_REQUEST, endpoint, now);
            }
            _ => incoming.reliable.unacknowledged = None,
        }
        if asks {
            incoming.usage.negotiation = Negotiation::Settled;
        }
        match (body, &incoming.usage.negotiation) {
            (Body::Sdp(answer), _) if asks && is_delayed => {
                self.respond(server, &prack, StatusCode::OK, endpoint, now);
                self.note_remote(Some(&answer));
                self.tell_answer(Ok(Some(answer)), endpoint);
            }
            (Body::Sdp(_), Negotiation::Settled) => self.take_offer(server, prack, endpoint, now),
            (Body::Sdp(_), _) => self.ask_for_patience(server, &prack, endpoint, now),
            _ => self.respond(server, &prack, StatusCode::OK, endpoint, now),
        }
        self.respond_with_waiting(endpoint, now);
    }

    /// The PRACK was there: the next response, or the 2xx that had to wait.
    fn respond_with_waiting(&mut self, endpoint: &mut Endpoint, now: Instant) {
        let State::Incoming(incoming) = &mut self.state else {
            return;
        };
        match incoming.reliable.waiting.pop_front() {
            Some(response) => self.respond_reliably(response, endpoint, now),
            None => self.accept_if_allowed(endpoint, now),
        }
    }
}
