//! The table that joins the legs: what happened on one is done to the other.

use super::B2bua;
use super::call::{Call, CallDirection, Stage, other};
use super::cause::{self, Refusal};
use super::{guards, headers};
use crate::media::control::{MediaCommand, MediaId, Side};
use sip_core::Instant;
use sip_core::agent::{AgentError, End, SessionEvent, SessionId};
use sip_core::message::{Reason, Response, StatusCode};

impl B2bua {
    /// An event on one leg.
    pub(super) fn join(&mut self, side: Side, session: SessionId, event: SessionEvent, now: Instant) {
        use CallDirection::{Inbound, Outbound};
        use SessionEvent as E;
        let Some(id) = self.calls.of_leg(side, session) else {
            return;
        };
        let Some(call) = self.calls.call(id) else {
            return;
        };
        let (direction, is_talking) = (call.direction, matches!(call.stage, Stage::Talking(_)));
        let awaits_browser = side == Side::Web && call.awaits_browser();
        match (side, direction, event) {
            (Side::Trunk, Outbound, E::Progress { response, answer }) => {
                self.trunk_progresses(id, &response, answer.as_deref(), now);
            }
            (Side::Trunk, Outbound, E::Accepted { answer, response }) => {
                self.show_target(id, &response.headers);
                self.trunk_accepts(id, answer.as_deref(), now);
            }
            (Side::Web, Inbound, E::Progress { response, answer }) => {
                self.web_progresses(id, &response, answer.as_deref(), now);
            }
            (Side::Web, Inbound, E::Accepted { response, answer }) => {
                if let Some(call) = self.calls.call_mut(id) {
                    call.digits = headers::digits_taken(&response.headers);
                }
                self.web_accepts(id, answer.as_deref(), now);
            }
            (_, _, E::Confirmed { answer: Some(answer) } | E::Answered { result: Ok(Some(answer)), .. })
                if awaits_browser =>
            {
                self.browser_describes(id, &answer, now);
            }
            (Side::Trunk, _, E::Confirmed { answer: Some(answer) }) => self.trunk_describes(id, &answer, now),
            (_, _, E::Confirmed { .. }) => self.catch_up(id, now),
            (side, _, E::Offered { offer, .. }) if !is_talking => {
                self.offered_early(id, side, session, offer.as_deref(), now);
            }
            (side, _, E::Offered { offer, request }) => {
                self.offered(id, side, session, (offer.as_deref(), &request), now);
            }
            (side, _, E::Answered { result, response }) => {
                let rows = |response: &Response| headers::in_dialog_response(side, &response.headers);
                let refused = |status| (status, response.as_deref().map(rows).unwrap_or_default());
                self.answered(id, side, result.map_err(refused), now);
            }
            (side, _, E::Ended(end)) => self.leg_ended(id, side, session, &end, now),
            (_, _, E::Progress { .. } | E::Accepted { .. }) => {}
            (_, _, event) => {
                tracing::debug!(?event, "a session event that the relay has no use for")
            }
        }
    }

    /// One leg is over: the other is told, and the media closed.
    fn leg_ended(&mut self, id: MediaId, side: Side, session: SessionId, end: &End, now: Instant) {
        self.calls.detach(side, session);
        if let (Side::Trunk, Some(response)) = (side, &end.response) {
            self.guess_of_answered(id, guards::asks_again(response.status, &response.headers), now);
        }
        let Some(call) = self.calls.call_mut(id) else {
            return;
        };
        if matches!(call.stage, Stage::Ending) {
            return self.forget_if_over(id, now);
        }
        if side == Side::Trunk && (self.fails_over(id, end, now) || self.goes_elsewhere(id, end, now)) {
            return;
        }
        let Some(call) = self.calls.call_mut(id) else {
            return;
        };
        call.record.ended = now;
        call.record.ended_by = call.record.ended_by.or(Some(side));
        call.record.reason.clone_from(&end.reason);
        let stage = core::mem::replace(&mut call.stage, Stage::Ending);
        self.remember_challenge(stage, end, now);
        if side == Side::Trunk && self.waits_for_news(id, end, now) {
            return;
        }
        self.end_leg(id, other(side), end, now);
        self.close(id);
    }

