//! Our offers inside a dialog: re-INVITE and UPDATE, and their collisions (RFC 3261 §14.1, RFC 3311 §5.1, RFC 6337).

use super::confirmed::in_dialog;
use super::negotiation::{Attempt, Negotiation, Retry};
use super::usage::Usage;
use super::{Body, SDP, Session, State, cause};
use crate::agent::{AgentError, Auth, Endpoint, Failure, Owner, SessionEvent, headers};
use crate::message::{HeaderName, Method, Request, Response, StatusCode};
use crate::time::{Duration, Instant};
use crate::transaction::ClientId;

/// Collisions of one offer before it is given up.
const MAX_GLARES: u8 = 8;
/// The longest Retry-After of a 500 that an offer waits for, in seconds (RFC 3261 §14.2, RFC 3311 §5.2).
const MAX_PATIENCE: u32 = 10;

/// What has become of an offer.
enum Outcome {
    Answered,
    /// Again after this time: both had offered at once, or the other side was not ready.
    Later(Duration),
    /// Again at once, with what the response asks for.
    Again,
    /// The dialog is gone.
    Gone,
    Refused,
}

impl Session {
    // Commands.

    /// A new description: by re-INVITE in a call that stands, where it is sent at once or when the transaction in the
    /// way is done; by UPDATE before that.
    pub(crate) fn offer(&mut self, offer: String, endpoint: &mut Endpoint, now: Instant) -> Result<(), AgentError> {
        let method = if let State::Confirmed(_) = self.state { Method::Invite } else { Method::Update };
        self.offer_by(Retry::new(method, Some(offer), Attempt::default(), now), endpoint, now)
    }

    /// A new description by UPDATE.
    pub(crate) fn update(&mut self, offer: String, endpoint: &mut Endpoint, now: Instant) -> Result<(), AgentError> {
        self.offer_by(Retry::new(Method::Update, Some(offer), Attempt::default(), now), endpoint, now)
    }

    /// A re-INVITE without a description; the other side's offer comes with its 2xx.
    pub(crate) fn ask_offer(&mut self, endpoint: &mut Endpoint, now: Instant) -> Result<(), AgentError> {
        self.offer_by(Retry::new(Method::Invite, None, Attempt::default(), now), endpoint, now)
    }

    /// Somebody else's description by UPDATE or re-INVITE, with headers.
    pub(crate) fn offer_with(
        &mut self,
        method: Method,
        offer: String,
        rows: Vec<(HeaderName, String)>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        headers::check(&rows)?;
        // A collision is that party's answer, and it waits as §14.1 says. Where everybody on the way waited for it, two
        // offers that meet would keep each other out.
        let attempt = Attempt { glares: MAX_GLARES, ..Attempt::default() };
        let mut what = Retry::new(method, Some(offer), attempt, now);
        what.rows = rows;
        self.offer_by(what, endpoint, now)
    }

    fn offer_by(&mut self, what: Retry, endpoint: &mut Endpoint, now: Instant) -> Result<(), AgentError> {
        let is_update = what.method == Method::Update;
        let command = if is_update { "update" } else { "offer" };
        let wrong_state = self.wrong_state(command);
        let is_open = AgentError::WrongState { command, state: "another offer is open" };
        if self.usages().is_empty() || (!is_update && !matches!(self.state, State::Confirmed(_))) {
            return Err(wrong_state);
        }
        let is_settled = |usage: &Usage| matches!(usage.negotiation, Negotiation::Settled) && usage.retry.is_none();
        if let Some(place) = self.usages().iter().position(is_settled) {
            if is_update && self.usages().get(place).is_some_and(|usage| !usage.allows_update) {
                return Err(AgentError::WrongState { command, state: "the other side takes no UPDATE" });
            }
            self.send_offer(place, what, endpoint, now);
            return Ok(());
        }
        match &mut self.state {
            State::Confirmed(usage)
                if usage.retry.is_none() && matches!(usage.negotiation, Negotiation::Unacknowledged { .. }) =>
            {
                usage.retry = Some(what);
                Ok(())
            }
            _ => Err(is_open),
        }
    }

    // Sending.

    /// Sends the offer that waits, if its time has come.
    pub(super) fn retry_offer(&mut self, endpoint: &mut Endpoint, now: Instant) {
        for place in 0..self.usages().len() {
            let usage = self.usages().get_mut(place);
            let is_due = |retry: &mut Retry| retry.at() <= now;
            let due = usage.and_then(|usage| match usage.negotiation {
                Negotiation::Settled => usage.retry.take_if(is_due),
                _ => None,
            });
            if let Some(retry) = due {
                self.send_offer(place, retry, endpoint, now);
            }
        }
    }

