//! The calling side until the call stands or fails (RFC 3261 §13.2, §9.1).
//!
//! Each To tag in a provisional response is an early dialog; the first 2xx takes the session, another fork's 2xx is
//! acknowledged and hung up by the agent.

use super::negotiation::Negotiation;
use super::prack::Progress;
use super::usage::{Side, Usage};
use super::{Agreed, Body, SDP, Session, SessionTimer, State, cause};
use crate::agent::{AgentError, EndedBy, Failure, Invite, Reliability, SessionEvent, SessionId, SessionState};
use crate::agent::{Auth, Endpoint, OutgoingRequest, Owner, advance_cseq, headers, out_of_dialog};
use crate::dialog::{Dialog, DialogError};
use crate::flow::Flow;
use crate::message::{HeaderName, Method, NameAddr, Reason, Request, Response, StatusCode};
use crate::time::Instant;
use crate::transaction::ClientId;

/// Early dialogs kept of one INVITE.
const MAX_EARLY_DIALOGS: usize = 16;

/// A session whose INVITE has no final response yet.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// The INVITE as last sent, without Via.
    invite: Request,
    pub(super) client: ClientId,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Nothing came.
    Calling,
    /// Something provisional came.
    Proceeding { early: Vec<Usage> },
    /// Hung up before anything came: CANCEL has to wait for a provisional response (§9.1).
    Unwanted { reason: Option<Reason> },
    /// CANCEL is sent; its transaction waits no longer than 64·T1 for the final response.
    Cancelling,
}

