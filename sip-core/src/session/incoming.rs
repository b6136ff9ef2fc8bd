//! The called side until the ACK (RFC 3261 §13.3, §15.1.2).

use super::negotiation::Negotiation;
use super::reliable::Reliable;
use super::retransmission::{Due, Retransmission};
use super::usage::{Side, Usage};
use super::{Agreed, Body, SDP, Session, SessionTimer, State, cause};
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
    pub(super) usage: Usage,
    pub(super) invite: Request,
    pub(super) server: ServerId,
    pub(super) reliable: Reliable,
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
        /// Our description and headers for the 2xx, which waits for a PRACK or an answer.
        acceptance: Option<Acceptance>,
    },
    /// A 2xx has been given and is repeated until its ACK.
    Accepted {
        retransmission: Retransmission,
        /// Hung up meanwhile: BYE has to wait for the ACK (§15).
        hang_up: Option<Option<Reason>>,
    },
}

type Acceptance = (String, Vec<(HeaderName, String)>);

impl Session {
    /// A session for an INVITE that may become one.
    pub(crate) fn invited(
        id: SessionId,
        (server, invite): (ServerId, Request),
        local_tag: String,
        (flow, contact): (Flow, Uri),
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<Self, DialogError> {
        let dialog = Dialog::uas(&invite, &local_tag, &contact, flow)?;
        let call_id = invite.headers.call_id().map(str::to_owned).unwrap_or_default();
        let remote = dialog.remote().clone();
        let expires = invite.headers.expires().map(|seconds| now + Duration::from_secs(seconds.into()));
        let stage = Stage::Ringing { progress: None, expires, acceptance: None };
        let mut usage = Usage::new(dialog, Side::Callee);
        usage.note_allow(&invite.headers);
        let reliable = Reliable::of(&invite, endpoint);
        let offer = Body::sdp(&invite.headers, &invite.body);
        let state = State::Incoming(Box::new(Incoming { usage, invite, server, reliable, stage }));
        let (timer, agreed, asides) = (SessionTimer::default(), Agreed::default(), Vec::new());
        let mut session =
            Self { id, flow, call_id, local_tag, remote, contact, auth: None, timer, agreed, asides, state };
        session.note_remote(offer.as_deref());
        Ok(session)
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
        let Incoming { usage, invite, reliable, server, stage } = incoming.as_mut();
        let Stage::Ringing { progress, acceptance: None, .. } = stage else {
            return Err(wrong_state);
        };
        // What has been described is not described again; an offer of ours is sent reliably or with the 2xx.
        let may_describe = !invite.body.is_empty() || reliable.takes(true);
        let sdp = answer.filter(|_| may_describe && matches!(usage.negotiation, Negotiation::Opening));
        let is_reliable = reliable.takes(sdp.is_some());
        let response = response(invite, status, &self.local_tag, sdp.clone(), rows);
        if !is_reliable {
            *progress = Some((response.clone(), now + RING_INTERVAL));
            endpoint.respond(*server, invite, response, &self.contact, now);
            return Ok(());
        }
        *progress = Some((invite.reply(status, Some(&self.local_tag)), now + RING_INTERVAL));
        if let Some(sdp) = sdp {
            usage.negotiation = Negotiation::Unpracked;
            self.note_local(&sdp, endpoint);
        }
        self.respond_reliably(response, endpoint, now);
        Ok(())
    }

    /// 200 with our answer, or with our offer where the INVITE had none; as soon as no PRACK and no answer is awaited
    /// (RFC 3262 §3).
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
        let Stage::Ringing { acceptance: acceptance @ None, .. } = &mut incoming.stage else {
            return Err(wrong_state);
        };
        *acceptance = Some((answer, rows));
        self.accept_if_allowed(endpoint, now);
        Ok(())
    }

