//! The session timer at work (RFC 4028 §7.2, §10): refreshes that leave and the end of a session that nobody refreshes.

use super::confirmed::in_dialog;
use super::negotiation::{Attempt, Negotiation, Retry};
use super::timer::Due;
use super::{Session, State, cause};
use crate::agent::{Auth, Endpoint, Failure};
use crate::message::{Method, Reason};
use crate::time::{Duration, Instant};

/// Q.850: recovery on timer expiry.
const TIMER_EXPIRED: u16 = 102;
const EXPIRED: &str = "Session timer expired";
/// Another look at a session whose refresh has to let an open offer pass.
const ANOTHER_LOOK: Duration = Duration::from_secs(1);

/// What was agreed last, as far as a refresh needs it.
#[derive(Debug, Default)]
pub(super) struct Agreed {
    /// Ours, which a refresh by re-INVITE repeats with the same version.
    local: Option<String>,
    /// Theirs, without its version, as a checksum.
    remote: Option<u64>,
}

impl Session {
    pub(super) fn handle_timer(&mut self, endpoint: &mut Endpoint, now: Instant) {
        let State::Confirmed(_) = self.state else {
            return;
        };
        match self.timer.due(now) {
            Due::Nothing => {}
            Due::Refresh => self.refresh(endpoint, now),
            Due::GiveUp => {
                let mut end = cause::by_failure(Failure::Timeout);
                EXPIRED.clone_into(&mut end.reason);
                end.q850 = Some(TIMER_EXPIRED);
                self.leave_with(Some(Reason::q850(TIMER_EXPIRED, EXPIRED)), end, endpoint, now);
            }
        }
    }

    /// UPDATE where the other side takes it, because it needs no description; else a re-INVITE that changes nothing.
    fn refresh(&mut self, endpoint: &mut Endpoint, now: Instant) {
        let contact = self.contact.clone();
        let State::Confirmed(usage) = &mut self.state else {
            return;
        };
        if usage.allows_update {
            self.timer.refreshed(None);
            let mut update = in_dialog(&mut usage.dialog, Method::Update, &contact);
            self.timer.ask(&mut update.headers, endpoint.config.session_timers.as_ref());
            Auth::authorize(&mut self.auth, &mut update);
            return self.send_aside(update, endpoint, now);
        }
        let is_free = matches!(usage.negotiation, Negotiation::Settled) && usage.retry.is_none();
        match &self.agreed.local {
            Some(local) if is_free => {
                self.timer.refreshed(None);
                let attempt = Attempt { is_refresh: true, ..Attempt::default() };
                let what = Retry::new(Method::Invite, Some(local.clone()), attempt, now);
                self.send_offer(0, what, endpoint, now);
            }
            _ => self.timer.refreshed(Some(now + ANOTHER_LOOK)),
        }
    }

    /// Our description of the session as it is now.
    pub(super) fn note_local(&mut self, sdp: &str, endpoint: &Endpoint) {
        if endpoint.config.session_timers.is_some() && !sdp.is_empty() {
            self.agreed.local = Some(sdp.to_owned());
        }
    }

    /// The other side's description of the session as it is now; whether it is another than before.
    pub(super) fn note_remote(&mut self, sdp: Option<&str>) -> bool {
        let Some(sdp) = sdp else {
            return false;
        };
        let known = self.agreed.remote.replace(checksum(sdp));
        known != self.agreed.remote
    }
}

/// FNV-1a over all lines but `o=`, whose version some count up with each answer.
fn checksum(sdp: &str) -> u64 {
    let lines = sdp.lines().filter(|line| !line.starts_with("o="));
    lines
        .flat_map(str::bytes)
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_the_same_with_another_version() {
        assert_eq!(
            checksum("v=0\r\no=- 1 1 IN IP4 a\r\nm=audio 1\r\n"),
            checksum("v=0\r\no=- 1 2 IN IP4 a\r\nm=audio 1\r\n")
        );
        assert_ne!(checksum("v=0\r\nm=audio 1\r\n"), checksum("v=0\r\nm=audio 2\r\n"));
    }
}