    fn end_leg(&mut self, id: MediaId, side: Side, end: &End, now: Instant) {
        if side == Side::Web && self.farewell_timeout(id, now) {
            return;
        }
        let Some(call) = self.calls.call_mut(id) else {
            return;
        };
        let Some(session) = call.leg(side) else {
            return;
        };
        if side == Side::Trunk && call.has_told_trunk() {
            return;
        }
        if call.is_unanswered_caller(side) {
            let mut refusal = match call.guest {
                Some(_) if is_challenge(end) => {
                    Refusal::new(StatusCode::BAD_GATEWAY, "The PBX Refuses The Relay's Credentials")
                }
                _ => Refusal::from_end(end, other(side), call.fault.as_ref()),
            };
            call.record.status = Some(refusal.status);
            refusal.headers.extend(self.contacts_elsewhere(id, side, end));
            self.refuse(side, session, refusal, now);
        } else {
            self.hang_up(side, session, cause::reason_of(end, other(side)), now);
        }
    }

    /// A challenged INVITE comes again with credentials: on the trunk it is then the same call's next INVITE.
    fn remember_challenge(&mut self, stage: Stage, end: &End, now: Instant) {
        if let (true, Stage::Calling(calling)) = (is_challenge(end), stage) {
            self.calls.remember(calling.attempt, calling.trunk, calling.target.flow(), now);
        }
    }

    /// The relay itself cannot go on with a call that the caller's leg still waits for, or that is under way.
    pub(super) fn abandon(&mut self, id: MediaId, refusal: Refusal, now: Instant) {
        let text = refusal.reason.clone().unwrap_or_default();
        self.end_both(id, refusal, Reason::q850(41, &text), now);
    }

    /// Ends both legs: an unanswered caller hears `refusal`, the others a BYE or CANCEL with `reason`.
    pub(super) fn end_both(&mut self, id: MediaId, refusal: Refusal, reason: Reason, now: Instant) {
        let Some(call) = self.calls.call_mut(id) else {
            return;
        };
        let caller = call.caller();
        let is_unanswered = call.is_unanswered_caller(caller);
        call.stage = Stage::Ending;
        call.record.ended = now;
        call.record.reason = reason.text.clone().unwrap_or_default();
        call.record.status = is_unanswered.then_some(refusal.status);
        let (caller_leg, callee_leg) = (call.leg(caller), call.leg(other(caller)));
        if let Some(session) = callee_leg {
            self.hang_up(other(caller), session, Some(reason.clone()), now);
        }
        match caller_leg {
            Some(session) if is_unanswered => self.refuse(caller, session, refusal, now),
            Some(session) => self.hang_up(caller, session, Some(reason), now),
            None => {}
        }
        self.close(id);
    }

    fn refuse(&mut self, side: Side, session: SessionId, refusal: Refusal, now: Instant) {
        match side {
            Side::Web => self.refuse_web(session, refusal, now),
            Side::Trunk => self.refuse_trunk(session, refusal, now),
        }
    }

    pub(super) fn hang_up(&mut self, side: Side, session: SessionId, reason: Option<Reason>, now: Instant) {
        let told = self.agent(side).hang_up(session, reason, now);
        Self::note(told, "hang_up");
    }

    pub(super) fn close(&mut self, id: MediaId) {
        self.calls.set_deadline(id, None);
        self.guest_ends(id);
        self.media(MediaCommand::Close { id });
    }

    pub(super) fn agent(&mut self, side: Side) -> &mut sip_core::agent::UserAgent {
        match side {
            Side::Web => &mut self.web,
            Side::Trunk => &mut self.trunk,
        }
    }

    pub(super) fn set_stage(&mut self, id: MediaId, stage: Stage) {
        if let Some(call) = self.calls.call_mut(id) {
            call.stage = stage;
        }
    }

    /// A command can come too late: the leg ended in the same breath. Its `Ended` event tells the rest.
    pub(super) fn note(result: Result<(), AgentError>, command: &'static str) {
        if let Err(error) = result {
            tracing::debug!(command, %error, "a leg did not take a command");
        }
    }
}

/// Whether a leg ended because its PBX asked for credentials that it was not given.
fn is_challenge(end: &End) -> bool {
    end.response.as_ref().is_some_and(|response| matches!(response.status.as_u16(), 401 | 407))
}

impl Call {
    pub(super) const fn caller(&self) -> Side {
        match self.direction {
            CallDirection::Outbound => Side::Web,
            CallDirection::Inbound => Side::Trunk,
        }
    }

    /// Whether the PBX has a BYE of ours that it has not answered.
    fn has_told_trunk(&self) -> bool {
        self.is_trunk_told || self.farewell.as_ref().is_some_and(|farewell| farewell.is_told)
    }

    /// Whether `side` is the caller and its INVITE has no final response yet.
    fn is_unanswered_caller(&self, side: Side) -> bool {
        side == self.caller() && self.record.answered.is_none()
    }
}
