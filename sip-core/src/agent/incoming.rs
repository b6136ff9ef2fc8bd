//! Requests of the other side, judged before a session or the application sees them (RFC 3261 §8.2, §11, §16.3).

use super::dispatch::find_session;
use super::event::{Event, SessionId};
use super::{Reliability, SessionState, UserAgent, headers};
use crate::flow::{Flow, Transport};
use crate::message::text::decimal;
use crate::message::{Contacts, HeaderName, Method, ParseError, Request, Scheme, StatusCode};
use crate::session::{Body, Session, SessionTimer};
use crate::time::Instant;
use crate::transaction::ServerId;
use crate::transfer::Incoming;

/// A refusal with the header that explains it.
type Refusal = (StatusCode, Option<(HeaderName, String)>);

impl UserAgent {
    /// Whether a message on this flow may be looked at, and the transport it came by.
    pub(super) fn admit(&mut self, flow: Flow) -> Option<Transport> {
        let transport = self.endpoint.socket(flow.socket).ok().map(|local| local.transport);
        if transport.is_none() {
            self.endpoint.counters.unknown_socket += 1;
        } else if self.endpoint.is_full() {
            self.endpoint.counters.outputs_full += 1;
            return None;
        }
        transport
    }

    /// Keep-alives are answered (RFC 5626 §3.5.1, §4.4.1), broken requests too where one can see what to answer.
    pub(super) fn handle_unparsable(&mut self, flow: Flow, bytes: &[u8], error: &ParseError) {
        let counters = &mut self.endpoint.counters;
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            counters.keep_alives += 1;
            if bytes == b"\r\n\r\n" {
                self.endpoint.transmit(flow, b"\r\n".to_vec());
            }
            return;
        }
        let (Some(request), Some(status)) =
            (error.request().filter(|request| request.method != Method::Ack), error.status())
        else {
            counters.unparsable += 1;
            return;
        };
        counters.answered_unparsable += 1;
        let mut response = request.reply(status, Some(&self.endpoint.fresh_tag()));
        response.reason = error.to_string();
        self.endpoint.transmit(flow, response.write());
    }

    pub(super) fn handle_request(&mut self, server: ServerId, request: Request, flow: Flow, now: Instant) {
        let tag = request.headers.to().ok().and_then(|to| to.tag().map(str::to_owned));
        if let Err(refusal) = self.judge(&request) {
            self.endpoint.counters.refused += 1;
            return self.refuse(server, &request, refusal, flow, now);
        }
        match (find_session(&self.sessions, &request), tag) {
            _ if self.transfers.takes(&request) && !self.is_confirmed(&request) => {
                self.handle_late_notify(server, request, flow, now);
            }
            (Some(session), _) => self.handle_in_dialog(session, (server, request), flow, now),
            (None, Some(_)) if request.method == Method::Notify && self.subscriptions.find(&request).is_some() => {
                self.handle_notify(server, request, now);
            }
            (None, Some(_)) if self.endpoint.config.dialog_methods.contains(&request.method) => {
                self.hand_to_application(server, request, flow, now);
            }
            (None, Some(_)) if request.method != Method::Register => {
                self.count_stray(&request.method);
                self.endpoint.counters.unknown_dialog += 1;
                self.refuse(server, &request, (StatusCode::CALL_DOES_NOT_EXIST, None), flow, now);
            }
            (None, _) => self.handle_out_of_dialog(server, request, flow, now),
        }
    }

    /// What no session and no application has to look at (§8.2.1 to §8.2.3).
    fn judge(&mut self, request: &Request) -> Result<(), Refusal> {
        let config = &self.endpoint.config;
        if !headers::is_allowed(config, &request.method) {
            self.endpoint.counters.method_not_allowed += 1;
            return Err((StatusCode::METHOD_NOT_ALLOWED, None));
        }
        if let Scheme::Other(_) = request.uri.scheme {
            return Err((StatusCode::UNSUPPORTED_URI_SCHEME, None));
        }
        let is_unknown = |option: &&str| !config.understands(option);
        let unknown: Vec<&str> = request.headers.require().into_iter().filter(is_unknown).collect();
        if !unknown.is_empty() {
            return Err((StatusCode::BAD_EXTENSION, Some((HeaderName::Unsupported, unknown.join(", ")))));
        }
        Ok(())
    }

    fn handle_in_dialog(&mut self, id: SessionId, (server, request): (ServerId, Request), flow: Flow, now: Instant) {
        self.follow(id, &request, flow, now);
        let Self { endpoint, sessions, invites, requests, .. } = self;
        if request.method == Method::Invite {
            invites.insert(server, id);
        }
        let left = sessions.with(id, |session| {
            let left = session.handle_request(server, request, endpoint, now);
            left.map(|request| (request, session.contact().clone(), session.view().local_tag.to_owned()))
        });
        let Some(Some((request, contact, tag))) = left else {
            return;
        };
        if endpoint.config.transfers && is_of_transfer(&request) {
            return self.handle_transfer(id, Incoming { server, request, flow, contact, tag }, now);
        }
        if request.method == Method::Options && !endpoint.config.application_methods.contains(&Method::Options) {
            return endpoint.respond(server, &request, request.reply(StatusCode::OK, None), &contact, now);
        }
        requests.handle_request((server, request), (flow, contact), (Some(id), tag), endpoint, now);
    }

    /// REFER and its NOTIFYs (RFC 3515).
    fn handle_transfer(&mut self, id: SessionId, request: Incoming, now: Instant) {
        let Self { endpoint, sessions, transfers, .. } = self;
        if request.request.method == Method::Notify {
            return transfers.handle_notify(&request, endpoint, now);
        }
        let session = sessions.get(id).filter(|session| session.view().state == SessionState::Confirmed);
        match session.and_then(Session::clone_dialog) {
            Some(dialog) => transfers.handle_refer(id, request, dialog, endpoint, now),
            None => request.respond(StatusCode::REQUEST_PENDING, None, endpoint, now),
        }
    }

    /// News of a transfer whose call is over.
    fn handle_late_notify(&mut self, server: ServerId, request: Request, flow: Flow, now: Instant) {
        let Ok(contact) = self.endpoint.socket(flow.socket).map(|local| local.contact.clone()) else {
            return;
        };
        let notify = Incoming { server, request, flow, contact, tag: String::new() };
        self.transfers.handle_notify(&notify, &mut self.endpoint, now);
    }

    /// Whether the session that a request belongs to stands.
    fn is_confirmed(&self, request: &Request) -> bool {
        let session = find_session(&self.sessions, request).and_then(|id| self.sessions.get(id));
        session.is_some_and(|session| session.view().state == SessionState::Confirmed)
    }

    fn handle_out_of_dialog(&mut self, server: ServerId, request: Request, flow: Flow, now: Instant) {
        let is_ours = self.endpoint.config.application_methods.contains(&request.method);
        match request.method {
            Method::Options if !is_ours => self.refuse(server, &request, (StatusCode::OK, None), flow, now),
            _ if request.headers.max_forwards() == Some(0) => {
                self.endpoint.counters.refused += 1;
                self.refuse(server, &request, (StatusCode::TOO_MANY_HOPS, None), flow, now);
            }
            Method::Invite => self.handle_invite(server, request, flow, now),
            _ if is_ours && request.method != Method::Bye => self.hand_to_application(server, request, flow, now),
            Method::Subscribe => self.refuse_event(server, &request, flow, now),
            // Nobody may have us call somebody out of the blue.
            Method::Refer => {
                self.endpoint.counters.refused += 1;
                self.refuse(server, &request, (StatusCode::FORBIDDEN, None), flow, now);
            }
            Method::Bye | Method::Info | Method::Notify | Method::Prack | Method::Update => {
                self.count_stray(&request.method);
                self.endpoint.counters.unknown_dialog += 1;
                let refusal = (StatusCode::CALL_DOES_NOT_EXIST, None);
                self.refuse(server, &request, refusal, flow, now);
            }
            _ => {
                self.endpoint.counters.method_not_allowed += 1;
                let refusal = (StatusCode::METHOD_NOT_ALLOWED, None);
                self.refuse(server, &request, refusal, flow, now);
            }
        }
    }

    fn handle_notify(&mut self, server: ServerId, notify: Request, now: Instant) {
        let Self { endpoint, subscriptions, .. } = self;
        if let Some(id) = subscriptions.find(&notify) {
            subscriptions.handle_notify(id, (server, notify), endpoint, now);
        }
    }

    /// We have no state of this kind to tell of (RFC 6665 §4.2.1.1).
    fn refuse_event(&mut self, server: ServerId, subscribe: &Request, flow: Flow, now: Instant) {
        self.endpoint.counters.unknown_event += 1;
        let packages = self.endpoint.config.allow_events.join(", ");
        self.refuse(server, subscribe, (StatusCode::BAD_EVENT, Some((HeaderName::AllowEvents, packages))), flow, now);
    }

    fn count_stray(&mut self, method: &Method) {
        let counters = &mut self.endpoint.counters;
        if *method == Method::Notify {
            counters.unknown_subscription += 1;
        }
    }

    fn hand_to_application(&mut self, server: ServerId, request: Request, flow: Flow, now: Instant) {
        let Ok(contact) = self.endpoint.socket(flow.socket).map(|local| local.contact.clone()) else {
            return;
        };
        let tag = self.endpoint.fresh_tag();
        self.requests.handle_request((server, request), (flow, contact), (None, tag), &mut self.endpoint, now);
    }

    fn handle_invite(&mut self, server: ServerId, invite: Request, flow: Flow, now: Instant) {
        let (offer, replaces) = match self.judge_invite(&invite) {
            Ok(judged) => judged,
            Err(refusal) => return self.refuse(server, &invite, refusal, flow, now),
        };
        let Ok(contact) = self.endpoint.socket(flow.socket).map(|local| local.contact.clone()) else {
            return;
        };
        let id = SessionId(self.endpoint.fresh_id());
        let tag = self.endpoint.fresh_tag();
        let invited = (server, invite.clone());
        let Ok(session) = Session::invited(id, invited, tag, (flow, contact), &mut self.endpoint, now) else {
            self.endpoint.counters.refused += 1;
            return self.refuse(server, &invite, (StatusCode::BAD_REQUEST, None), flow, now);
        };
        self.sessions.insert(session);
        self.invites.insert(server, id);
        self.endpoint.counters.sessions += 1;
        if let Some(replaced) = replaces {
            self.replacing.insert(id, replaced);
        }
        self.endpoint.emit(Event::IncomingCall { session: id, flow, request: Box::new(invite), offer, replaces });
    }

    /// The INVITE's offer and the session it replaces, if the INVITE may become a session. Who replaces one needs no room.
    fn judge_invite(&mut self, invite: &Request) -> Result<(Option<String>, Option<SessionId>), Refusal> {
        let replaces = self.replaced_by_invite(invite).map_err(|status| {
            self.endpoint.counters.refused += 1;
            (status, None)
        })?;
        if replaces.is_none() && self.sessions.len() >= self.endpoint.config.max_sessions {
            self.endpoint.counters.sessions_full += 1;
            let status = StatusCode::new(self.endpoint.config.full_status).unwrap_or(StatusCode::BUSY_HERE);
            return Err((status, self.retry_after(status)));
        }
        let config = &self.endpoint.config;
        let mut refusal = SessionTimer::judge(&invite.headers, config.session_timers.as_ref()).err();
        if config.reliability == Reliability::Required && !invite.headers.supports("100rel") {
            refusal = Some((StatusCode::EXTENSION_REQUIRED, Some((HeaderName::Require, "100rel".to_owned()))));
        }
        if let Some(refusal) = refusal {
            self.endpoint.counters.refused += 1;
            return Err(refusal);
        }
        let refusal = match invite.headers.contacts() {
            Ok(Contacts::List(contacts)) if contacts.len() == 1 => match Body::read(&invite.headers, &invite.body) {
                Body::Empty => return Ok((None, replaces)),
                Body::Sdp(offer) => return Ok((Some(offer), replaces)),
                Body::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            },
            _ => StatusCode::BAD_REQUEST,
        };
        self.endpoint.counters.refused += 1;
        Err((refusal, None))
    }

    /// A 503 says when to come back, or its receiver stays away (RFC 3261 §21.5.4).
    fn retry_after(&mut self, status: StatusCode) -> Option<(HeaderName, String)> {
        let seconds = 5 + self.endpoint.entropy.number() % 10;
        (status == StatusCode::SERVICE_UNAVAILABLE).then(|| (HeaderName::RetryAfter, decimal(seconds)))
    }

    /// An answer of the agent's own.
    fn refuse(&mut self, server: ServerId, request: &Request, (status, row): Refusal, flow: Flow, now: Instant) {
        let tag = self.endpoint.fresh_tag();
        let mut response = request.reply(status, Some(&tag));
        if let Some((name, value)) = row {
            response.headers.push(name, value);
        }
        let Ok(contact) = self.endpoint.socket(flow.socket).map(|local| local.contact.clone()) else {
            return;
        };
        self.endpoint.respond(server, request, response, &contact, now);
    }
}

/// REFER, or a NOTIFY of its subscription.
fn is_of_transfer(request: &Request) -> bool {
    match request.method {
        Method::Refer => true,
        Method::Notify => request.headers.parameterized(&HeaderName::Event).is_some_and(|event| event.is("refer")),
        _ => false,
    }
}
