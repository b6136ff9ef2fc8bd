//! What sip-core's sessions say, joined to the peer connection: our description before the INVITE or the 200, the
//! other side's description once (RFC 3264).

use sip_core::Instant;
use sip_core::agent::{self, End, SessionEvent, SessionId};
use sip_core::message::{Request, Response, StatusCode};

use super::call::{self, Call, Negotiation, Stage};
use super::{Output, PATIENCE, Phone, failed, identity};
use crate::errors;
use crate::types::{CallEnd, CallState, CoreEvent, ErrorCode, ErrorInfo};

impl Phone {
    pub(super) fn handle_incoming(
        &mut self,
        session: SessionId,
        request: &Request,
        offer: Option<String>,
        now: Instant,
    ) {
        let parties = request.headers.from().ok().zip(request.headers.to().ok());
        let Some((from, to)) = parties.filter(|_| offer.as_deref().is_none_or(call::is_acceptable)) else {
            let _ = self.agent.reject(session, StatusCode::NOT_ACCEPTABLE_HERE, None, Vec::new(), now);
            return;
        };
        if self.turns_away(session, request, now) {
            return;
        }
        if self.agent.ring(session, StatusCode::RINGING, None, Vec::new(), now).is_err() {
            return;
        }
        let headers = super::settings::rows(&request.headers);
        let (identity, diversion) = (identity::caller(&request.headers, &from), identity::diversions(&request.headers));
        let (from, to) = (call::party(&from), call::party(&to));
        let described = offer.clone();
        let mut ringing = Call::new(Stage::Ringing { session, offer }, CallState::Ringing);
        ringing.answer_by = self.ring_until(now);
        let call = self.calls.add(ringing);
        if let Some(offer) = described {
            self.note_description(call, &offer);
        }
        self.out.push_back(Output::Event(CoreEvent::IncomingCall { call, from, to, identity, diversion, headers }));
    }

    pub(super) fn handle_session(&mut self, session: SessionId, event: SessionEvent, now: Instant) {
        if let SessionEvent::Ended(_) = event
            && self.ends_replacing(session)
        {
            return;
        }
        let Some(id) = self.calls.of_session(session) else {
            // The page let go of this call already; whatever comes now is answered without it.
            if let SessionEvent::Offered { .. } = event {
                let _ = self.agent.answer_offer(session, Err(StatusCode::NOT_ACCEPTABLE_HERE), now);
            }
            return;
        };
        match event {
            SessionEvent::Progress { response, answer } => {
                self.report(id, response.status, &response.reason);
                self.handle_progress(id, &response, answer, now);
            }
            SessionEvent::Accepted { response, answer } => {
                let status = response.status.as_u16();
                self.report(id, response.status, &response.reason);
                if let Some(answer) = &answer {
                    self.note_description(id, answer);
                }
                self.handle_accepted(id, answer, now);
                self.show(id, CallState::Active, Some(status), call::asserted(&response));
                self.settle_description(id);
            }
            SessionEvent::Confirmed { answer: Some(answer) } => self.apply_answer(id, answer),
            SessionEvent::Offered { offer, .. } => self.handle_offered(id, session, offer, now),
            SessionEvent::Answered { result, .. } => self.handle_answered(id, result, now),
            SessionEvent::Ended(end) => self.handle_ended(id, &end, now),
            _ => {}
        }
    }

