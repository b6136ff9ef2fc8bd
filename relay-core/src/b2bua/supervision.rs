//! What an operator sees of calls and may do with them: end both legs, send digits to one.

use super::B2bua;
use super::call::{Call, CallDirection, Stage};
use super::cause::Refusal;
use crate::media::control::{MediaCommand, MediaId, Side};
use sip_core::message::{Reason, StatusCode};
use sip_core::{Duration, Instant};

/// Of each digit.
const TONE: Duration = Duration::from_millis(100);
/// More at once are no number and no code.
const MAX_DIGITS: usize = 32;
/// Q.850: normal call clearing.
const CLEARED: u16 = 16;

/// A call as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallStatus {
    /// The number of its media, which is in the logs of both legs and in its record.
    pub id: MediaId,
    /// Who called whom.
    pub direction: CallDirection,
    /// How far it has come.
    pub state: CallState,
    /// The site whose token admitted it.
    pub site: Option<String>,
    /// `From` without its tag.
    pub from: String,
    /// The Request-URI of the first INVITE.
    pub to: String,
    /// The first INVITE.
    pub started: Instant,
    /// The 200 to it, if there was one.
    pub answered: Option<Instant>,
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    /// The called side has not been reached yet.
    Preparing,
    /// It was, and has not answered.
    Ringing,
    /// Both sides answered.
    Talking,
    /// One side is over, and the other is told.
    Ending,
}

/// Why something cannot be done with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallFault {
    /// There is none, or it is ending already.
    Gone,
    /// Nobody talks yet.
    NotTalking,
    /// That side takes no telephone-events.
    NoEvents,
    /// They are no digits, or too many.
    NoDigits,
}

impl CallState {
    /// `preparing`, `ringing`, `talking`, `ending`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Ringing => "ringing",
            Self::Talking => "talking",
            Self::Ending => "ending",
        }
    }

    const fn of(stage: &Stage) -> Self {
        match stage {
            Stage::Preparing(_) | Stage::PreparingInbound { .. } => Self::Preparing,
            Stage::Calling(_) | Stage::Ringing { .. } => Self::Ringing,
            Stage::Describing(_) | Stage::Talking(_) => Self::Talking,
            Stage::Ending => Self::Ending,
        }
    }
}

impl CallStatus {
    fn of(call: &Call) -> Self {
        let record = &call.record;
        Self {
            id: call.media,
            direction: call.direction,
            state: CallState::of(&call.stage),
            site: record.site.clone(),
            from: record.from.clone(),
            to: record.to.clone(),
            started: record.started,
            answered: record.answered,
        }
    }
}

impl B2bua {
    /// Calls that are not over, the oldest first, beginning after `after`.
    #[must_use]
    pub fn call_statuses(&self, after: MediaId, limit: usize) -> Vec<CallStatus> {
        self.calls.after(after).take(limit).map(CallStatus::of).collect()
    }

    /// One of them.
    #[must_use]
    pub fn call_status(&self, id: MediaId) -> Option<CallStatus> {
        self.calls.call(id).map(CallStatus::of)
    }

    /// Ends both legs: `reason` is in the BYE or CANCEL, or in the refusal of a caller who still waits.
    ///
    /// # Errors
    /// There is no such call.
    pub fn end_call(&mut self, id: MediaId, reason: &str, now: Instant) -> Result<(), CallFault> {
        self.living(id)?;
        let refusal = Refusal::new(StatusCode::TEMPORARILY_UNAVAILABLE, reason);
        self.end_both(id, refusal, Reason::q850(CLEARED, reason), now);
        self.drain(now);
        Ok(())
    }

    /// Sends digits to one side, as telephone-events (RFC 4733).
    ///
    /// # Errors
    /// There is no such call, or no way for digits in it.
    pub fn send_digits(&mut self, id: MediaId, to: Side, digits: &str, now: Instant) -> Result<(), CallFault> {
        let Stage::Talking(talk) = &self.living(id)?.stage else { return Err(CallFault::NotTalking) };
        let takes_events = match to {
            Side::Web => talk.web.remote.telephone_event.is_some(),
            Side::Trunk => talk.has_events_to_trunk(),
        };
        if !takes_events {
            return Err(CallFault::NoEvents);
        }
        let is_digit = |digit: char| matches!(digit, '0'..='9' | 'A'..='D' | '*' | '#');
        if digits.is_empty() || digits.len() > MAX_DIGITS || !digits.chars().all(is_digit) {
            return Err(CallFault::NoDigits);
        }
        self.media(MediaCommand::Digits { id, to, digits: digits.to_owned(), duration: TONE });
        self.drain(now);
        Ok(())
    }

    fn living(&self, id: MediaId) -> Result<&Call, CallFault> {
        let call = self.calls.call(id).filter(|call| !matches!(call.stage, Stage::Ending));
        call.ok_or(CallFault::Gone)
    }
}