impl Session {
    /// Sends the first INVITE.
    pub(crate) fn invite(
        id: SessionId,
        invite: Invite,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<Self, AgentError> {
        headers::check(&invite.headers)?;
        let contact = match invite.contact {
            Some(contact) => contact,
            None => endpoint.socket(invite.flow.socket)?.contact.clone(),
        };
        let local_tag = invite.from_tag.unwrap_or_else(|| endpoint.fresh_tag());
        let call_id = invite.call_id.unwrap_or_else(|| endpoint.fresh_call_id());
        let remote = invite.to.unwrap_or_else(|| NameAddr::new(invite.target.clone()));
        let wish = OutgoingRequest {
            to: Some(remote.clone()),
            contact: Some(NameAddr::new(contact.clone())),
            route: invite.route,
            headers: invite.headers,
            body: invite.offer.map(|offer| (SDP.to_owned(), offer.into_bytes())),
            call_id: Some(call_id.clone()),
            from_tag: Some(local_tag.clone()),
            cseq: invite.cseq,
            ..OutgoingRequest::new(Method::Invite, invite.target, invite.from, invite.flow)
        };
        let mut request = out_of_dialog(wish, endpoint);
        let timer = SessionTimer::default();
        timer.ask(&mut request.headers, endpoint.config.session_timers.as_ref());
        if endpoint.config.reliability == Reliability::Required {
            request.headers.push(HeaderName::Require, "100rel");
        }
        let client = endpoint.send(request.clone(), invite.flow, Owner::Invite(id), now)?;
        let auth = invite.credentials.map(Auth::new);
        let outgoing = Outgoing { invite: request, client, stage: Stage::Calling };
        let state = State::Outgoing(Box::new(outgoing));
        let (agreed, asides) = (Agreed::default(), Vec::new());
        Ok(Self { id, flow: invite.flow, call_id, local_tag, remote, contact, auth, timer, agreed, asides, state })
    }

    /// CANCEL, now or as soon as it is allowed.
    pub(super) fn cancel(
        &mut self,
        reason: Option<Reason>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        let wrong_state = self.wrong_state("hang_up");
        self.refuse_open_offers(endpoint, now);
        let State::Outgoing(outgoing) = &mut self.state else {
            return Err(wrong_state);
        };
        match outgoing.stage {
            Stage::Calling => outgoing.stage = Stage::Unwanted { reason },
            Stage::Proceeding { .. } => {
                endpoint.cancel(outgoing.client, reason.as_ref(), now)?;
                outgoing.stage = Stage::Cancelling;
            }
            Stage::Unwanted { .. } | Stage::Cancelling => return Err(wrong_state),
        }
        Ok(())
    }

    /// What came of our INVITE. A 2xx that is not the first is the agent's business.
    pub(crate) fn handle_invite_outcome(
        &mut self,
        outcome: Result<Response, Failure>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        match outcome {
            Ok(response) if response.status.is_provisional() => self.handle_progress(response, endpoint, now),
            Ok(response) if response.status.is_success() => self.handle_acceptance(response, endpoint, now),
            Ok(response) => self.handle_refusal(response, endpoint, now),
            Err(failure) => self.handle_no_answer(failure, endpoint, now),
        }
    }

    fn handle_progress(&mut self, response: Response, endpoint: &mut Endpoint, now: Instant) {
        let State::Outgoing(outgoing) = &mut self.state else {
            return;
        };
        match &outgoing.stage {
            Stage::Calling => outgoing.stage = Stage::Proceeding { early: Vec::new() },
            Stage::Proceeding { .. } => {}
            Stage::Unwanted { reason } => {
                // Where it cannot be sent, the next provisional response is another chance.
                if endpoint.cancel(outgoing.client, reason.as_ref(), now).is_ok() {
                    outgoing.stage = Stage::Cancelling;
                }
                return;
            }
            Stage::Cancelling => return,
        }
        if response.status == StatusCode::TRYING {
            return;
        }
        let place = outgoing.note_early_dialog(&response, self.flow, endpoint);
        if let Some(answer) = self.take_progress(place, &response, endpoint, now) {
            endpoint.emit_session(self.id, SessionEvent::Progress { response: Box::new(response), answer });
        }
    }

    /// The description that a provisional response brings, which is the answer to our offer; or, reliably, the offer
    /// that our INVITE asked for (RFC 3262 §5). None: the response is to be passed over.
    fn take_progress(
        &mut self,
        place: Option<usize>,
        response: &Response,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Option<Option<String>> {
        let State::Outgoing(outgoing) = &self.state else {
            return None;
        };
        let delayed = outgoing.invite.body.is_empty();
        let offer = String::from_utf8_lossy(&outgoing.invite.body).into_owned();
        let sdp = Body::sdp(&response.headers, &response.body);
        let Some(place) = place else {
            return Some(sdp.filter(|_| !delayed));
        };
        let has_question = self.usages().iter().any(Usage::has_question);
        let progress = self.judge_progress(place, response, endpoint);
        let usage = self.usages().get_mut(place)?;
        let sdp = sdp.filter(|_| matches!(usage.negotiation, Negotiation::Opening));
        match progress {
            Progress::OutOfOrder => None,
            Progress::Unreliable => Some(sdp.filter(|_| !delayed)),
            // One offer at a time: that of another fork comes again with the next copy of its response.
            Progress::Reliable(_) if delayed && sdp.is_some() && has_question => None,
            Progress::Reliable(rack) if delayed && sdp.is_some() => {
                usage.heard = Some(rack.response);
                usage.negotiation = Negotiation::OwingPrack { rack };
                self.note_remote(sdp.as_deref());
                Some(sdp)
            }
            Progress::Reliable(rack) => {
                if sdp.is_some() {
                    usage.negotiation = Negotiation::Settled;
                    usage.early_answer.clone_from(&sdp);
                    self.note_local(&offer, endpoint);
                    self.note_remote(sdp.as_deref());
                }
                self.send_prack(place, &rack, None, endpoint, now);
                Some(sdp)
            }
        }
    }

    fn handle_acceptance(&mut self, response: Response, endpoint: &mut Endpoint, now: Instant) {
        let State::Outgoing(outgoing) = &mut self.state else {
            return;
        };
        let Ok(mut usage) = outgoing.confirm_dialog(&response, self.flow) else {
            let failure = Failure::Protocol("a 2xx to INVITE that makes no dialog");
            return self.close(cause::by_response(EndedBy::System, response, Some(failure)), endpoint);
        };
        let wanted = !outgoing.is_cancelled();
        let (client, invite) = (outgoing.client, outgoing.invite.clone());
        let is_open = matches!(usage.negotiation, Negotiation::Opening | Negotiation::OwingPrack { .. });
        // What a reliable response has settled, a 2xx does not change (RFC 6337 §2.2).
        let early = usage.early_answer.take();
        let answer = if is_open { Body::sdp(&response.headers, &response.body) } else { early };
        let local = String::from_utf8_lossy(&invite.body).into_owned();
        if wanted && is_open && invite.body.is_empty() {
            usage.negotiation = Negotiation::OwingAck { client, invite: Box::new(invite) };
        } else {
            endpoint.acknowledge(&usage.dialog, &invite, None, self.flow, client);
            if is_open {
                usage.negotiation = Negotiation::Settled;
                self.note_local(&local, endpoint);
            }
        }
        usage.note_allow(&response.headers);
        self.note_remote(answer.as_deref());
        Auth::accepted(&mut self.auth, &response);
        self.refuse_open_offers(endpoint, now);
        self.timer.take(&response.headers, endpoint.config.session_timers.as_ref(), now);
        self.state = State::Confirmed(Box::new(usage));
        if wanted {
            endpoint.emit_session(self.id, SessionEvent::Accepted { response: Box::new(response), answer });
        } else {
            self.leave_with(None, cause::by_response(EndedBy::Local, response, None), endpoint, now);
        }
    }

    fn handle_refusal(&mut self, response: Response, endpoint: &mut Endpoint, now: Instant) {
        self.refuse_open_offers(endpoint, now);
        let State::Outgoing(outgoing) = &mut self.state else {
            return;
        };
        if outgoing.is_cancelled() {
            return self.close(cause::by_response(EndedBy::Local, response, None), endpoint);
        }
        let timers = endpoint.config.session_timers;
        let is_too_small = timers.is_some() && response.status == StatusCode::SESSION_INTERVAL_TOO_SMALL;
        if is_too_small && self.timer.raise(&response.headers) {
            self.timer.ask(&mut outgoing.invite.headers, timers.as_ref());
            advance_cseq(&mut outgoing.invite);
            return self.invite_again(endpoint, now);
        }
        let failure = match Auth::answer(&mut self.auth, &mut outgoing.invite, &response, endpoint) {
            Ok(()) => {
                advance_cseq(&mut outgoing.invite);
                return self.invite_again(endpoint, now);
            }
            Err(failure) => failure,
        };
        self.close(cause::by_response(EndedBy::Remote, response, failure), endpoint);
    }

    /// The same INVITE, now with credentials (§22.2) or a longer interval (RFC 4028 §7.3), as a new transaction.
    fn invite_again(&mut self, endpoint: &mut Endpoint, now: Instant) {
        let State::Outgoing(outgoing) = &mut self.state else {
            return;
        };
        match endpoint.send(outgoing.invite.clone(), self.flow, Owner::Invite(self.id), now) {
            Ok(client) => {
                outgoing.client = client;
                outgoing.stage = Stage::Calling;
            }
            Err(_) => self.close(cause::by_failure(Failure::TransportFailed), endpoint),
        }
    }

    fn handle_no_answer(&mut self, failure: Failure, endpoint: &mut Endpoint, now: Instant) {
        self.refuse_open_offers(endpoint, now);
        let State::Outgoing(outgoing) = &self.state else {
            return;
        };
        let by = if outgoing.is_cancelled() { EndedBy::Local } else { EndedBy::System };
        let mut end = cause::by_failure(failure);
        end.by = by;
        self.close(end, endpoint);
    }
}

impl Outgoing {
    pub(super) const fn public_state(&self) -> SessionState {
        match self.stage {
            Stage::Calling => SessionState::Calling,
            Stage::Proceeding { .. } => SessionState::Proceeding,
            Stage::Unwanted { .. } | Stage::Cancelling => SessionState::Cancelling,
        }
    }

    pub(super) fn has_early_dialog(&self, remote_tag: &str) -> bool {
        match &self.stage {
            Stage::Proceeding { early } => early.iter().any(|usage| usage.dialog.remote_tag() == remote_tag),
            Stage::Calling | Stage::Unwanted { .. } | Stage::Cancelling => false,
        }
    }

    pub(super) const fn usages(&mut self) -> &mut [Usage] {
        match &mut self.stage {
            Stage::Proceeding { early } => early.as_mut_slice(),
            Stage::Calling | Stage::Unwanted { .. } | Stage::Cancelling => &mut [],
        }
    }

    pub(super) fn early_dialog(&mut self, remote_tag: &str) -> Option<&mut Dialog> {
        self.usages().iter_mut().map(|usage| &mut usage.dialog).find(|dialog| dialog.remote_tag() == remote_tag)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Proceeding { early } => early.iter().filter_map(Usage::deadline).min(),
            Stage::Calling | Stage::Unwanted { .. } | Stage::Cancelling => None,
        }
    }

    /// A callee has no business hanging up early (§15), but its early dialog is gone when it does.
    pub(super) fn forget_early_dialog(&mut self, bye: &Request) {
        let Ok(from) = bye.headers.from() else { return };
        if let Stage::Proceeding { early } = &mut self.stage {
            early.retain(|usage| from.tag() != Some(usage.dialog.remote_tag()));
        }
    }

    const fn is_cancelled(&self) -> bool {
        matches!(self.stage, Stage::Unwanted { .. } | Stage::Cancelling)
    }

    /// Keeps the early dialog of a provisional response with a To tag; where it is.
    fn note_early_dialog(&mut self, response: &Response, flow: Flow, endpoint: &mut Endpoint) -> Option<usize> {
        let Stage::Proceeding { early } = &mut self.stage else {
            return None;
        };
        let tag = headers::to_tag(&response.headers);
        let known = early.iter().position(|usage| usage.dialog.remote_tag() == tag);
        let place = match known {
            Some(place) => place,
            None if early.len() >= MAX_EARLY_DIALOGS => {
                endpoint.counters.forks_dropped += 1;
                return None;
            }
            None => {
                early.push(Usage::new(Dialog::uac(&self.invite, response, flow).ok()?, Side::Caller));
                early.len() - 1
            }
        };
        let usage = early.get_mut(place)?;
        usage.dialog.handle_response(&self.invite, response);
        usage.note_allow(&response.headers);
        Some(place)
    }

    /// The dialog of a 2xx: one of the early ones, confirmed, or a new one.
    fn confirm_dialog(&mut self, response: &Response, flow: Flow) -> Result<Usage, DialogError> {
        let tag = headers::to_tag(&response.headers);
        if let Stage::Proceeding { early } = &mut self.stage
            && let Some(place) = early.iter().position(|usage| usage.dialog.remote_tag() == tag)
        {
            let mut usage = early.swap_remove(place);
            usage.dialog.handle_response(&self.invite, response);
            return Ok(usage);
        }
        Ok(Usage::new(Dialog::uac(&self.invite, response, flow)?, Side::Caller))
    }
}
