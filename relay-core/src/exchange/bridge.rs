//! Calls between two accounts: two sessions, one of which does what the other's side did (RFC 7092 §3.1.1: the
//! descriptions pass untouched).
//!
//! The phones of the called account are tried one after the other, the latest first, until one answers anything else
//! than "not here".

use super::locations::Binding;
use super::{Exchange, Rows, cause_row, note};
use sip_core::Instant;
use sip_core::agent::{End, EndedBy, Failure, Invite, SessionEvent, SessionId};
use sip_core::message::{NameAddr, Reason, Request, StatusCode};
use std::collections::BTreeMap;

/// One such call.
#[derive(Debug)]
pub(super) struct Bridge {
    caller: SessionId,
    callee: Option<SessionId>,
    is_answered: bool,
    /// The called account, and its phone that rings.
    account: String,
    ringing: Option<Binding>,
    /// Phones to be tried if that one is not there.
    others: Vec<Binding>,
    from: NameAddr,
    to: NameAddr,
    offer: Option<String>,
}

/// The number of such a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BridgeId(u64);

/// Which end of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Party {
    Caller,
    Callee,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Bridges {
    calls: BTreeMap<BridgeId, Bridge>,
    parties: BTreeMap<SessionId, (BridgeId, Party)>,
    last: u64,
}

impl Bridges {
    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(super) fn sessions(&self) -> Vec<SessionId> {
        self.parties.keys().copied().collect()
    }

    pub(super) fn party_of(&self, session: SessionId) -> Option<(BridgeId, Party)> {
        self.parties.get(&session).copied()
    }

    /// The session at the other end.
    pub(super) fn other(&self, session: SessionId) -> Option<SessionId> {
        let (id, party) = self.party_of(session)?;
        let bridge = self.calls.get(&id)?;
        match party {
            Party::Caller => bridge.callee,
            Party::Callee => Some(bridge.caller),
        }
    }

    fn insert(&mut self, bridge: Bridge) -> BridgeId {
        self.last += 1;
        let id = BridgeId(self.last);
        self.parties.insert(bridge.caller, (id, Party::Caller));
        self.calls.insert(id, bridge);
        id
    }

    fn remove(&mut self, id: BridgeId) -> Option<Bridge> {
        let bridge = self.calls.remove(&id)?;
        self.parties.retain(|_, (of, _)| *of != id);
        Some(bridge)
    }
}

impl Exchange {
    /// Somebody calls an account.
    pub(super) fn call_account(
        &mut self,
        session: SessionId,
        request: &Request,
        (caller, account): (String, String),
        offer: Option<String>,
        now: Instant,
    ) {
        let (Ok(from), Ok(to)) = (request.headers.from(), request.headers.to()) else {
            return self.reject(session, StatusCode::BAD_REQUEST, None, Rows::new(), now);
        };
        tracing::debug!(caller, account, "between accounts");
        let others = self.locations.phones(&account, now);
        let bridge = Bridge {
            caller: session,
            callee: None,
            is_answered: false,
            account,
            ringing: None,
            others,
            from,
            to,
            offer,
        };
        let id = self.bridges.insert(bridge);
        self.call_next_phone(id, now);
    }

    /// Calls the next phone, or tells the caller that there is none.
    fn call_next_phone(&mut self, id: BridgeId, now: Instant) {
        while let Some(bridge) = self.bridges.calls.get_mut(&id) {
            let caller = bridge.caller;
            if bridge.others.is_empty() {
                self.bridges.remove(id);
                let (status, text) = (StatusCode::TEMPORARILY_UNAVAILABLE, "Subscriber absent");
                return self.reject_with_cause(caller, status, 20, text, now);
            }
            let phone = bridge.others.remove(0);
            let invite = invite(bridge, &phone);
            bridge.ringing = Some(phone);
            if let Some(callee) = note(self.agent.invite(invite, now), "invite") {
                bridge.callee = Some(callee);
                self.bridges.parties.insert(callee, (id, Party::Callee));
                return;
            }
        }
    }

    /// What the called phone did.
    pub(super) fn callee_event(&mut self, id: BridgeId, event: SessionEvent, now: Instant) {
        let Some(bridge) = self.bridges.calls.get_mut(&id) else { return };
        let caller = bridge.caller;
        match event {
            SessionEvent::Progress { response, answer } => {
                note(self.agent.ring(caller, response.status, answer, Rows::new(), now), "ring");
            }
            SessionEvent::Accepted { answer, .. } => {
                bridge.is_answered = true;
                // A 2xx without a description is an offer that was never made; the caller's agent would refuse it.
                note(self.agent.accept(caller, answer.unwrap_or_default(), Rows::new(), now), "accept");
            }
            SessionEvent::Ended(end) => self.callee_ended(id, &end, now),
            _ => {}
        }
    }

    fn callee_ended(&mut self, id: BridgeId, end: &End, now: Instant) {
        let Some(bridge) = self.bridges.calls.get_mut(&id) else { return };
        if let Some(callee) = bridge.callee.take() {
            self.bridges.parties.remove(&callee);
        }
        let (caller, is_answered) = (bridge.caller, bridge.is_answered);
        if is_answered {
            self.bridges.remove(id);
            return self.hang_up(caller, reason_of(end), now);
        }
        if is_gone(end)
            && let Some(phone) = bridge.ringing.take()
        {
            self.locations.forget(&bridge.account, &phone.contact.uri);
        }
        if is_not_here(end) {
            return self.call_next_phone(id, now);
        }
        self.bridges.remove(id);
        let status = end.status.filter(|status| status.as_u16() >= 300).unwrap_or(StatusCode::TEMPORARILY_UNAVAILABLE);
        let headers = end.q850.map(|cause| cause_row(cause, &end.reason)).into_iter().collect();
        self.reject(caller, status, Some(end.reason.clone()).filter(|reason| !reason.is_empty()), headers, now);
    }

    /// What the caller did.
    pub(super) fn caller_event(&mut self, id: BridgeId, event: SessionEvent, now: Instant) {
        let callee = self.bridges.calls.get(&id).and_then(|bridge| bridge.callee);
        match event {
            SessionEvent::Confirmed { answer: Some(answer) } => {
                if let Some(callee) = callee {
                    note(self.agent.answer_offer(callee, Ok(answer), now), "answer_offer");
                }
            }
            SessionEvent::Ended(end) => {
                self.bridges.remove(id);
                if let Some(callee) = callee {
                    self.hang_up(callee, reason_of(&end), now);
                }
            }
            _ => {}
        }
    }
}

fn invite(bridge: &Bridge, phone: &Binding) -> Invite {
    let mut from = bridge.from.clone();
    from.params.remove("tag");
    let mut to = bridge.to.clone();
    to.params.remove("tag");
    Invite {
        to: Some(to),
        offer: bridge.offer.clone(),
        ..Invite::new(phone.contact.uri.to_request_uri(), from, phone.flow)
    }
}

/// The phone itself is not there: its binding is worth nothing.
const fn is_gone(end: &End) -> bool {
    matches!(end.failure, Some(Failure::TransportFailed | Failure::Timeout))
}

/// Another phone of the account may be.
fn is_not_here(end: &End) -> bool {
    let is_unavailable =
        end.status.is_some_and(|status| matches!(status.as_u16(), 404 | 408 | 410 | 430 | 480 | 481 | 503));
    is_gone(end) || (end.by != EndedBy::Local && is_unavailable)
}

fn reason_of(end: &End) -> Option<Reason> {
    end.q850.map(|cause| Reason::q850(cause, &end.reason))
}