    fn handle_progress(&mut self, id: u32, response: &Response, sdp: Option<String>, now: Instant) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        let Stage::Inviting { session, answer, delayed, asked } = &mut call.stage else {
            return;
        };
        let has_media = sdp.is_some() || answer.is_some();
        let next = call::progress(call.shown, response, has_media);
        match (&answer, sdp) {
            (None, Some(offer)) if *delayed => {
                *answer = Some(offer.clone());
                *asked = true;
                self.out.push_back(Output::MakeAnswer { call: id, offer, fresh: false });
            }
            // Another fork offers, too; one peer connection cannot have both.
            (Some(_), Some(offer)) if *delayed => {
                let _ = self.agent.answer_offer(*session, Ok(call::declined(&offer)), now);
            }
            (None, Some(sdp)) => {
                *answer = Some(sdp.clone());
                self.out.push_back(Output::ApplyAnswer { call: id, answer: sdp });
            }
            _ => {}
        }
        if let Some(next) = next {
            self.show(id, next, Some(response.status.as_u16()), call::asserted(response));
        }
    }

    fn handle_accepted(&mut self, id: u32, sdp: Option<String>, now: Instant) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        let Stage::Inviting { session, answer, delayed, asked } = &mut call.stage else {
            return;
        };
        let (session, early, delayed) = (*session, answer.take(), *delayed);
        let mut negotiation = if *asked { Negotiation::Theirs } else { Negotiation::None };
        match (early, sdp) {
            // Where ours was delayed, a description in a 2xx is an offer, and the ACK has to bring our answer.
            (early, Some(offer)) if delayed => {
                negotiation = Negotiation::Theirs;
                let fresh = early.is_some_and(|early| call::is_other_transport(&early, &offer));
                self.out.push_back(Output::MakeAnswer { call: id, offer, fresh });
            }
            (None, None) => {
                let error = ErrorInfo::new(ErrorCode::IncompatibleMedia);
                return self.handle_media_failed(id, error, now);
            }
            (Some(early), Some(answer)) if call::is_other_transport(&early, &answer) => {
                // Another fork than the one we heard early: it gets an offer of its own.
                negotiation = Negotiation::Making;
                self.out.push_back(Output::MakeOffer { call: id, fresh: true });
            }
            (Some(early), Some(answer)) if early == answer => {}
            (_, Some(answer)) => self.out.push_back(Output::ApplyAnswer { call: id, answer }),
            (Some(_), None) => {}
        }
        call.stage = Stage::Active { session, negotiation };
        call.dialled = None;
    }

    fn handle_offered(&mut self, id: u32, session: SessionId, offer: Option<String>, now: Instant) {
        if offer.as_deref().is_some_and(|offer| !call::is_acceptable(offer)) {
            let _ = self.agent.answer_offer(session, Err(StatusCode::NOT_ACCEPTABLE_HERE), now);
            return;
        }
        self.yield_hold(id);
        let stage = self.calls.get_mut(id).map(|call| &mut call.stage);
        // While it rings, a change comes by UPDATE (RFC 3311).
        if let (Some(Stage::Inviting { asked: asked @ false, answer: Some(_), .. }), Some(offer)) = (stage, &offer) {
            *asked = true;
            return self.out.push_back(Output::MakeAnswer { call: id, offer: offer.clone(), fresh: false });
        }
        let stage = self.calls.get_mut(id).map(|call| &mut call.stage);
        let Some(Stage::Active { negotiation: negotiation @ Negotiation::None, .. }) = stage else {
            let _ = self.agent.answer_offer(session, Err(StatusCode::REQUEST_PENDING), now);
            return;
        };
        *negotiation = Negotiation::Theirs;
        if let Some(offer) = &offer {
            self.note_description(id, offer);
        }
        self.set_wish(id);
        self.out.push_back(match offer {
            Some(offer) => Output::MakeAnswer { call: id, offer, fresh: false },
            None => Output::MakeOffer { call: id, fresh: false },
        });
    }

    fn handle_answered(&mut self, id: u32, result: Result<Option<String>, StatusCode>, now: Instant) {
        let Some(Call { stage: Stage::Active { negotiation, .. }, .. }) = self.calls.get_mut(id) else {
            return;
        };
        let was_ours = core::mem::replace(negotiation, Negotiation::None) == Negotiation::Ours;
        let is_holding = was_ours && self.is_holding(id);
        match result {
            Ok(Some(answer)) if is_holding => {
                self.out.push_back(Output::ApplyAnswer { call: id, answer: answer.clone() });
                self.finish_hold(id, &answer);
            }
            Ok(None) if is_holding => self.fail_hold(id, ErrorInfo::new(ErrorCode::ProtocolError)),
            Err(status) if is_holding => self.refuse_hold(id, status),
            Ok(answer) => {
                if let Some(call) = self.calls.get_mut(id) {
                    call.renews = false;
                }
                match answer {
                    Some(answer) => self.apply_answer(id, answer),
                    None => self.begin_hold(id),
                }
            }
            Err(_) if self.gives_up_renewal(id) => {}
            // The only other offers we make of ourselves are for a fork that we cannot hear otherwise.
            Err(_) => self.handle_media_failed(id, ErrorInfo::new(ErrorCode::MediaFailed), now),
        }
    }

    /// The answer to an offer that the other side had asked for, or to that for another fork.
    fn apply_answer(&mut self, id: u32, answer: String) {
        self.note_description(id, &answer);
        self.out.push_back(Output::ApplyAnswer { call: id, answer });
        self.settle_description(id);
    }

    fn handle_ended(&mut self, id: u32, end: &End, now: Instant) {
        if !self.goes_elsewhere(id, end, now) {
            let end = self.end_of(id, end);
            self.end(id, end);
        }
    }

    /// The end of a session as the page is told it.
    pub(super) fn end_of(&self, id: u32, end: &End) -> CallEnd {
        let call = self.calls.get(id);
        let (is_calling, rang) =
            call.map_or((false, false), |call| (call.is_outgoing(), call.shown == CallState::Ringing));
        let is_lost = call.is_some_and(Call::is_resuming);
        CallEnd {
            by: end.by.into(),
            status: end.status.map(StatusCode::as_u16),
            reason: end.reason.clone(),
            q850: end.q850,
            error: match errors::call(end, is_calling, rang) {
                Some(_) if is_lost => Some(ErrorInfo::new(ErrorCode::ConnectionLost)),
                error => error,
            },
        }
    }

    pub(super) fn use_description(&mut self, id: u32, sdp: String, now: Instant) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        let patience = if call.is_resuming() { self.settings.call_recovery } else { PATIENCE };
        match &mut call.stage {
            Stage::Preparing { offer, .. } => {
                *offer = Some((sdp, now + patience));
                self.invite(id, now);
            }
            Stage::Answering { session, headers } => {
                let (session, mut headers) = (*session, core::mem::take(headers));
                headers.push(super::digits::accept());
                if self.agent.accept(session, sdp, headers, now).is_ok() {
                    call.stage = Stage::Active { session, negotiation: Negotiation::None };
                    self.show(id, CallState::Active, Some(200), None);
                    self.settle_description(id);
                }
            }
            Stage::Active { session, negotiation } => match core::mem::replace(negotiation, Negotiation::None) {
                Negotiation::Theirs => {
                    if self.agent.answer_offer(*session, Ok(sdp), now).is_ok() {
                        self.settle_description(id);
                    }
                }
                Negotiation::Making => {
                    *negotiation = Negotiation::Ours;
                    let sent = self.agent.offer(*session, sdp, now).is_ok();
                    if !sent && !self.gives_up_renewal(id) && self.is_holding(id) {
                        self.fail_hold(id, ErrorInfo::new(ErrorCode::WrongState));
                    }
                }
                Negotiation::Replacing(replacing) => self.finish_replacing(id, *replacing, sdp, now),
                before => *negotiation = before,
            },
            Stage::Inviting { session, asked: asked @ true, .. } => {
                *asked = false;
                let _ = self.agent.answer_offer(*session, Ok(sdp), now);
            }
            Stage::Inviting { .. } | Stage::Redirected { .. } | Stage::Ringing { .. } => {}
        }
    }

    /// The INVITE leaves, once there is an offer and a connection.
    pub(super) fn invite(&mut self, id: u32, now: Instant) {
        let Some(flow) = self.flow() else { return };
        if self.calls.get(id).is_some_and(|call| self.must_wait(call)) {
            return;
        }
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        let Stage::Preparing { invite, offer: offer @ Some(_), .. } = &mut call.stage else {
            return;
        };
        let mut headers = invite.headers.clone();
        headers.push(super::digits::accept());
        invite.offer = offer.take().map(|(sdp, _)| sdp);
        let offer = invite.offer.clone().filter(|sdp| !sdp.is_empty());
        let delayed = offer.is_none();
        let message = agent::Invite {
            to: Some(invite.to.clone()),
            headers,
            offer,
            credentials: self.settings.credentials.clone(),
            ..agent::Invite::new(invite.target.clone(), invite.from.clone(), flow)
        };
        match self.agent.invite(message, now) {
            Ok(session) => {
                call.answer_by = call.answer_by.or(invite.patience.map(|patience| now + patience));
                let inviting = Stage::Inviting { session, answer: None, delayed, asked: false };
                if let Stage::Preparing { invite, .. } = core::mem::replace(&mut call.stage, inviting) {
                    call.dialled = Some(invite);
                }
                if !call.is_resuming() {
                    self.show(id, CallState::Calling, None, None);
                }
            }
            Err(refused) => self.end(id, failed(ErrorInfo::with_message(ErrorCode::WrongState, refused.to_string()))),
        }
    }
}
