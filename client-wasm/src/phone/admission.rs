//! Which incoming calls ring, how they are refused, and how long any call waits for its answer.
//!
//! A call that may not ring is refused before the page hears of it, with 486 where there are as many calls as there may
//! be, and with the page's own status where it is not to be disturbed. A call that takes the place of another
//! (RFC 3891) is none of these: it adds nothing and was agreed to.

use sip_core::agent::SessionId;
use sip_core::message::{HeaderName, Reason, Request, StatusCode};
use sip_core::{Duration, Instant};

use super::call::{self, Stage};
use super::commands::{by_us, over};
use super::{Phone, failed, redirect, settings};
use crate::types::{CallEnd, CoreConfig, CoreEvent, ErrorCode, ErrorInfo, RefusalCause, RejectOptions};

/// Calls at once, where the page wants no fewer.
const MAX_CALLS: u32 = 16;
/// How long an incoming call rings, where the page says nothing.
const INCOMING: u32 = 180;
/// The longest text of a refusal.
const MAX_TEXT: usize = 256;
/// "No answer from user (user alerted)" (ITU-T Q.850).
const NO_ANSWER: u16 = 19;
const NORMAL_CLEARING: u16 = 16;

/// How many calls there may be, and how long they wait.
pub(super) struct Admission {
    max_calls: usize,
    /// What calls are refused with for now.
    do_not_disturb: Option<StatusCode>,
    incoming: Option<Duration>,
    /// How long an outgoing call waits for its answer, where it says nothing itself.
    pub(super) outgoing: Option<Duration>,
}

impl Admission {
    pub(super) fn new(config: &CoreConfig) -> Result<Self, Box<ErrorInfo>> {
        Ok(Self {
            max_calls: config.max_calls.map_or(MAX_CALLS, |wish| wish.clamp(1, MAX_CALLS)) as usize,
            do_not_disturb: disturbance(config.do_not_disturb.unwrap_or(0))?,
            incoming: patience(config.incoming_no_answer.unwrap_or(INCOMING)),
            outgoing: patience(config.outgoing_no_answer.unwrap_or(0)),
        })
    }
}

/// The time that so many seconds are; 0 is no limit.
pub(super) fn patience(seconds: u32) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds.into()))
}

impl Phone {
    /// Refuses incoming calls with this status from now on; 0 lets them ring.
    pub(crate) fn set_do_not_disturb(&mut self, status: u32) -> Result<(), Box<ErrorInfo>> {
        self.admission.do_not_disturb = disturbance(status)?;
        Ok(())
    }

    /// Declines an incoming call, or sends it elsewhere.
    pub(crate) fn reject(
        &mut self,
        id: u32,
        status: u16,
        options: &RejectOptions,
        now: Instant,
    ) -> Result<(), Box<ErrorInfo>> {
        let call = self.calls.get(id).ok_or_else(over)?;
        let (Stage::Ringing { session, .. } | Stage::Answering { session, .. }) = &call.stage else {
            let message = "Only a ringing incoming call can be rejected.";
            return Err(ErrorInfo::with_message(ErrorCode::WrongState, message));
        };
        let session = *session;
        let fits =
            |status: &StatusCode| status.as_u16() >= 300 && status.is_redirection() != options.targets.is_empty();
        let message =
            "A call is rejected with a status from 400 to 699, or redirected with one from 300 to 399 and targets.";
        let status = StatusCode::new(status).filter(fits).ok_or_else(|| wrong(message))?;
        let mut rows = redirect::contacts(&options.targets, &self.settings.home)?;
        let said = reason(options)?.or_else(|| Some(Reason::sip(status.as_u16(), words(options)?)));
        rows.extend(said.map(|reason| (HeaderName::Reason, reason.to_string())));
        let _ = self.agent.reject(session, status, options.text.clone(), rows, now);
        let reason = options.text.clone().unwrap_or_default();
        self.end(id, CallEnd { reason, ..by_us(Some(status.as_u16())) });
        Ok(())
    }

