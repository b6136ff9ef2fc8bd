//! The calling side until the call stands or fails (RFC 3261 §13.2, §9.1).
//!
//! Each To tag in a provisional response is an early dialog; the first 2xx takes the session, another fork's 2xx is
//! acknowledged and hung up by the agent.

use super::confirmed::Confirmed;
use super::{Body, SDP, Session, State, cause};
use crate::agent::{AgentError, EndedBy, Failure, Invite, SessionEvent, SessionId, SessionState};
use crate::agent::{Auth, Endpoint, OutgoingRequest, Owner, advance_cseq, headers, out_of_dialog};
use crate::dialog::{Dialog, DialogError};
use crate::flow::Flow;
use crate::message::{Method, NameAddr, Reason, Request, Response, StatusCode};
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
    Proceeding { early: Vec<Dialog> },
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
        let request = out_of_dialog(wish, endpoint);
        let client = endpoint.send(request.clone(), invite.flow, Owner::Invite(id), now)?;
        let auth = invite.credentials.map(Auth::new);
        let outgoing = Outgoing { invite: request, client, stage: Stage::Calling };
        let state = State::Outgoing(Box::new(outgoing));
        Ok(Self { id, flow: invite.flow, call_id, local_tag, remote, contact, auth, state })
    }

    /// CANCEL, now or as soon as it is allowed.
    pub(super) fn cancel(
        &mut self,
        reason: Option<Reason>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        let wrong_state = self.wrong_state("hang_up");
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
            Err(failure) => self.handle_no_answer(failure, endpoint),
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
        outgoing.note_early_dialog(&response, self.flow, endpoint);
        let answer = Body::sdp(&response.headers, &response.body);
        endpoint.emit_session(self.id, SessionEvent::Progress { response: Box::new(response), answer });
    }

    fn handle_acceptance(&mut self, response: Response, endpoint: &mut Endpoint, now: Instant) {
        let State::Outgoing(outgoing) = &mut self.state else {
            return;
        };
        let Ok(dialog) = outgoing.confirm_dialog(&response, self.flow) else {
            let failure = Failure::Protocol("a 2xx to INVITE that makes no dialog");
            return self.close(cause::by_response(EndedBy::System, response, Some(failure)), endpoint);
        };
        let wanted = !outgoing.is_cancelled();
        let (client, invite) = (outgoing.client, outgoing.invite.clone());
        let mut confirmed = Confirmed::caller(dialog);
        if wanted && invite.body.is_empty() {
            confirmed.owe_ack(client, invite);
        } else {
            endpoint.acknowledge(&confirmed.dialog, &invite, None, self.flow, client);
        }
        Auth::accepted(&mut self.auth, &response);
        self.state = State::Confirmed(Box::new(confirmed));
        if wanted {
            let answer = Body::sdp(&response.headers, &response.body);
            endpoint.emit_session(self.id, SessionEvent::Accepted { response: Box::new(response), answer });
        } else {
            self.leave_with(None, cause::by_response(EndedBy::Local, response, None), endpoint, now);
        }
    }

    fn handle_refusal(&mut self, response: Response, endpoint: &mut Endpoint, now: Instant) {
        let State::Outgoing(outgoing) = &mut self.state else {
            return;
        };
        if outgoing.is_cancelled() {
            return self.close(cause::by_response(EndedBy::Local, response, None), endpoint);
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

    /// The same INVITE, now with credentials, as a new transaction (§22.2).
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

    fn handle_no_answer(&mut self, failure: Failure, endpoint: &mut Endpoint) {
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
            Stage::Proceeding { early } => early.iter().any(|dialog| dialog.remote_tag() == remote_tag),
            Stage::Calling | Stage::Unwanted { .. } | Stage::Cancelling => false,
        }
    }

    pub(super) fn early_dialog(&mut self, remote_tag: &str) -> Option<&mut Dialog> {
        match &mut self.stage {
            Stage::Proceeding { early } => early.iter_mut().find(|dialog| dialog.remote_tag() == remote_tag),
            Stage::Calling | Stage::Unwanted { .. } | Stage::Cancelling => None,
        }
    }

    /// A callee has no business hanging up early (§15), but its early dialog is gone when it does.
    pub(super) fn forget_early_dialog(&mut self, bye: &Request) {
        let Ok(from) = bye.headers.from() else { return };
        if let Stage::Proceeding { early } = &mut self.stage {
            early.retain(|dialog| from.tag() != Some(dialog.remote_tag()));
        }
    }

    const fn is_cancelled(&self) -> bool {
        matches!(self.stage, Stage::Unwanted { .. } | Stage::Cancelling)
    }

    /// Keeps the early dialog of a provisional response with a To tag.
    fn note_early_dialog(&mut self, response: &Response, flow: Flow, endpoint: &mut Endpoint) {
        let Stage::Proceeding { early } = &mut self.stage else {
            return;
        };
        let tag = headers::to_tag(&response.headers);
        if let Some(dialog) = early.iter_mut().find(|dialog| dialog.remote_tag() == tag) {
            dialog.handle_response(&self.invite, response);
        } else if early.len() >= MAX_EARLY_DIALOGS {
            endpoint.counters.forks_dropped += 1;
        } else if let Ok(dialog) = Dialog::uac(&self.invite, response, flow) {
            early.push(dialog);
        }
    }

    /// The dialog of a 2xx: one of the early ones, confirmed, or a new one.
    fn confirm_dialog(&mut self, response: &Response, flow: Flow) -> Result<Dialog, DialogError> {
        let tag = headers::to_tag(&response.headers);
        if let Stage::Proceeding { early } = &mut self.stage
            && let Some(place) = early.iter().position(|dialog| dialog.remote_tag() == tag)
        {
            let mut dialog = early.swap_remove(place);
            dialog.handle_response(&self.invite, response);
            return Ok(dialog);
        }
        Dialog::uac(&self.invite, response, flow)
    }
}
