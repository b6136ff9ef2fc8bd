//! Reliable provisional responses, calling side (RFC 3262 §4), and the requests that a session makes of its own: PRACK
//! and the UPDATE that refreshes it.

use super::confirmed::in_dialog;
use super::{Refused, SDP, Session, cause};
use crate::agent::{Auth, Endpoint, Failure, Owner, Reliability, headers};
use crate::message::{HeaderName, Method, RAck, Request, Response, StatusCode};
use crate::time::Instant;
use crate::transaction::ClientId;

/// Requests of the session's own at once.
const MAX_ASIDES: usize = 32;

/// A request of the session's own that has no final response.
#[derive(Debug)]
pub(super) struct Aside {
    client: ClientId,
    /// As last sent, without Via.
    request: Request,
}

/// What a provisional response is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing has to be acknowledged.
    Unreliable,
    /// The next of its dialog: this acknowledges it.
    Reliable(RAck),
    /// A copy, or one that came too early: it is as if it had not come (§4).
    OutOfOrder,
}

impl Session {
    /// What kind of provisional response this is, in the dialog at `place`.
    pub(super) fn judge_progress(&mut self, place: usize, response: &Response, endpoint: &Endpoint) -> Progress {
        let is_reliable = response.headers.require().iter().any(|option| option.eq_ignore_ascii_case("100rel"));
        let (Some(number), Ok(cseq), Some(usage)) =
            (response.headers.rseq(), response.headers.cseq(), self.usages().get(place))
        else {
            return Progress::Unreliable;
        };
        if !is_reliable || endpoint.config.reliability == Reliability::None {
            return Progress::Unreliable;
        }
        match usage.heard {
            Some(last) if number != last.wrapping_add(1) => Progress::OutOfOrder,
            _ => Progress::Reliable(RAck { response: number, cseq }),
        }
    }

    /// Acknowledges a provisional response at once, where it wants that; none where it is to be passed over.
    pub(super) fn acknowledge_progress(
        &mut self,
        place: usize,
        response: &Response,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Option<()> {
        match self.judge_progress(place, response, endpoint) {
            Progress::Unreliable => {}
            Progress::Reliable(rack) => self.send_prack(place, &rack, None, endpoint, now),
            Progress::OutOfOrder => return None,
        }
        Some(())
    }

    pub(super) fn send_prack(
        &mut self,
        place: usize,
        rack: &RAck,
        answer: Option<String>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let contact = self.contact.clone();
        let Some(usage) = self.usages().get_mut(place) else {
            return;
        };
        usage.heard = Some(rack.response);
        let mut prack = in_dialog(&mut usage.dialog, Method::Prack, &contact);
        prack.headers.push(HeaderName::RAck, rack.to_string());
        if let Some(answer) = answer {
            prack.set_body(SDP, answer);
        }
        Auth::authorize(&mut self.auth, &mut prack);
        self.send_aside(prack, endpoint, now);
    }

    /// The answer to the offer in a reliable provisional response. Without one the call cannot go on.
    pub(super) fn pay_prack(
        &mut self,
        place: usize,
        rack: &RAck,
        result: Result<String, Refused>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let is_refused = result.is_err();
        self.send_prack(place, rack, result.ok(), endpoint, now);
        if is_refused {
            let _ = self.cancel(None, endpoint, now);
        }
    }

    pub(super) fn send_aside(&mut self, request: Request, endpoint: &mut Endpoint, now: Instant) {
        let flow = endpoint.next_hop(&request, self.flow);
        match endpoint.send(request.clone(), flow, Owner::Aside(self.id), now) {
            Ok(client) if self.asides.len() < MAX_ASIDES => self.asides.push(Aside { client, request }),
            Ok(_) => {}
            // The next attempt may find another connection.
            Err(_) if request.method == Method::Update => self.timer.try_again(now),
            Err(_) => {}
        }
    }

    /// The fate of a request of the session's own.
    pub(crate) fn handle_aside_outcome(
        &mut self,
        client: ClientId,
        outcome: Result<Response, Failure>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        if outcome.as_ref().is_ok_and(|response| response.status.is_provisional()) {
            return;
        }
        let Some(place) = self.asides.iter().position(|aside| aside.client == client) else {
            return;
        };
        let Aside { request, .. } = self.asides.swap_remove(place);
        let is_refresh = request.method == Method::Update;
        match outcome {
            Ok(response) => self.handle_aside_response(request, response, endpoint, now),
            // The connection broke, and the session may find another.
            Err(Failure::TransportFailed) if is_refresh => self.timer.try_again(now),
            Err(failure) if is_refresh => self.leave_with(None, cause::by_failure(failure), endpoint, now),
            // The other side gives up on its response by itself.
            Err(_) => {}
        }
    }

    fn handle_aside_response(
        &mut self,
        mut request: Request,
        response: Response,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let is_refresh = request.method == Method::Update;
        let timers = endpoint.config.session_timers;
        let again = match response.status {
            status if status.is_success() => {
                Auth::accepted(&mut self.auth, &response);
                if let Some(usage) = self.usage_of(&headers::to_tag(&request.headers)) {
                    usage.dialog.handle_response(&request, &response);
                }
                if is_refresh {
                    self.timer.take(&response.headers, timers.as_ref(), now);
                }
                return;
            }
            StatusCode::SESSION_INTERVAL_TOO_SMALL if is_refresh && self.timer.raise(&response.headers) => {
                self.timer.ask(&mut request.headers, timers.as_ref());
                true
            }
            StatusCode::CALL_DOES_NOT_EXIST | StatusCode::REQUEST_TIMEOUT if is_refresh => {
                return self.leave_forgotten(response, endpoint, now);
            }
            // It said that it takes UPDATE, and does not.
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED if is_refresh => {
                self.usages().iter_mut().for_each(|usage| usage.allows_update = false);
                return self.timer.refreshed(Some(now));
            }
            _ => Auth::answer(&mut self.auth, &mut request, &response, endpoint).is_ok(),
        };
        let usage = self.usage_of(&headers::to_tag(&request.headers));
        match usage.filter(|_| again) {
            Some(usage) => {
                usage.renumber(&mut request);
                self.send_aside(request, endpoint, now);
            }
            None if is_refresh => self.timer.try_again(now),
            None => {}
        }
    }
}
