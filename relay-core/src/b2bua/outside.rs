//! Requests out of any dialog that carry messages and event state: MESSAGE both ways (RFC 3428), PUBLISH and the first
//! SUBSCRIBE from browsers (RFC 3903, 6665).
//!
//! They cross as REGISTER does: the Request-URI stays, so that the browser's digest verifies, and a challenge of the PBX
//! is the browser's to answer. From the PBX, only who knows a binding's Contact reaches a browser: its registrar.

use super::B2bua;
use super::cause::Refusal;
use super::config::TrunkSocket;
use super::headers::{self, Rows};
use super::inbound::Callee;
use super::outbound::{attempt_of, without_tag};
use super::routes::{self, NextHop, Route, Target};
use crate::media::control::Side;
use sip_core::agent::{Failure, IncomingId, OutgoingRequest, Reply, RequestId};
use sip_core::message::{HeaderName, Method, NameAddr, Request, Response, StatusCode};
use sip_core::{Flow, Instant, Transport};
use std::collections::{BTreeMap, VecDeque};

/// Requests that wait for a PBX's address.
const MAX_WAITING: usize = 1_000;
/// Requests that wait for an answer.
const MAX_ASKED: usize = 10_000;
/// A MESSAGE larger than this does not leave over UDP (RFC 3428 §8, RFC 3261 §18.1.1).
const MAX_DATAGRAM: usize = 1_300;

/// Those under way.
#[derive(Debug, Default)]
pub(super) struct Outside {
    to_trunk: BTreeMap<RequestId, (Asked, Way)>,
    to_web: BTreeMap<RequestId, IncomingId>,
    /// For the DNS.
    waiting: Vec<Asked>,
}

/// A browser's request that the PBX has, or is to have.
#[derive(Debug)]
struct Asked {
    incoming: IncomingId,
    flow: Flow,
    /// As the browser sent it.
    request: Box<Request>,
    next_hop: NextHop,
    /// The PBX's addresses that have not been tried.
    route: VecDeque<Target>,
    /// Call-ID, From tag and CSeq on the trunk.
    trunk: (String, String, u32),
}

/// How a request went to a PBX.
#[derive(Clone, Copy, Debug)]
struct Way {
    target: Target,
    /// By a stream only because it is too long for a datagram.
    is_detour: bool,
}

impl B2bua {
    /// A browser asks something out of any dialog.
    pub(super) fn browser_asks(&mut self, incoming: IncomingId, flow: Flow, request: Box<Request>, now: Instant) {
        let Some(next_hop) = self.next_hop(&request.uri) else {
            return self.turn_down(Side::Web, incoming, StatusCode::NOT_FOUND, "No PBX Serves This Domain", now);
        };
        if self.outside.to_trunk.len() >= MAX_ASKED {
            return self.turn_down_for_now(incoming, now);
        }
        let trunk = (String::new(), String::new(), 0);
        self.route_asked(Asked { incoming, flow, request, next_hop, route: VecDeque::new(), trunk }, now);
    }

    fn route_asked(&mut self, mut asked: Asked, now: Instant) {
        let attempt = attempt_of(&asked.request);
        let before = self.calls.challenged_at(&attempt);
        match self.route(asked.next_hop, before, now) {
            Route::Targets(targets) if asked.request.method == Method::Subscribe => {
                if let Some(target) = targets.front() {
                    self.browser_subscribes(asked.incoming, asked.flow, &asked.request, *target, now);
                }
            }
            Route::Targets(targets) => {
                asked.trunk = self.trunk_identity(&attempt, now);
                asked.route = targets;
                self.ask_next(asked, now);
            }
            Route::Pending if self.outside.waiting.len() < MAX_WAITING => self.outside.waiting.push(asked),
            Route::Pending => self.turn_down_for_now(asked.incoming, now),
            Route::Nowhere(refusal) => self.reply(Side::Web, asked.incoming, refusal.into(), now),
        }
    }

    /// The DNS has answered.
    pub(super) fn outside_resolved(&mut self, now: Instant) {
        for asked in core::mem::take(&mut self.outside.waiting) {
            self.route_asked(asked, now);
        }
    }

