//! Digits as INFO requests, for servers that take no telephone events: one after the other, so that their order holds.

use std::collections::VecDeque;

use sip_core::Instant;
use sip_core::agent::RequestId;
use sip_core::message::Method;

use super::Phone;
use super::call::Call;

/// Digits of one call on their way.
#[derive(Default)]
pub(super) struct Digits {
    waiting: VecDeque<char>,
    sent: Option<(RequestId, char)>,
    tone_ms: u32,
}

impl Phone {
    /// The other side takes no telephone events, so the digits go as INFO.
    pub(crate) fn handle_tones_refused(&mut self, id: u32, digits: &str, tone_ms: u32, now: Instant) {
        if let Some(call) = self.calls.get_mut(id) {
            call.digits.waiting.extend(digits.chars());
            call.digits.tone_ms = tone_ms;
            self.send_next_digit(id, now);
        }
    }

    pub(super) fn send_next_digit(&mut self, id: u32, now: Instant) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        let Some(session) = call.session().filter(|_| call.digits.sent.is_none()) else {
            return;
        };
        let Some(digit) = call.digits.waiting.pop_front() else {
            return;
        };
        let body = ["Signal=", &digit.to_string(), "\r\nDuration=", &call.digits.tone_ms.to_string(), "\r\n"].concat();
        let body = ("application/dtmf-relay".to_owned(), body.into_bytes());
        let sent = self.agent.session_request(session, Method::Info, Vec::new(), Some(body), now);
        call.digits.sent = sent.ok().map(|request| (request, digit));
    }

    pub(super) fn handle_digit_result(&mut self, request: RequestId, arrived: bool, now: Instant) {
        let is_it = |call: &Call| call.digits.sent.is_some_and(|(id, _)| id == request);
        let Some(&id) = self.calls.ids(is_it).first() else {
            return;
        };
        let digit = self.calls.get_mut(id).and_then(|call| call.digits.sent.take());
        if let Some((_, digit)) = digit.filter(|_| arrived) {
            self.handle_digit_sent(id, digit.to_string());
        }
        self.send_next_digit(id, now);
    }
}