    pub(super) fn send_offer(&mut self, place: usize, what: Retry, endpoint: &mut Endpoint, now: Instant) {
        let contact = self.contact.clone();
        let Some(usage) = self.usages().get_mut(place) else {
            return;
        };
        let mut request = in_dialog(&mut usage.dialog, what.method, &contact);
        headers::lay_over(&mut request.headers, what.rows);
        match what.offer {
            Some(offer) => request.set_body(SDP, offer),
            // An offer in a provisional response would be one more place to answer in: it is to come with the 2xx.
            None => {
                let options = endpoint.config.negotiated().into_iter().flatten().filter(|option| *option != "100rel");
                let options: Vec<&str> = options.chain(endpoint.config.supported.iter().copied()).collect();
                request.headers.set(HeaderName::Supported, options.join(", "));
            }
        }
        if let State::Confirmed(_) = self.state {
            self.timer.ask(&mut request.headers, endpoint.config.session_timers.as_ref());
        }
        Auth::authorize(&mut self.auth, &mut request);
        self.send_request(place, Box::new(request), what.attempt, endpoint, now);
    }

    fn send_request(
        &mut self,
        place: usize,
        request: Box<Request>,
        attempt: Attempt,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let flow = endpoint.next_hop(&request, self.flow);
        match endpoint.send((*request).clone(), flow, Owner::Reinvite(self.id), now) {
            Ok(client) => {
                if let Some(usage) = self.usages().get_mut(place) {
                    usage.heard = None;
                    usage.early_answer = None;
                    let socket = flow.socket;
                    usage.negotiation = Negotiation::Offering { socket, client, request, attempt };
                }
            }
            Err(_) => self.leave_with(None, cause::by_failure(Failure::TransportFailed), endpoint, now),
        }
    }

    // What comes of it.

    pub(crate) fn handle_reinvite_outcome(
        &mut self,
        client: ClientId,
        outcome: Result<Response, Failure>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let is_ours =
            |usage: &Usage| matches!(&usage.negotiation, Negotiation::Offering { client: ours, .. } if *ours == client);
        let Some(place) = self.usages().iter().position(is_ours) else {
            if outcome.is_ok_and(|response| response.status.is_success()) {
                self.acknowledge_late(client, endpoint);
            }
            return;
        };
        let response = match outcome {
            Ok(response) if response.status.is_provisional() => {
                return self.handle_reinvite_progress(place, &response, endpoint, now);
            }
            Ok(response) => response,
            Err(failure) => return self.handle_reinvite_failure(place, failure, endpoint, now),
        };
        let Some(Negotiation::Offering { request, attempt, .. }) =
            self.replace_negotiation(place, Negotiation::Settled)
        else {
            return;
        };
        if let Some(usage) = self.usages().get_mut(place) {
            usage.note_allow(&response.headers);
        }
        self.handle_reinvite_response((place, client), request, attempt, response, endpoint, now);
    }

    /// The session has moved away from the connection that broke: the offer follows it. Else the other side is gone.
    fn handle_reinvite_failure(&mut self, place: usize, failure: Failure, endpoint: &mut Endpoint, now: Instant) {
        let here = self.flow.socket;
        let Some(Negotiation::Offering { request, attempt, socket, .. }) =
            self.replace_negotiation(place, Negotiation::Settled)
        else {
            return;
        };
        match (&mut self.state, failure) {
            (State::Confirmed(usage), Failure::TransportFailed) if socket != here => {
                usage.retry = Some(Retry::of(&request, attempt, now));
            }
            (State::Confirmed(_), failure) => self.leave_with(None, cause::by_failure(failure), endpoint, now),
            (_, Failure::Timeout) => self.tell_answer(Err(StatusCode::REQUEST_TIMEOUT), endpoint),
            _ => self.tell_answer(Err(StatusCode::SERVICE_UNAVAILABLE), endpoint),
        }
    }

    /// A re-INVITE may be answered in a reliable provisional response, too (RFC 3262 §5).
    fn handle_reinvite_progress(&mut self, place: usize, response: &Response, endpoint: &mut Endpoint, now: Instant) {
        if self.acknowledge_progress(place, response, endpoint, now).is_none() {
            return;
        }
        let usage = self.usages().get_mut(place).map(|usage| &mut usage.negotiation);
        let Some(Negotiation::Offering { attempt, request, .. }) = usage else {
            return;
        };
        let answer = Body::sdp(&response.headers, &response.body).filter(|_| !request.body.is_empty());
        if answer.is_some() && !core::mem::replace(&mut attempt.is_answered, true) {
            let is_refresh = attempt.is_refresh;
            self.note_answer(answer, is_refresh, endpoint);
        }
    }

