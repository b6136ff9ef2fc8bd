//! Requests inside an established call that cross from leg to leg, and digits among them.

use super::call::other;
use super::{B2bua, SideKey, headers};
use crate::media::control::{MediaCommand, MediaId, Side};
use sip_core::agent::{Failure, IncomingId, Reply, RequestId, SessionId};
use sip_core::message::{Method, Request, Response, StatusCode};
use sip_core::{Duration, Instant};

/// A digit without a duration (RFC 2833's usual tone).
const TONE: Duration = Duration::from_millis(100);
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
        match (side, digits_of(request)) {
            (Side::Web, Some((digits, duration))) => {
                self.media(MediaCommand::Digits { id, digits, duration });
                self.respond(side, incoming, StatusCode::OK, now);
            }
            _ => self.cross(side, id, incoming, request, now),
        }
    }

    fn cross(&mut self, side: Side, id: MediaId, incoming: IncomingId, request: &Request, now: Instant) {
        let target = self.calls.call(id).and_then(|call| call.leg(other(side)));
        let (Some(session), true) = (target, self.relayed.len() < MAX_RELAYED) else {
            return self.respond(side, incoming, StatusCode::TEMPORARILY_UNAVAILABLE, now);
        };
        let (rows, body) = match self.crossing(side, id, request) {
            Ok(crossing) => crossing,
            Err(status) => return self.respond(side, incoming, status, now),
        };
        let sent = self.agent(other(side)).session_request(session, request.method.clone(), rows, body, now);
        match sent {
            Ok(sent) => {
                self.relayed.insert((other(side).into(), sent), incoming);
                self.note_crossed(side, id, session, request);
            }
            Err(_) => self.respond(side, incoming, StatusCode::TEMPORARILY_UNAVAILABLE, now),
        }
    }

    fn respond(&mut self, side: Side, incoming: IncomingId, status: StatusCode, now: Instant) {
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
        if side == Side::Trunk && self.gateway_answered(id, response, now) {
        } else if let Some(call) = self.take_probe(side, id) {
            self.probe_answered(call, Some(response.status), now);
        } else if let Some(incoming) = self.relayed.remove(&(side.into(), id)) {
            let mut rows = headers::to_web_response(&response.headers);
            rows.extend(headers::refer_sub(&response.headers));
            let reply =
                Reply { status: response.status, reason: Some(response.reason.clone()), headers: rows, body: None };
            self.reply(other(side), incoming, reply, now);
        } else {
            self.register_answered(id, response, now);
        }
    }

    /// A request that this relay sent got no response.
    pub(super) fn handle_failure(&mut self, side: Side, id: RequestId, failure: &Failure, now: Instant) {
        if side == Side::Trunk && self.gateway_silent(id, failure, now) {
        } else if let Some(call) = self.take_probe(side, id) {
            self.probe_answered(call, None, now);
        } else if let Some(incoming) = self.relayed.remove(&(side.into(), id)) {
            self.respond(other(side), incoming, StatusCode::REQUEST_TIMEOUT, now);
        } else {
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

/// The digits of an INFO, in either of the usual bodies.
fn digits_of(request: &Request) -> Option<(String, Duration)> {
    if request.method != Method::Info {
        return None;
    }
    let body = core::str::from_utf8(&request.body).ok()?;
    let content_type = request.headers.content_type()?;
    if content_type.is("application/dtmf-relay") {
        dtmf_relay(body)
    } else if content_type.is("application/dtmf") {
        digits(body.trim()).map(|digits| (digits, TONE))
    } else {
        None
    }
}

/// `Signal=5` and `Duration=160`, a line each.
fn dtmf_relay(body: &str) -> Option<(String, Duration)> {
    let field = |name: &str| {
        let fields = body.lines().filter_map(|line| line.split_once('='));
        let mut values = fields.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim());
        values.next()
    };
    let millis = field("duration").and_then(|value| value.parse::<u64>().ok());
    let duration = millis.map_or(TONE, |millis| Duration::from_millis(millis.clamp(40, 6_000)));
    Some((digits(field("signal")?)?, duration))
}

fn digits(text: &str) -> Option<String> {
    let text = text.to_ascii_uppercase();
    let is_digit = |digit: char| matches!(digit, '0'..='9' | 'A'..='D' | '*' | '#');
    (!text.is_empty() && text.len() <= 32 && text.chars().all(is_digit)).then_some(text)
}