    /// To the next of its addresses.
    fn ask_next(&mut self, mut asked: Asked, now: Instant) {
        let Some(target) = asked.route.pop_front() else {
            let reason = "The PBX Cannot Be Reached";
            return self.turn_down(Side::Web, asked.incoming, StatusCode::SERVICE_UNAVAILABLE, reason, now);
        };
        let Some(way) = self.fitting(&asked.request, target) else {
            return self.turn_down_as_too_long(asked.incoming, now);
        };
        let request = &asked.request;
        let forwards = match routes::forwards(&request.headers) {
            Ok(row) => row,
            Err(Refusal { status, .. }) => {
                return self.turn_down(Side::Web, asked.incoming, status, status.reason(), now);
            }
        };
        let guess = match self.guard_guess(Some(asked.flow.socket), &request.headers, now) {
            Ok(guess) => guess,
            Err(refusal) => return self.reply(Side::Web, asked.incoming, refusal.into(), now),
        };
        let mut rows = headers::to_trunk_event(&request.headers);
        rows.push(forwards);
        let (call_id, from_tag, cseq) = asked.trunk.clone();
        let outgoing = OutgoingRequest {
            to: request.headers.to().ok().map(without_tag),
            headers: rows,
            body: body_of(request),
            call_id: Some(call_id),
            from_tag: Some(from_tag),
            cseq: Some(cseq),
            ..OutgoingRequest::new(
                request.method.clone(),
                routes::without_routing(&request.uri),
                request.headers.from().map_or_else(|_| NameAddr::from(request.uri.clone()), without_tag),
                way.target.flow(),
            )
        };
        match self.trunk.request(outgoing, now) {
            Ok(id) => {
                self.note_guess(id, guess);
                self.outside.to_trunk.insert(id, (asked, way));
            }
            Err(error) => {
                let reason = error.to_string();
                self.turn_down(Side::Web, asked.incoming, StatusCode::SERVICE_UNAVAILABLE, &reason, now);
            }
        }
    }

    /// The way that a message takes: what is too long for a datagram takes a stream, where the relay has one.
    fn fitting(&self, request: &Request, target: Target) -> Option<Way> {
        let is_stream = self.trunk_socket(target.socket)?.transport != Transport::Udp;
        if is_stream || request.method != Method::Message || request.write().len() <= MAX_DATAGRAM {
            return Some(Way { target, is_detour: false });
        }
        let fits = |socket: &&TrunkSocket| {
            let is_near = socket.local.is_ipv4() == target.address.is_ipv4() && socket.gateway.is_none();
            socket.transport == Transport::Tcp && is_near
        };
        let stream = self.config.sockets.iter().find(fits)?;
        Some(Way { target: Target { socket: stream.id, ..target }, is_detour: true })
    }

    /// The PBX has a text for a browser.
    pub(super) fn trunk_asks(&mut self, incoming: IncomingId, request: &Request, now: Instant) {
        let callee = match self.callee(request, None) {
            Ok(callee) => callee,
            Err(Refusal { status, reason, .. }) => {
                return self.turn_down(Side::Trunk, incoming, status, &reason.unwrap_or_default(), now);
            }
        };
        self.pass_to_browser(incoming, callee, request, headers::content(&request.headers), now);
    }

    /// Hands a request of the PBX out of any dialog to a browser, with the headers that belong to its kind.
    pub(super) fn pass_to_browser(
        &mut self,
        incoming: IncomingId,
        callee: Callee,
        request: &Request,
        kind: Rows,
        now: Instant,
    ) {
        let mut rows = headers::to_web_request(&request.headers);
        rows.extend(self.config.pass_headers.rows(Side::Trunk, &request.headers));
        rows.extend(kind);
        let outgoing = OutgoingRequest {
            to: Some(NameAddr::from(callee.aor)),
            headers: rows,
            body: body_of(request),
            ..OutgoingRequest::new(
                request.method.clone(),
                callee.contact,
                request.headers.from().map_or_else(|_| NameAddr::from(request.uri.clone()), without_tag),
                callee.flow,
            )
        };
        match self.web.request(outgoing, now) {
            Ok(id) => drop(self.outside.to_web.insert(id, incoming)),
            Err(_) => {
                let status = StatusCode::TEMPORARILY_UNAVAILABLE;
                self.turn_down(Side::Trunk, incoming, status, "The Browser Is Away", now);
            }
        }
    }