    /// Ends a call in any state, with words and a cause for the other side: in BYE, CANCEL or the refusal.
    pub(crate) fn hang_up_saying(
        &mut self,
        id: u32,
        options: &RejectOptions,
        now: Instant,
    ) -> Result<(), Box<ErrorInfo>> {
        let said = reason(options)?.or_else(|| Some(Reason::q850(NORMAL_CLEARING, words(options)?)));
        self.leave(id, StatusCode::BUSY_HERE.as_u16(), said, now);
        self.end(id, CallEnd { reason: words(options).unwrap_or_default().to_owned(), ..by_us(None) });
        Ok(())
    }

    /// Whether a call that came in may not ring: it is refused then, and the page is told.
    pub(super) fn turns_away(&mut self, session: SessionId, request: &Request, now: Instant) -> bool {
        let is_full = self.calls.len() >= self.admission.max_calls;
        let (status, cause) = match self.admission.do_not_disturb {
            Some(status) => (status, RefusalCause::DoNotDisturb),
            None if is_full => (StatusCode::BUSY_HERE, RefusalCause::Busy),
            None => return false,
        };
        let _ = self.agent.reject(session, status, None, Vec::new(), now);
        if let (Ok(from), Ok(to)) = (request.headers.from(), request.headers.to()) {
            let (from, to) = (call::party(&from), call::party(&to));
            let headers = settings::rows(&request.headers);
            let status = status.as_u16();
            self.tell(CoreEvent::CallRefused { from, to, headers, status, cause });
        }
        true
    }

    /// Until when an incoming call may ring.
    pub(super) fn ring_until(&self, now: Instant) -> Option<Instant> {
        self.admission.incoming.map(|patience| now + patience)
    }

    /// Ends the calls that nobody answered in time.
    pub(super) fn end_unanswered(&mut self, now: Instant) {
        for id in self.calls.ids(|call| call.unanswered_at().is_some_and(|at| at <= now)) {
            let ringing = self.calls.get(id).and_then(|call| match call.stage {
                Stage::Ringing { session, .. } => Some(session),
                _ => None,
            });
            match ringing {
                Some(session) => {
                    let rows = vec![(HeaderName::Reason, Reason::q850(NO_ANSWER, "No answer").to_string())];
                    let _ = self.agent.reject(session, StatusCode::TEMPORARILY_UNAVAILABLE, None, rows, now);
                }
                None => self.leave(id, 480, None, now),
            }
            self.end(id, failed(ErrorInfo::new(ErrorCode::NoAnswer)));
        }
    }
}

fn disturbance(status: u32) -> Result<Option<StatusCode>, Box<ErrorInfo>> {
    let refusal = u16::try_from(status).ok().and_then(StatusCode::new).filter(|status| status.as_u16() >= 400);
    if refusal.is_none() && status != 0 {
        return Err(wrong("Do not disturb refuses calls with a status from 400 to 699."));
    }
    Ok(refusal)
}

fn words(options: &RejectOptions) -> Option<&str> {
    options.text.as_deref().filter(|text| !text.is_empty())
}

/// The cause by its number, where there is one; the words are checked in any case.
fn reason(options: &RejectOptions) -> Result<Option<Reason>, Box<ErrorInfo>> {
    let text = options.text.as_deref().unwrap_or_default();
    if text.len() > MAX_TEXT || text.contains(char::is_control) {
        return Err(wrong("The text of a reason is one line of at most 256 bytes."));
    }
    Ok(match options.q850 {
        // Seven bits (ITU-T Q.850 §2.1).
        Some(cause @ 1..=127) => Some(Reason::q850(cause as u16, text)),
        Some(_) => return Err(wrong("A Q.850 cause is a number from 1 to 127.")),
        None => None,
    })
}

fn wrong(message: &str) -> Box<ErrorInfo> {
    ErrorInfo::with_message(ErrorCode::InvalidArgument, message)
}
