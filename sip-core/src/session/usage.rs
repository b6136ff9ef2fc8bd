//! One dialog of a session, early or confirmed, with the offers in it.

use super::negotiation::{Negotiation, Retry};
use crate::dialog::Dialog;
use crate::message::{HeaderName, Headers, Method, Request};
use crate::time::{Duration, Instant};

/// See the module.
#[derive(Debug)]
pub(super) struct Usage {
    pub(super) dialog: Dialog,
    pub(super) side: Side,
    pub(super) negotiation: Negotiation,
    /// An offer of ours that waits for its turn.
    pub(super) retry: Option<Retry>,
    /// Whether the other side's Allow names UPDATE.
    pub(super) allows_update: bool,
    /// The other side's answer in a reliable response, until an UPDATE replaces it.
    pub(super) early_answer: Option<String>,
    /// RSeq of the last reliable response to our INVITE under way (RFC 3262 §4).
    pub(super) heard: Option<u32>,
}

/// Who made the Call-ID; decides how long to wait after a glare (§14.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Caller,
    Callee,
}

impl Side {
    /// RFC 3261 §14.1: 2.1 to 4 s for the owner of the Call-ID, else up to 2 s, in steps of 10 ms.
    pub(super) const fn glare_wait(self, random: u64) -> Duration {
        match self {
            Self::Caller => Duration::from_millis(2_100 + random % 191 * 10),
            Self::Callee => Duration::from_millis(random % 201 * 10),
        }
    }
}

impl Usage {
    /// A dialog whose first offer is not answered yet.
    pub(super) const fn new(dialog: Dialog, side: Side) -> Self {
        let negotiation = Negotiation::Opening;
        Self { dialog, side, negotiation, retry: None, allows_update: false, early_answer: None, heard: None }
    }

    /// Learns from any message of the other side which methods it takes.
    pub(super) fn note_allow(&mut self, rows: &Headers) {
        if rows.has(&HeaderName::Allow) {
            let mut methods = rows.values(&HeaderName::Allow);
            self.allows_update = methods.any(|method| method == Method::Update.as_str());
        }
    }

    /// Whether the application has an offer of this dialog to answer.
    pub(super) const fn has_question(&self) -> bool {
        matches!(
            self.negotiation,
            Negotiation::OwingAck { .. } | Negotiation::OwingPrack { .. } | Negotiation::Offered { .. }
        )
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.negotiation {
            Negotiation::Settled => self.retry.as_ref().map(Retry::at),
            Negotiation::Unacknowledged { retransmission, .. } => Some(retransmission.deadline()),
            _ => None,
        }
    }

    /// Gives a request that is sent again the dialog's next CSeq.
    pub(super) fn renumber(&mut self, request: &mut Request) {
        renumber(&mut self.dialog, request);
    }
}

/// Gives a request that is sent again the dialog's next CSeq.
pub(super) fn renumber(dialog: &mut Dialog, request: &mut Request) {
    let next = dialog.request(request.method.clone());
    if let Some(cseq) = next.headers.get(&HeaderName::CSeq) {
        request.headers.set(HeaderName::CSeq, cseq);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glare_is_waited_out_in_steps_of_ten_milliseconds() {
        for random in 0..2_000_u64 {
            let (caller, callee) = (Side::Caller.glare_wait(random), Side::Callee.glare_wait(random));

            assert!((2_100..=4_000).contains(&caller.as_millis()) && callee.as_millis() <= 2_000);
            assert_eq!((caller.as_millis() % 10, callee.as_millis() % 10), (0, 0));
        }
    }
}
