//! The table: what happened in a session → whose business it is.

use super::bridge::Party;
use super::{Exchange, note};
use sip_core::Instant;
use sip_core::agent::{IncomingId, Reply, RequestId, SessionEvent, SessionId};
use sip_core::message::{HeaderName, Method, Request, Response, StatusCode};

impl Exchange {
    pub(super) fn join(&mut self, session: SessionId, event: SessionEvent, now: Instant) {
        if let Some(player) = self.applications.player_of(session) {
            return self.application_event(player, event, now);
        }
        let Some((bridge, party)) = self.bridges.party_of(session) else { return };
        match (party, event) {
            (_, SessionEvent::Offered { offer, .. }) => self.pass_offer(session, offer, now),
            (_, SessionEvent::Answered { result, .. }) => self.pass_answer(session, result, now),
            (Party::Caller, event) => self.caller_event(bridge, event, now),
            (Party::Callee, event) => self.callee_event(bridge, session, event, now),
        }
    }

    /// A re-INVITE of one side becomes one on the other. One without an offer cannot: there is none to pass on.
    fn pass_offer(&mut self, session: SessionId, offer: Option<String>, now: Instant) {
        let passed = match (offer, self.bridges.other(session)) {
            (Some(offer), Some(other)) => {
                let passed = self.agent.offer_with(other, (Method::Invite, offer), Vec::new(), now);
                passed.map_err(|_| StatusCode::REQUEST_PENDING)
            }
            (None, _) => Err(StatusCode::NOT_ACCEPTABLE_HERE),
            (_, None) => Err(StatusCode::CALL_DOES_NOT_EXIST),
        };
        if let Err(status) = passed {
            note(self.agent.answer_offer(session, Err(status), now), "answer_offer");
        }
    }

    fn pass_answer(&mut self, session: SessionId, result: Result<Option<String>, StatusCode>, now: Instant) {
        let Some(other) = self.bridges.other(session) else { return };
        let result = result.and_then(|answer| answer.ok_or(StatusCode::NOT_ACCEPTABLE_HERE));
        note(self.agent.answer_offer(other, result, now), "answer_offer");
    }

    /// INFO, MESSAGE and others inside a call cross to the other side; a number that answers by itself takes INFO.
    pub(super) fn in_call_request(&mut self, id: IncomingId, session: SessionId, request: &Request, now: Instant) {
        let Some(other) = self.bridges.other(session) else {
            let is_known = self.applications.player_of(session).is_some();
            let status = if is_known { StatusCode::OK } else { StatusCode::CALL_DOES_NOT_EXIST };
            return self.respond(id, Reply::new(status), now);
        };
        let Request { method, headers, body, .. } = request;
        let kind = headers.get(&HeaderName::ContentType).filter(|_| !body.is_empty());
        let body = kind.map(|kind| (kind.to_owned(), body.clone()));
        let rows = headers.get(&HeaderName::InfoPackage).map(|package| (HeaderName::InfoPackage, package.to_owned()));
        match self.agent.session_request(other, method.clone(), rows.into_iter().collect(), body, now) {
            Ok(request) => drop(self.relayed.insert(request, id)),
            Err(_) => self.respond(id, Reply::new(StatusCode::REQUEST_PENDING), now),
        }
    }

    pub(super) fn in_call_response(&mut self, id: RequestId, response: &Response, now: Instant) {
        if response.status.is_provisional() {
            return;
        }
        let Some(incoming) = self.relayed.remove(&id) else { return };
        let kind = response.headers.get(&HeaderName::ContentType).filter(|_| !response.body.is_empty());
        let body = kind.map(|kind| (kind.to_owned(), response.body.clone()));
        let reply = Reply { reason: Some(response.reason.clone()), body, ..Reply::new(response.status) };
        self.respond(incoming, reply, now);
    }
}
