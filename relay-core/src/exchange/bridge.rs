//! Calls between two accounts: two sessions, one of which does what the other's side did (RFC 7092 §3.1.1: the
//! descriptions pass untouched).
//!
//! All phones of the called account ring at once. The first that answers has the call, and the others are told that it
//! was answered elsewhere (RFC 3326, RFC 3261 §16.7); one that declines declines for all; otherwise the caller hears
//! the best refusal when the last phone has given its own.

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
    /// The phone that answered.
    callee: Option<SessionId>,
    /// The called account, and its phones that ring.
    account: String,
    ringing: Vec<(SessionId, Binding)>,
    /// The best refusal so far.
    refusal: Option<Refusal>,
    from: NameAddr,
    to: NameAddr,
    offer: Option<String>,
}

/// What a phone said instead of an answer.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    reason: String,
    q850: Option<u16>,
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

    /// Two sessions that talk to each other from now on.
    pub(super) fn join(&mut self, one: SessionId, other: SessionId, (from, to): (NameAddr, NameAddr)) {
        let bridge = Bridge {
            caller: one,
            callee: Some(other),
            account: String::new(),
            ringing: Vec::new(),
            refusal: None,
            from,
            to,
            offer: None,
        };
        let id = self.insert(bridge);
        self.parties.insert(other, (id, Party::Callee));
    }

    /// The call of a session is none any more; its sessions go on.
    pub(super) fn dissolve(&mut self, session: SessionId) {
        if let Some((id, _)) = self.party_of(session) {
            self.remove(id);
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
        let phones = self.locations.phones(&account, now);
        let bridge =
            Bridge { caller: session, callee: None, account, ringing: Vec::new(), refusal: None, from, to, offer };
        let id = self.bridges.insert(bridge);
        for phone in phones {
            self.call_phone(id, phone, now);
        }
        self.give_up_unless_it_rings(id, now);
    }

    fn call_phone(&mut self, id: BridgeId, phone: Binding, now: Instant) {
        let Some(bridge) = self.bridges.calls.get_mut(&id) else { return };
        let invite = invite(bridge, &phone);
        if let Some(callee) = note(self.agent.invite(invite, now), "invite") {
            bridge.ringing.push((callee, phone));
            self.bridges.parties.insert(callee, (id, Party::Callee));
        }
    }

    /// Tells the caller the best refusal when the last phone has given its own.
    fn give_up_unless_it_rings(&mut self, id: BridgeId, now: Instant) {
        if self.bridges.calls.get(&id).is_none_or(|bridge| !bridge.ringing.is_empty()) {
            return;
        }
        let Some(bridge) = self.bridges.remove(id) else { return };
        let Some(Refusal { status, reason, q850 }) = bridge.refusal else {
            let (status, text) = (StatusCode::TEMPORARILY_UNAVAILABLE, "Subscriber absent");
            return self.reject_with_cause(bridge.caller, status, 20, text, now);
        };
        let headers = q850.map(|cause| cause_row(cause, &reason)).into_iter().collect();
        self.reject(bridge.caller, status, Some(reason).filter(|reason| !reason.is_empty()), headers, now);
    }

    /// What a called phone did.
    pub(super) fn callee_event(&mut self, id: BridgeId, callee: SessionId, event: SessionEvent, now: Instant) {
        let Some(bridge) = self.bridges.calls.get_mut(&id) else { return };
        let caller = bridge.caller;
        match event {
            SessionEvent::Progress { response, answer } => {
                // The caller has one dialog with us, so only a phone that rings alone may describe itself early.
                let answer = answer.filter(|_| bridge.ringing.len() == 1);
                note(self.agent.ring(caller, response.status, answer, Rows::new(), now), "ring");
            }
            SessionEvent::Accepted { answer, .. } => {
                bridge.callee = Some(callee);
                self.silence(id, &Reason::sip(200, "Call completed elsewhere"), now);
                // A 2xx without a description is an offer that was never made; the caller's agent would refuse it.
                note(self.agent.accept(caller, answer.unwrap_or_default(), Rows::new(), now), "accept");
            }
            SessionEvent::Ended(end) => self.callee_ended(id, callee, &end, now),
            _ => {}
        }
    }

    /// Stops the phones that ring, apart from the one that answered.
    fn silence(&mut self, id: BridgeId, reason: &Reason, now: Instant) {
        let Some(bridge) = self.bridges.calls.get_mut(&id) else { return };
        let callee = bridge.callee;
        for (session, _) in core::mem::take(&mut bridge.ringing) {
            if Some(session) != callee {
                self.bridges.parties.remove(&session);
                self.hang_up(session, Some(reason.clone()), now);
            }
        }
    }

    fn callee_ended(&mut self, id: BridgeId, callee: SessionId, end: &End, now: Instant) {
        self.bridges.parties.remove(&callee);
        let Some(bridge) = self.bridges.calls.get_mut(&id) else { return };
        if bridge.callee == Some(callee) {
            let caller = bridge.caller;
            self.bridges.remove(id);
            return self.hang_up(caller, reason_of(end), now);
        }
        let place = bridge.ringing.iter().position(|(session, _)| *session == callee);
        let phone = place.map(|place| bridge.ringing.swap_remove(place).1);
        if is_gone(end)
            && let Some(phone) = phone
        {
            self.locations.forget(&bridge.account, &phone.contact.uri);
        }
        bridge.hear(end);
        if end.status.is_some_and(|status| status.as_u16() >= 600) {
            self.silence(id, &Reason::sip(603, "Declined elsewhere"), now);
        }
        self.give_up_unless_it_rings(id, now);
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
                let Some(bridge) = self.bridges.remove(id) else { return };
                for session in bridge.ringing.iter().map(|(session, _)| *session).chain(callee) {
                    self.hang_up(session, reason_of(&end), now);
                }
            }
            _ => {}
        }
    }
}

impl Bridge {
    /// Keeps the better of two refusals (RFC 3261 §16.7): a 6xx, then whatever a phone that is there has said.
    fn hear(&mut self, end: &End) {
        if is_not_here(end) {
            return;
        }
        let status = end.status.filter(|status| status.as_u16() >= 300).unwrap_or(StatusCode::TEMPORARILY_UNAVAILABLE);
        let is_final = status.as_u16() >= 600;
        if is_final || self.refusal.is_none() {
            self.refusal = Some(Refusal { status, reason: end.reason.clone(), q850: end.q850 });
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
