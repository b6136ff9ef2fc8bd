//! What sip-core's sessions say, joined to the peer connection: our description before the INVITE or the 200, the
//! other side's description once (RFC 3264).

use sip_core::Instant;
use sip_core::agent::{self, End, SessionEvent, SessionId};
use sip_core::message::{Request, Response, StatusCode};

use super::call::{self, Call, Negotiation, Stage};
use super::{Output, PATIENCE, Phone, failed};
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
        if self.agent.ring(session, StatusCode::RINGING, None, Vec::new(), now).is_err() {
            return;
        }
        let headers = super::settings::rows(&request.headers);
        let (from, to) = (call::party(&from), call::party(&to));
        let call = self.calls.add(Call::new(Stage::Ringing { session, offer }, CallState::Ringing));
        self.out.push_back(Output::Event(CoreEvent::IncomingCall { call, from, to, headers }));
    }

    pub(super) fn handle_session(&mut self, session: SessionId, event: SessionEvent, now: Instant) {
        let Some(id) = self.calls.of_session(session) else {
            // The page let go of this call already; whatever comes now is answered without it.
            if let SessionEvent::Offered { .. } = event {
                let _ = self.agent.answer_offer(session, Err(StatusCode::NOT_ACCEPTABLE_HERE), now);
            }
            return;
        };
        match event {
            SessionEvent::Progress { response, answer } => self.handle_progress(id, &response, answer),
            SessionEvent::Accepted { response, answer } => {
                let status = response.status.as_u16();
                self.handle_accepted(id, answer, now);
                self.show(id, CallState::Active, Some(status), call::asserted(&response));
            }
            SessionEvent::Confirmed { answer: Some(answer) } => {
                self.out.push_back(Output::ApplyAnswer { call: id, answer })
            }
            SessionEvent::Offered { offer, .. } => self.handle_offered(id, session, offer, now),
            SessionEvent::Answered { result } => self.handle_answered(id, result, now),
            SessionEvent::Ended(end) => self.handle_ended(id, &end),
            _ => {}
        }
    }

    fn handle_progress(&mut self, id: u32, response: &Response, sdp: Option<String>) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        let Stage::Inviting { answer, .. } = &mut call.stage else {
            return;
        };
        let has_media = sdp.is_some() || answer.is_some();
        let next = call::progress(call.shown, response, has_media);
        if let (None, Some(sdp)) = (&answer, sdp) {
            *answer = Some(sdp.clone());
            self.out.push_back(Output::ApplyAnswer { call: id, answer: sdp });
        }
        if let Some(next) = next {
            self.show(id, next, Some(response.status.as_u16()), call::asserted(response));
        }
    }

    fn handle_accepted(&mut self, id: u32, sdp: Option<String>, now: Instant) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        let Stage::Inviting { session, answer } = &mut call.stage else {
            return;
        };
        let (session, early) = (*session, answer.take());
        let mut negotiation = Negotiation::None;
        match (early, sdp) {
            (None, None) => {
                let error = ErrorInfo::new(ErrorCode::IncompatibleMedia);
                return self.handle_media_failed(id, error, now);
            }
            (Some(early), Some(answer)) if call::is_other_transport(&early, &answer) => {
                // Another fork than the one we heard early: it gets an offer of its own.
                negotiation = Negotiation::Ours;
                self.out.push_back(Output::MakeOffer { call: id, fresh: true });
            }
            (Some(early), Some(answer)) if early == answer => {}
            (_, Some(answer)) => self.out.push_back(Output::ApplyAnswer { call: id, answer }),
            (Some(_), None) => {}
        }
        call.stage = Stage::Active { session, negotiation };
    }

    fn handle_offered(&mut self, id: u32, session: SessionId, offer: Option<String>, now: Instant) {
        let stage = self.calls.get_mut(id).map(|call| &mut call.stage);
        let Some(Stage::Active { negotiation: negotiation @ Negotiation::None, .. }) = stage else {
            let _ = self.agent.answer_offer(session, Err(StatusCode::REQUEST_PENDING), now);
            return;
        };
        *negotiation = Negotiation::Theirs;
        self.out.push_back(match offer {
            Some(offer) => Output::MakeAnswer { call: id, offer },
            None => Output::MakeOffer { call: id, fresh: false },
        });
    }

    fn handle_answered(&mut self, id: u32, result: Result<Option<String>, StatusCode>, now: Instant) {
        if let Some(Call { stage: Stage::Active { negotiation, .. }, .. }) = self.calls.get_mut(id) {
            *negotiation = Negotiation::None;
        }
        match result {
            Ok(Some(answer)) => self.out.push_back(Output::ApplyAnswer { call: id, answer }),
            Ok(None) => {}
            // The only offers we make of ourselves are for a fork that we cannot hear otherwise.
            Err(_) => self.handle_media_failed(id, ErrorInfo::new(ErrorCode::MediaFailed), now),
        }
    }

    fn handle_ended(&mut self, id: u32, end: &End) {
        let Some(call) = self.calls.get(id) else {
            return;
        };
        let answered = matches!(call.stage, Stage::Active { .. });
        let error = errors::call(end, call.is_outgoing(), answered);
        let end = CallEnd {
            by: end.by.into(),
            status: end.status.map(StatusCode::as_u16),
            reason: end.reason.clone(),
            q850: end.q850,
            error,
        };
        self.end(id, end);
    }

    pub(super) fn use_description(&mut self, id: u32, sdp: String, now: Instant) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        match &mut call.stage {
            Stage::Preparing { offer, .. } => {
                *offer = Some((sdp, now + PATIENCE));
                self.invite(id, now);
            }
            Stage::Answering { session, headers } => {
                let (session, headers) = (*session, core::mem::take(headers));
                if self.agent.accept(session, sdp, headers, now).is_ok() {
                    call.stage = Stage::Active { session, negotiation: Negotiation::None };
                    self.show(id, CallState::Active, Some(200), None);
                }
            }
            Stage::Active { session, negotiation } => match core::mem::replace(negotiation, Negotiation::None) {
                Negotiation::Theirs => drop(self.agent.answer_offer(*session, Ok(sdp), now)),
                Negotiation::Ours => {
                    *negotiation = Negotiation::Ours;
                    let _ = self.agent.offer(*session, sdp, now);
                }
                Negotiation::None => {}
            },
            Stage::Inviting { .. } | Stage::Ringing { .. } => {}
        }
    }

    /// The INVITE leaves, once there is an offer and a connection.
    pub(super) fn invite(&mut self, id: u32, now: Instant) {
        let Some(flow) = self.flow() else { return };
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        let Stage::Preparing { invite, offer: offer @ Some(_), .. } = &mut call.stage else {
            return;
        };
        let invite = agent::Invite {
            headers: core::mem::take(&mut invite.headers),
            offer: offer.take().map(|(sdp, _)| sdp),
            credentials: self.settings.credentials.clone(),
            ..agent::Invite::new(invite.target.clone(), invite.from.clone(), flow)
        };
        match self.agent.invite(invite, now) {
            Ok(session) => {
                call.stage = Stage::Inviting { session, answer: None };
                self.show(id, CallState::Calling, None, None);
            }
            Err(refused) => self.end(id, failed(ErrorInfo::with_message(ErrorCode::WrongState, refused.to_string()))),
        }
    }
}
