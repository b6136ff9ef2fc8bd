//! Digits, sent and received.
//!
//! Sent as telephone events (RFC 4733), which the browser makes, or as INFO requests, one after the other: the next one
//! leaves when its tone would be over and the last was answered. The other side's telephone events are sound that a
//! page cannot see; what a server reports of them by INFO, and the INFO of any server, become events of the page.

use std::collections::VecDeque;

use sip_core::agent::{IncomingId, Reply, RequestId, SessionId};
use sip_core::message::{HeaderName, Method, Request, StatusCode, dtmf};
use sip_core::{Duration, Instant};

use super::call::Call;
use super::commands::over;
use super::{Output, Phone};
use crate::errors;
use crate::types::{CallState, CoreEvent, DigitMethod, ErrorCode, ErrorInfo};

/// The limits of a tone and of the time after it, in milliseconds (W3C WebRTC §7.2).
const TONE_MS: core::ops::RangeInclusive<u32> = 40..=6_000;
const GAP_MS: core::ops::RangeInclusive<u32> = 30..=6_000;
/// Digits and pauses that may wait in a call.
const MAX_DIGITS: usize = 64;
/// What a comma and a `w` mean to telephones and to those who write numbers for them.
const COMMA_MS: u32 = 2_000;
const W_MS: u32 = 500;

/// Digits of one call on their way.
#[derive(Default)]
pub(super) struct Digits {
    waiting: VecDeque<Step>,
    sent: Option<(RequestId, Tone)>,
    /// When the next may leave.
    due: Option<Instant>,
    /// How the telephone events that the browser has were to be sent.
    handed: Option<DigitMethod>,
    /// The other side took no relay bodies, but may take plain ones.
    is_plain: bool,
}

#[derive(Clone, Copy)]
enum Step {
    Tone(Tone),
    Pause(u32),
}

#[derive(Clone, Copy)]
struct Tone {
    digit: char,
    method: DigitMethod,
    tone_ms: u32,
    gap_ms: u32,
}

impl Digits {
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The telephone events that can be handed to the browser in one go.
    fn run(&mut self) -> Option<(String, Tone)> {
        let is_event = |tone: &Tone| matches!(tone.method, DigitMethod::Auto | DigitMethod::Rtp);
        let first = match self.waiting.front() {
            Some(Step::Tone(tone)) if is_event(tone) => *tone,
            _ => return None,
        };
        let mut run = String::new();
        while let Some(Step::Tone(tone)) = self.waiting.front() {
            if tone.method != first.method || (tone.tone_ms, tone.gap_ms) != (first.tone_ms, first.gap_ms) {
                break;
            }
            run.push(tone.digit);
            self.waiting.pop_front();
        }
        Some((run, first))
    }
}

/// What this phone takes, in the INVITE and its 200: a relay reports the other side's digits to who takes them.
pub(super) fn accept() -> (HeaderName, String) {
    (HeaderName::Accept, ["application/sdp, ", dtmf::BOTH].concat())
}

impl Phone {
    /// Sends digits, after those that are on their way.
    pub(crate) fn send_digits(
        &mut self,
        id: u32,
        digits: &str,
        (method, tone_ms, gap_ms): (DigitMethod, u32, u32),
        now: Instant,
    ) -> Result<(), Box<ErrorInfo>> {
        let call = self.calls.get_mut(id).ok_or_else(over)?;
        if call.shown < CallState::Early {
            return Err(ErrorInfo::with_message(
                ErrorCode::WrongState,
                "Digits can be sent once the other side is heard.",
            ));
        }
        let (tone_ms, gap_ms) =
            (tone_ms.clamp(*TONE_MS.start(), *TONE_MS.end()), gap_ms.clamp(*GAP_MS.start(), *GAP_MS.end()));
        let step = |letter: char| match letter.to_ascii_uppercase() {
            ',' => Some(Step::Pause(COMMA_MS)),
            'W' => Some(Step::Pause(W_MS)),
            digit @ ('0'..='9' | 'A'..='D' | '*' | '#') => Some(Step::Tone(Tone { digit, method, tone_ms, gap_ms })),
            _ => None,
        };
        let steps: Option<Vec<Step>> = digits.chars().map(step).collect();
        match steps.filter(|steps| call.digits.waiting.len() + steps.len() <= MAX_DIGITS) {
            Some(steps) => call.digits.waiting.extend(steps),
            None => {
                let message = "Digits are 0 to 9, A to D, * and #, with , and w for pauses, 64 at most.";
                return Err(ErrorInfo::with_message(ErrorCode::InvalidArgument, message));
            }
        }
        self.send_next_digit(id, now);
        Ok(())
    }

