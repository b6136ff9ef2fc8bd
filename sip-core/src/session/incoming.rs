//! The called side until the ACK (RFC 3261 §13.3, §15.1.2).

use super::confirmed::Confirmed;
use super::retransmission::{Due, Retransmission};
use super::{Body, SDP, Session, State, cause};
use crate::agent::{AgentError, EndedBy, Failure, SessionEvent, SessionId, SessionState};
use crate::agent::{Endpoint, headers};
use crate::dialog::{Dialog, DialogError};
use crate::flow::Flow;
use crate::message::{HeaderName, Reason, Request, Response, StatusCode, Uri};
use crate::time::{Duration, Instant};
use crate::transaction::ServerId;

/// A provisional response is repeated this often, or proxies give up on the INVITE (§13.3.1.1).
const RING_INTERVAL: Duration = Duration::from_secs(60);

/// A session that somebody else started and that is not acknowledged yet.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) dialog: Dialog,
    invite: Request,
    pub(super) server: ServerId,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// No final response has been given.
    Ringing {
        /// The last provisional response, and when to repeat it.
        progress: Option<(Response, Instant)>,
        /// From the INVITE's Expires header.
        expires: Option<Instant>,
    },
    /// A 2xx has been given and is repeated until its ACK.
    Accepted {
        retransmission: Retransmission,
        /// Hung up meanwhile: BYE has to wait for the ACK (§15).
        hang_up: Option<Option<Reason>>,
    },
}

impl Session {
    /// A session for an INVITE that may become one.
    pub(crate) fn invited(
        id: SessionId,
        (server, invite): (ServerId, Request),
        local_tag: String,
        (flow, contact): (Flow, Uri),
        now: Instant,
    ) -> Result<Self, DialogError> {
        let dialog = Dialog::uas(&invite, &local_tag, &contact, flow)?;
        let call_id = invite.headers.call_id().map(str::to_owned).unwrap_or_default();
        let remote = dialog.remote().clone();
        let expires = invite.headers.expires().map(|seconds| now + Duration::from_secs(seconds.into()));
        let stage = Stage::Ringing { progress: None, expires };
        let state = State::Incoming(Box::new(Incoming { dialog, invite, server, stage }));
        Ok(Self { id, flow, call_id, local_tag, remote, contact, auth: None, state })
    }

    /// A provisional response above 100.
    pub(crate) fn ring(
        &mut self,
        (status, answer): (StatusCode, Option<String>),
        rows: Vec<(HeaderName, String)>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        headers::check(&rows)?;
        if !status.is_provisional() || status == StatusCode::TRYING {
            return Err(AgentError::WrongStatus(status.as_u16()));
        }
        let wrong_state = self.wrong_state("ring");
        let State::Incoming(incoming) = &mut self.state else {
            return Err(wrong_state);
        };
        let Stage::Ringing { progress, .. } = &mut incoming.stage else {
            return Err(wrong_state);
        };
        let response = response(&incoming.invite, status, &self.local_tag, answer, rows);
        *progress = Some((response.clone(), now + RING_INTERVAL));
        endpoint.respond(incoming.server, &incoming.invite, response, &self.contact, now);
        Ok(())
    }

    /// 200 with our answer, or with our offer where the INVITE had none.
    pub(crate) fn accept(
        &mut self,
        answer: String,
        rows: Vec<(HeaderName, String)>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        headers::check(&rows)?;
        let wrong_state = self.wrong_state("accept");
        let State::Incoming(incoming) = &mut self.state else {
            return Err(wrong_state);
        };
        let Stage::Ringing { .. } = incoming.stage else {
            return Err(wrong_state);
        };
        let Incoming { invite, server, .. } = incoming.as_ref();
        let mut response = response(invite, StatusCode::OK, &self.local_tag, Some(answer), rows);
        headers::complete_response(&mut response, &invite.method, &endpoint.config, Some(&self.contact));
        let sequence = invite.headers.cseq().map_or(0, |cseq| cseq.number);
        endpoint.respond(*server, invite, response.clone(), &self.contact, now);
        let retransmission = Retransmission::new(*server, response, sequence, &endpoint.config.timers, now);
        incoming.dialog.confirm();
        incoming.stage = Stage::Accepted { retransmission, hang_up: None };
        Ok(())
    }

    /// A final response of 300 or above.
    pub(crate) fn reject(
        &mut self,
        (status, reason): (StatusCode, Option<String>),
        rows: Vec<(HeaderName, String)>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        headers::check(&rows)?;
        if status.as_u16() < 300 {
            return Err(AgentError::WrongStatus(status.as_u16()));
        }
        let wrong_state = self.wrong_state("reject");
        let State::Incoming(incoming) = &self.state else {
            return Err(wrong_state);
        };
        let Stage::Ringing { .. } = incoming.stage else {
            return Err(wrong_state);
        };
        let mut response = response(&incoming.invite, status, &self.local_tag, None, rows);
        response.reason = reason.unwrap_or(response.reason);
        let mut end = cause::by_us(Some(status), None);
        end.reason.clone_from(&response.reason);
        endpoint.respond(incoming.server, &incoming.invite, response, &self.contact, now);
        self.close(end, endpoint);
        Ok(())
    }

    /// `hang_up` of a call that rings here or waits for its ACK.
    pub(super) fn refuse_or_leave(
        &mut self,
        reason: Option<Reason>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        let wrong_state = self.wrong_state("hang_up");
        let State::Incoming(incoming) = &mut self.state else {
            return Err(wrong_state);
        };
        match &mut incoming.stage {
            Stage::Ringing { .. } => {
                let rows: Vec<_> = reason.iter().map(|reason| (HeaderName::Reason, reason.to_string())).collect();
                self.reject((refusal(reason.as_ref()), None), rows, endpoint, now)
            }
            Stage::Accepted { hang_up: wish @ None, .. } => {
                *wish = Some(reason);
                Ok(())
            }
            Stage::Accepted { hang_up: Some(_), .. } => Err(wrong_state),
        }
    }