    /// The answer to one of these; returns whether it was one.
    pub(super) fn outside_answered(&mut self, side: Side, id: RequestId, response: &Response, now: Instant) -> bool {
        let reply =
            |rows| Reply { status: response.status, reason: Some(response.reason.clone()), headers: rows, body: None };
        match side {
            Side::Trunk => {
                let Some((asked, Way { target, .. })) = self.outside.to_trunk.remove(&id) else { return false };
                if response.status == StatusCode::SERVICE_UNAVAILABLE {
                    self.target_failed(target, Some(response), now);
                    if !asked.route.is_empty() {
                        self.ask_next(asked, now);
                        return true;
                    }
                } else {
                    self.target_answered(target);
                }
                if matches!(response.status.as_u16(), 401 | 407) {
                    self.calls.remember(attempt_of(&asked.request), asked.trunk, target.flow(), now);
                }
                self.reply(Side::Web, asked.incoming, reply(headers::to_web_event_response(&response.headers)), now);
            }
            Side::Web => {
                let Some(incoming) = self.outside.to_web.remove(&id) else { return false };
                self.reply(Side::Trunk, incoming, reply(headers::to_trunk_event_response(&response.headers)), now);
            }
        }
        true
    }

    /// One of these got no answer; returns whether it was one.
    pub(super) fn outside_failed(&mut self, side: Side, id: RequestId, failure: &Failure, now: Instant) -> bool {
        match side {
            Side::Trunk => {
                let Some((asked, way)) = self.outside.to_trunk.remove(&id) else { return false };
                // A PBX without TCP is there all the same.
                let fault = if way.is_detour { None } else { self.target_failed(way.target, None, now) };
                if !asked.route.is_empty() {
                    self.ask_next(asked, now);
                    return true;
                }
                if way.is_detour {
                    self.turn_down_as_too_long(asked.incoming, now);
                    return true;
                }
                let Refusal { status, reason, .. } = Refusal::from_failure(Some(failure), Side::Trunk, fault.as_ref());
                self.turn_down(Side::Web, asked.incoming, status, &reason.unwrap_or_default(), now);
            }
            Side::Web => {
                let Some(incoming) = self.outside.to_web.remove(&id) else { return false };
                let status = StatusCode::TEMPORARILY_UNAVAILABLE;
                self.turn_down(Side::Trunk, incoming, status, "The Browser Is Gone", now);
            }
        }
        true
    }

    pub(super) fn turn_down(
        &mut self,
        side: Side,
        incoming: IncomingId,
        status: StatusCode,
        reason: &str,
        now: Instant,
    ) {
        let reply = Reply { status, reason: Some(reason.to_owned()), headers: Vec::new(), body: None };
        self.reply(side, incoming, reply, now);
    }

    /// Over UDP it may not leave (RFC 3428 §8), and there is no other way.
    fn turn_down_as_too_long(&mut self, incoming: IncomingId, now: Instant) {
        let reason = "Too Long For UDP To The PBX (1300 Bytes In All)";
        self.turn_down(Side::Web, incoming, StatusCode::REQUEST_ENTITY_TOO_LARGE, reason, now);
    }

    /// Too much is under way.
    pub(super) fn turn_down_for_now(&mut self, incoming: IncomingId, now: Instant) {
        let reply = Reply::new(StatusCode::SERVICE_UNAVAILABLE).header(HeaderName::RetryAfter, "30");
        self.reply(Side::Web, incoming, reply, now);
    }
}

/// The content of a request, with its type.
pub(super) fn body_of(request: &Request) -> Option<(String, Vec<u8>)> {
    let content_type = request.headers.get(&HeaderName::ContentType).unwrap_or("text/plain");
    (!request.body.is_empty()).then(|| (content_type.to_owned(), request.body.clone()))
}