    /// Sends the 2xx that waits, if nothing is in its way.
    pub(super) fn accept_if_allowed(&mut self, endpoint: &mut Endpoint, now: Instant) {
        let State::Incoming(incoming) = &mut self.state else {
            return;
        };
        let Incoming { usage, invite, server, reliable, stage } = incoming.as_mut();
        let is_opening = matches!(usage.negotiation, Negotiation::Opening);
        let is_free = !reliable.is_open() && (is_opening || matches!(usage.negotiation, Negotiation::Settled));
        let Stage::Ringing { acceptance, .. } = stage else {
            return;
        };
        let Some((sdp, rows)) = acceptance.take_if(|_| is_free) else {
            return;
        };
        let sdp = Some(sdp).filter(|_| is_opening);
        let mut response = response(invite, StatusCode::OK, &self.local_tag, sdp.clone(), rows);
        self.timer.grant(&invite.headers, &mut response.headers, endpoint.config.session_timers.as_ref(), now);
        headers::complete_response(&mut response, &invite.method, &endpoint.config, Some(&self.contact));
        let sequence = invite.headers.cseq().map_or(0, |cseq| cseq.number);
        endpoint.respond(*server, invite, response.clone(), &self.contact, now);
        let retransmission = Retransmission::new(*server, response, sequence, &endpoint.config.timers, now);
        usage.dialog.confirm();
        usage.negotiation = match is_opening && invite.body.is_empty() {
            true => Negotiation::Unpracked,
            false => Negotiation::Settled,
        };
        *stage = Stage::Accepted { retransmission, hang_up: None };
        self.note_local(&sdp.unwrap_or_default(), endpoint);
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
        let (server, invite) = (incoming.server, incoming.invite.clone());
        let mut response = response(&invite, status, &self.local_tag, None, rows);
        response.reason = reason.unwrap_or(response.reason);
        let mut end = cause::by_us(Some(status), None);
        end.reason.clone_from(&response.reason);
        self.refuse_open_offers(endpoint, now);
        endpoint.respond(server, &invite, response, &self.contact, now);
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
        let delayed = matches!(incoming.usage.negotiation, Negotiation::Unpracked);
        self.confirm();
        if let Some(reason) = hang_up {
            return self.leave(reason, endpoint, now);
        }
        let answer = if delayed { Body::sdp(&ack.headers, &ack.body) } else { None };
        if delayed && answer.is_none() {
            let failure = Failure::Protocol("an ACK without the answer to our offer");
            return self.leave_with(None, cause::by_failure(failure), endpoint, now);
        }
        self.note_remote(answer.as_deref());
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
            self.refuse_open_offers(endpoint, now);
            self.close(cause::by_request(&bye.headers, None), endpoint);
        }
    }

    pub(super) fn handle_incoming_timeout(&mut self, endpoint: &mut Endpoint, now: Instant) {
        let State::Incoming(incoming) = &mut self.state else {
            return;
        };
        let Incoming { invite, server, stage, reliable, .. } = incoming.as_mut();
        match stage {
            Stage::Ringing { expires: Some(moment), .. } if *moment <= now => {
                self.terminate_ringing(None, endpoint, now);
            }
            Stage::Ringing { progress: Some((response, moment)), .. } if *moment <= now => {
                *moment = now + RING_INTERVAL;
                let response = response.clone();
                if reliable.takes(false) {
                    self.respond_reliably(response, endpoint, now);
                } else {
                    endpoint.respond(*server, invite, response, &self.contact, now);
                }
            }
            Stage::Ringing { .. } => match reliable.handle_timeout(now) {
                Due::Nothing => self.retry_offer(endpoint, now),
                Due::Repeat => {
                    if let Some(response) = reliable.response() {
                        endpoint.respond(*server, invite, response, &self.contact, now);
                    }
                }
                Due::GiveUp => self.give_up_on_prack(endpoint, now),
            },
            Stage::Accepted { retransmission, .. } => match retransmission.handle_timeout(now) {
                Due::Nothing => {}
                Due::Repeat => endpoint.respond(*server, invite, retransmission.response.clone(), &self.contact, now),
                Due::GiveUp => self.give_up_on_ack(endpoint, now),
            },
        }
    }

    /// 64·T1 without PRACK: the INVITE is refused (RFC 3262 §3).
    fn give_up_on_prack(&mut self, endpoint: &mut Endpoint, now: Instant) {
        self.refuse_open_offers(endpoint, now);
        if let State::Incoming(incoming) = &self.state {
            self.respond(incoming.server, &incoming.invite, StatusCode::SERVER_TIMEOUT, endpoint, now);
        }
        self.close(cause::by_failure(Failure::Timeout), endpoint);
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
        let is_ringing = |incoming: &Incoming| matches!(incoming.stage, Stage::Ringing { .. });
        if !matches!(&self.state, State::Incoming(incoming) if is_ringing(incoming)) {
            return;
        }
        self.refuse_open_offers(endpoint, now);
        let State::Incoming(incoming) = &self.state else {
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
            State::Incoming(incoming) => {
                let mut usage = incoming.usage;
                if let Negotiation::Unpracked = usage.negotiation {
                    usage.negotiation = Negotiation::Settled;
                }
                State::Confirmed(Box::new(usage))
            }
            other => other,
        };
    }
}

impl Incoming {
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Ringing { progress, expires, .. } => {
                let repeat = progress.as_ref().map(|(_, moment)| *moment);
                let others = [*expires, self.reliable.deadline(), self.usage.deadline()];
                repeat.into_iter().chain(others.into_iter().flatten()).min()
            }
            Stage::Accepted { retransmission, .. } => Some(retransmission.deadline()),
        }
    }

    pub(super) const fn is_accepted(&self) -> bool {
        matches!(self.stage, Stage::Accepted { .. })
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