    fn handle_reinvite_response(
        &mut self,
        (place, client): (usize, ClientId),
        mut request: Box<Request>,
        attempt: Attempt,
        response: Response,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        match self.judge_response(place, &mut request, attempt, &response, endpoint) {
            Outcome::Answered => {
                self.handle_reinvite_success((place, client), request, attempt, &response, endpoint, now)
            }
            Outcome::Later(wait) => {
                let attempt = Attempt { glares: attempt.glares + 1, ..attempt };
                if let Some(usage) = self.usages().get_mut(place) {
                    usage.retry = Some(Retry::of(&request, attempt, now + wait));
                }
            }
            Outcome::Again => {
                if let Some(usage) = self.usages().get_mut(place) {
                    usage.renumber(&mut request);
                }
                self.send_request(place, request, attempt, endpoint, now);
            }
            Outcome::Gone => self.leave_forgotten(response, endpoint, now),
            Outcome::Refused if attempt.is_refresh => self.timer.try_again(now),
            Outcome::Refused => {
                let (result, response) = (Err(response.status), Some(Box::new(response)));
                endpoint.emit_session(self.id, SessionEvent::Answered { result, response });
            }
        }
    }

    fn judge_response(
        &mut self,
        place: usize,
        request: &mut Request,
        attempt: Attempt,
        response: &Response,
        endpoint: &mut Endpoint,
    ) -> Outcome {
        let is_confirmed = matches!(self.state, State::Confirmed(_));
        let may_wait = attempt.glares < MAX_GLARES;
        let patience = response.headers.retry_after().filter(|seconds| *seconds <= MAX_PATIENCE);
        match response.status {
            status if status.is_success() => Outcome::Answered,
            StatusCode::REQUEST_PENDING if may_wait => match self.usages().get(place) {
                Some(usage) => Outcome::Later(usage.side.glare_wait(endpoint.entropy.number())),
                None => Outcome::Refused,
            },
            StatusCode::SERVER_INTERNAL_ERROR if may_wait && patience.is_some() => {
                Outcome::Later(Duration::from_secs(patience.unwrap_or_default().into()))
            }
            StatusCode::CALL_DOES_NOT_EXIST | StatusCode::REQUEST_TIMEOUT if is_confirmed => Outcome::Gone,
            StatusCode::SESSION_INTERVAL_TOO_SMALL if self.timer.raise(&response.headers) => {
                self.timer.ask(&mut request.headers, endpoint.config.session_timers.as_ref());
                Outcome::Again
            }
            _ => match Auth::answer(&mut self.auth, request, response, endpoint) {
                Ok(()) => Outcome::Again,
                Err(_) => Outcome::Refused,
            },
        }
    }

    fn handle_reinvite_success(
        &mut self,
        (place, client): (usize, ClientId),
        request: Box<Request>,
        attempt: Attempt,
        response: &Response,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let is_invite = request.method == Method::Invite;
        if let State::Confirmed(_) = self.state {
            self.timer.take(&response.headers, endpoint.config.session_timers.as_ref(), now);
        }
        Auth::accepted(&mut self.auth, response);
        let flow = self.flow;
        let Some(usage) = self.usages().get_mut(place) else {
            return;
        };
        usage.dialog.handle_response(&request, response);
        let sdp = Body::sdp(&response.headers, &response.body);
        if is_invite && request.body.is_empty() && sdp.is_some() {
            usage.negotiation = Negotiation::OwingAck { client, invite: request.clone() };
            return endpoint.emit_session(self.id, SessionEvent::Offered { offer: sdp, request });
        }
        if is_invite {
            endpoint.acknowledge(&usage.dialog, &request, None, flow, client);
        }
        self.note_local(&String::from_utf8_lossy(&request.body), endpoint);
        if !attempt.is_answered {
            self.note_answer(sdp, attempt.is_refresh, endpoint);
        }
        self.accept_if_allowed(endpoint, now);
    }

    /// The answer to an offer of ours. To a refresh it changes nothing, as a rule, and then nobody is told.
    fn note_answer(&mut self, answer: Option<String>, is_refresh: bool, endpoint: &mut Endpoint) {
        let is_known = !self.note_remote(answer.as_deref());
        if !(is_refresh && is_known) {
            self.tell_answer(Ok(answer), endpoint);
        }
    }

    pub(super) fn tell_answer(&self, result: Result<Option<String>, StatusCode>, endpoint: &mut Endpoint) {
        endpoint.emit_session(self.id, SessionEvent::Answered { result, response: None });
    }
}