    /// The other side takes no telephone events: what may go as INFO does.
    pub(crate) fn handle_tones_refused(&mut self, id: u32, digits: &str, (tone_ms, gap_ms): (u32, u32), now: Instant) {
        let Some(call) = self.calls.get_mut(id) else { return };
        let method = call.digits.handed.take().unwrap_or(DigitMethod::InfoRelay);
        if method == DigitMethod::Rtp {
            let message = "The other side takes no digits as telephone events.";
            let error = ErrorInfo::with_message(ErrorCode::IncompatibleMedia, message);
            for digit in digits.chars() {
                self.fail_digit(id, digit, error.clone());
            }
        } else if let Some(call) = self.calls.get_mut(id) {
            let tone = |digit| Step::Tone(Tone { digit, method: DigitMethod::InfoRelay, tone_ms, gap_ms });
            digits.chars().rev().for_each(|digit| call.digits.waiting.push_front(tone(digit)));
        }
        if let Some(call) = self.calls.get_mut(id) {
            call.digits.due = None;
        }
        self.send_next_digit(id, now);
    }

    pub(super) fn handle_digit_timeouts(&mut self, now: Instant) {
        for id in self.calls.ids(|call| call.digits.due.is_some_and(|due| due <= now)) {
            if let Some(call) = self.calls.get_mut(id) {
                call.digits.due = None;
            }
            self.send_next_digit(id, now);
        }
    }

    fn send_next_digit(&mut self, id: u32, now: Instant) {
        let Some(call) = self.calls.get_mut(id) else { return };
        let (session, digits) = (call.session(), &mut call.digits);
        if digits.due.is_some() || digits.sent.is_some() {
            return;
        }
        let after = |ms: u32| now + Duration::from_millis(ms.into());
        if let Some((run, tone)) = digits.run() {
            digits.due = Some(after((tone.tone_ms + tone.gap_ms) * run.len() as u32));
            digits.handed = Some(tone.method);
            let Tone { tone_ms, gap_ms, .. } = tone;
            self.out.push_back(Output::SendTones { call: id, digits: run, tone_ms, gap_ms });
            return;
        }
        match digits.waiting.pop_front() {
            Some(Step::Pause(ms)) => digits.due = Some(after(ms)),
            Some(Step::Tone(tone)) => {
                digits.due = Some(after(tone.tone_ms + tone.gap_ms));
                let is_plain = tone.method == DigitMethod::InfoDtmf || digits.is_plain;
                let kind = if is_plain { dtmf::PLAIN } else { dtmf::RELAY };
                let body = dtmf::body(kind, tone.digit, Duration::from_millis(tone.tone_ms.into()));
                let request = session.and_then(|session| {
                    self.agent.session_request(session, Method::Info, Vec::new(), Some(body), now).ok()
                });
                match (request, self.calls.get_mut(id)) {
                    (Some(request), Some(call)) => call.digits.sent = Some((request, tone)),
                    _ => self.fail_digit(id, tone.digit, ErrorInfo::new(ErrorCode::WrongState)),
                }
            }
            None => {}
        }
    }

    /// The answer to an INFO of ours; none came in time where there is no status.
    pub(super) fn handle_digit_result(&mut self, request: RequestId, status: Option<StatusCode>, now: Instant) {
        let is_it = |call: &Call| call.digits.sent.is_some_and(|(id, _)| id == request);
        let Some(&id) = self.calls.ids(is_it).first() else {
            return;
        };
        let Some(call) = self.calls.get_mut(id) else { return };
        let Some((_, tone)) = call.digits.sent.take() else { return };
        match status {
            Some(status) if status.is_success() => self.handle_digit_sent(id, tone.digit.to_string()),
            // What is not said to be one or the other is tried as the other.
            Some(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                if tone.method != DigitMethod::InfoDtmf && !call.digits.is_plain =>
            {
                call.digits.is_plain = true;
                call.digits.due = None;
                call.digits.waiting.push_front(Step::Tone(tone));
            }
            Some(status) => self.fail_digit(id, tone.digit, errors::change(status.as_u16())),
            None => self.fail_digit(id, tone.digit, ErrorInfo::new(ErrorCode::Timeout)),
        }
        self.send_next_digit(id, now);
    }

    fn fail_digit(&mut self, call: u32, digit: char, error: Box<ErrorInfo>) {
        self.out.push_back(Output::Event(CoreEvent::DigitFailed { call, digit: digit.to_string(), error }));
    }

    /// An INFO of the other side.
    pub(super) fn handle_info(&mut self, id: IncomingId, session: SessionId, info: &Request, now: Instant) {
        let reply = match (dtmf::Info::read(info), self.calls.of_session(session)) {
            (dtmf::Info::Digits(digits, duration), Some(call)) => {
                let duration_ms = u32::try_from(duration.as_millis()).unwrap_or(0);
                for digit in digits.chars() {
                    let digit = digit.to_string();
                    self.out.push_back(Output::Event(CoreEvent::Digit { call, digit, duration_ms }));
                }
                Reply::new(StatusCode::OK)
            }
            (dtmf::Info::Malformed, _) => Reply::new(StatusCode::BAD_REQUEST),
            (dtmf::Info::Other, _) => {
                Reply::new(StatusCode::UNSUPPORTED_MEDIA_TYPE).header(HeaderName::Accept, dtmf::BOTH.to_owned())
            }
            _ => Reply::new(StatusCode::OK),
        };
        let _ = self.agent.respond(id, reply, now);
    }
}