    pub(super) fn handle_first_ack(&mut self, ack: &Request, endpoint: &mut Endpoint, now: Instant) {
        let State::Incoming(incoming) = &mut self.state else {
            return;
        };
        let Stage::Accepted { retransmission, hang_up } = &mut incoming.stage else {
            return;
        };
        if ack.headers.cseq().ok().map(|cseq| cseq.number) != Some(retransmission.sequence) {
            endpoint.counters.stray_acks += 1;
            return;
        }
        let hang_up = hang_up.take();
        let delayed = incoming.invite.body.is_empty();
        self.confirm();
        if let Some(reason) = hang_up {
            return self.leave(reason, endpoint, now);
        }
        let answer = if delayed { Body::sdp(&ack.headers, &ack.body) } else { None };
        endpoint.emit_session(self.id, SessionEvent::Confirmed { answer });
    }

    /// CANCEL: 487 to the INVITE, unless it has its final response (§9.2).
    pub(super) fn handle_invite_cancel(
        &mut self,
        invite: ServerId,
        cancel: &Request,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        if matches!(&self.state, State::Incoming(incoming) if incoming.server == invite) {
            self.terminate_ringing(Some(cancel), endpoint, now);
        }
    }

    /// BYE before the ACK: the INVITE, where it still waits, gets 487 (§15.1.2).
    pub(super) fn handle_early_bye(&mut self, bye: &Request, endpoint: &mut Endpoint, now: Instant) {
        self.terminate_ringing(Some(bye), endpoint, now);
        if let State::Incoming(_) = self.state {
            self.close(cause::by_request(&bye.headers, None), endpoint);
        }
    }

    pub(super) fn handle_incoming_timeout(&mut self, endpoint: &mut Endpoint, now: Instant) {
        let State::Incoming(incoming) = &mut self.state else {
            return;
        };
        let Incoming { invite, server, stage, .. } = incoming.as_mut();
        match stage {
            Stage::Ringing { expires: Some(moment), .. } if *moment <= now => {
                self.terminate_ringing(None, endpoint, now)
            }
            Stage::Ringing { progress: Some((response, moment)), .. } if *moment <= now => {
                *moment = now + RING_INTERVAL;
                endpoint.respond(*server, invite, response.clone(), &self.contact, now);
            }
            Stage::Ringing { .. } => {}
            Stage::Accepted { retransmission, .. } => {
                match retransmission.handle_timeout(&endpoint.config.timers, now) {
                    Due::Nothing => {}
                    Due::Repeat => {
                        endpoint.respond(*server, invite, retransmission.response.clone(), &self.contact, now)
                    }
                    Due::GiveUp => self.give_up_on_ack(endpoint, now),
                }
            }
        }
    }

    /// 64·T1 without ACK: the dialog stands, and is ended with a BYE (§13.3.1.4).
    fn give_up_on_ack(&mut self, endpoint: &mut Endpoint, now: Instant) {
        let State::Incoming(incoming) = &mut self.state else {
            return;
        };
        let mut end = cause::by_failure(Failure::Timeout);
        if let Stage::Accepted { hang_up: Some(_), .. } = incoming.stage {
            end.by = EndedBy::Local;
        }
        self.confirm();
        self.leave_with(None, end, endpoint, now);
    }

    fn terminate_ringing(&mut self, why: Option<&Request>, endpoint: &mut Endpoint, now: Instant) {
        let State::Incoming(incoming) = &self.state else {
            return;
        };
        let Stage::Ringing { .. } = incoming.stage else {
            return;
        };
        let status = StatusCode::REQUEST_TERMINATED;
        self.respond(incoming.server, &incoming.invite, status, endpoint, now);
        let end = match why {
            Some(request) => cause::by_request(&request.headers, Some(status)),
            None => cause::by_failure(Failure::Timeout),
        };
        self.close(end, endpoint);
    }

    /// Incoming becomes Confirmed.
    fn confirm(&mut self) {
        self.state = match core::mem::replace(&mut self.state, State::Over) {
            State::Incoming(incoming) => State::Confirmed(Box::new(Confirmed::callee(incoming.dialog))),
            other => other,
        };
    }
}

impl Incoming {
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Ringing { progress, expires } => {
                let repeat = progress.as_ref().map(|(_, moment)| *moment);
                repeat.into_iter().chain(*expires).min()
            }
            Stage::Accepted { retransmission, .. } => Some(retransmission.deadline()),
        }
    }

    pub(super) const fn public_state(&self) -> SessionState {
        match self.stage {
            Stage::Ringing { .. } => SessionState::Ringing,
            Stage::Accepted { .. } => SessionState::Accepted,
        }
    }
}

/// What a hang-up says to a call that rings: the SIP status of its Reason, else 603.
fn refusal(reason: Option<&Reason>) -> StatusCode {
    let named = reason.filter(|reason| !reason.is_q850()).and_then(|reason| reason.cause).and_then(StatusCode::new);
    named.filter(|status| status.as_u16() >= 400).unwrap_or(StatusCode::DECLINE)
}

fn response(
    invite: &Request,
    status: StatusCode,
    local_tag: &str,
    sdp: Option<String>,
    rows: Vec<(HeaderName, String)>,
) -> Response {
    let mut response = invite.reply(status, Some(local_tag));
    headers::lay_over(&mut response.headers, rows);
    if let Some(sdp) = sdp {
        response.set_body(SDP, sdp);
    }
    response
}
