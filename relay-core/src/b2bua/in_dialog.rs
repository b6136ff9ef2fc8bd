//! Requests inside an established call that cross from leg to leg, and digits among them.

use super::call::{DigitsTaken, Stage, other};
use super::cause::Refusal;
use super::{B2bua, SideKey, headers, transfers};
use crate::admission::Denial;
use crate::media::control::{MediaCommand, MediaId, Side};
use sip_core::agent::{Failure, IncomingId, Reply, RequestId, SessionId};
use sip_core::message::{Method, Request, Response, StatusCode, dtmf};
use sip_core::{Duration, Instant};

/// Requests that wait for the other leg's answer.
const MAX_RELAYED: usize = 10_000;

impl B2bua {
    /// A request inside a leg's dialog: digits become telephone-events, the rest crosses to the other leg.
    pub(super) fn relay_request(
        &mut self,
        side: Side,
        incoming: IncomingId,
        session: SessionId,
        request: &Request,
        now: Instant,
    ) {
        let Some(id) = self.calls.of_leg(side, session) else {
            return self.respond(side, incoming, StatusCode::CALL_DOES_NOT_EXIST, now);
        };
        let asked = dtmf::Info::read(request);
        if side == Side::Web && self.is_beyond_guest(id, &asked) {
            let Refusal { status, reason, .. } = self.denied(Denial::NotACall);
            return self.turn_down(side, incoming, status, &reason.unwrap_or_default(), now);
        }
        match asked {
            dtmf::Info::Malformed => self.respond(side, incoming, StatusCode::BAD_REQUEST, now),
            dtmf::Info::Digits(digits, duration) if self.plays_digits(id, side, request) => {
                self.media(MediaCommand::Digits { id, to: other(side), digits, duration });
                self.respond(side, incoming, StatusCode::OK, now);
            }
            _ => self.cross(side, id, incoming, request, now),
        }
    }

    /// Whether the digits of an INFO go on as telephone-events. A page sees none of them, so one that takes INFO gets that.
    fn plays_digits(&self, id: MediaId, from: Side, info: &Request) -> bool {
        let Some(call) = self.calls.call(id) else { return false };
        let Stage::Talking(talk) = &call.stage else { return false };
        if from == Side::Web {
            return talk.has_events_to_trunk();
        }
        let is_taken = match call.digits {
            DigitsTaken::Heard => false,
            DigitsTaken::AsTheyCome => info.headers.content_type().is_some_and(|kind| kind.is(dtmf::RELAY)),
            DigitsTaken::AsInfo => true,
        };
        !is_taken && talk.web.remote.telephone_event.is_some()
    }

    /// A telephone-event ended: the far end that cannot have it as one gets an INFO.
    pub(super) fn handle_digit(&mut self, id: MediaId, from: Side, digit: char, duration: Duration, now: Instant) {
        let to = other(from);
        let Some(call) = self.calls.call(id) else { return };
        let is_wanted = match (to, &call.stage) {
            (Side::Web, _) => call.digits == DigitsTaken::AsInfo,
            (Side::Trunk, Stage::Talking(talk)) => !talk.has_events_to_trunk(),
            (Side::Trunk, _) => true,
        };
        if let (true, Some(session)) = (is_wanted, call.leg(to)) {
            let body = Some(dtmf::body(dtmf::RELAY, digit, duration));
            let told = self.agent(to).session_request(session, Method::Info, Vec::new(), body, now);
            Self::note(told.map(drop), "session_request");
        }
    }

    pub(super) fn cross(&mut self, side: Side, id: MediaId, incoming: IncomingId, request: &Request, now: Instant) {
        let target = self.calls.call(id).and_then(|call| call.leg(other(side)));
        let (Some(session), true) = (target, self.relayed.len() < MAX_RELAYED) else {
            return self.respond(side, incoming, StatusCode::TEMPORARILY_UNAVAILABLE, now);
        };
        let (rows, body) = match self.crossing(side, id, request) {
            Ok(crossing) => crossing,
            Err(status) => return self.respond(side, incoming, status, now),
        };
        let web = self.calls.call(id).and_then(|call| call.web).filter(|_| side == Side::Web);
        let guess = match self.guard_guess(web.and_then(|web| self.web_socket_of(web)), &request.headers, now) {
            Ok(guess) => guess,
            Err(refusal) => return self.reply(side, incoming, refusal.into(), now),
        };
        let sent = self.agent(other(side)).session_request(session, request.method.clone(), rows, body, now);
        match sent {
            Ok(sent) => {
                self.note_guess(sent, guess);
                self.relayed.insert((other(side).into(), sent), (incoming, id));
                self.note_crossed(side, id, session, request);
                if side == Side::Trunk && transfers::ends_news(request) {
                    self.end_news(id);
                }
            }
            Err(_) => self.respond(side, incoming, StatusCode::TEMPORARILY_UNAVAILABLE, now),
        }
    }

    pub(super) fn respond(&mut self, side: Side, incoming: IncomingId, status: StatusCode, now: Instant) {
        self.reply(side, incoming, Reply { status, reason: None, headers: Vec::new(), body: None }, now);
    }

    pub(super) fn reply(&mut self, side: Side, incoming: IncomingId, reply: Reply, now: Instant) {
        let told = self.agent(side).respond(incoming, reply, now);
        Self::note(told, "respond");
    }

    /// A response to a request that this relay sent.
    pub(super) fn handle_response(&mut self, side: Side, id: RequestId, response: &Response, now: Instant) {
        if response.status.is_provisional() {
            return;
        }
        if side == Side::Trunk {
            self.guess_answered(id, Some(response), now);
        }
        let is_settled = self.bye_answered(side, id, Some(response), now);
        if is_settled || (side == Side::Trunk && self.gateway_answered(id, response, now)) {
        } else if let Some(call) = self.take_probe(side, id) {
            self.probe_answered(call, Some(response.status), now);
        } else if let Some((incoming, call)) = self.relayed.remove(&(side.into(), id)) {
            if side == Side::Trunk {
                self.expect_news(call, response);
            }
            let mut rows = headers::in_dialog_response(side, &response.headers);
            rows.extend(headers::refer_sub(&response.headers));
            let reply =
                Reply { status: response.status, reason: Some(response.reason.clone()), headers: rows, body: None };
            self.reply(other(side), incoming, reply, now);
        } else if self.outside_answered(side, id, response, now) || self.watch_answered(side, id, response, now) {
            // Told where it was asked.
        } else if side == Side::Trunk {
            self.register_answered(id, response, now);
        }
    }

    /// A request that this relay sent got no response.
    pub(super) fn handle_failure(&mut self, side: Side, id: RequestId, failure: &Failure, now: Instant) {
        if side == Side::Trunk {
            self.guess_answered(id, None, now);
        }
        let is_settled = self.bye_answered(side, id, None, now);
        if is_settled || (side == Side::Trunk && self.gateway_silent(id, failure, now)) {
        } else if let Some(call) = self.take_probe(side, id) {
            self.probe_answered(call, None, now);
        } else if let Some((incoming, _)) = self.relayed.remove(&(side.into(), id)) {
            self.respond(other(side), incoming, StatusCode::REQUEST_TIMEOUT, now);
        } else if self.outside_failed(side, id, failure, now) || self.watch_failed(side, id, failure, now) {
            // Told where it was asked.
        } else if side == Side::Trunk {
            self.register_failed(id, failure, now);
        }
    }

    fn take_probe(&mut self, side: Side, id: RequestId) -> Option<MediaId> {
        match SideKey::from(side) {
            SideKey::Trunk => self.probes.remove(&id),
            SideKey::Web => None,
        }
    }
}
