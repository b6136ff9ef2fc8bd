//! A call that outlives its page: what names its dialog, for the page to keep, and the call of the page that comes next.
//!
//! The name is an address with Replaces inside, as a Refer-To has it (RFC 3891 §6, RFC 3515): whoever calls it takes this
//! side's place. That call waits until the account is registered again, because the other side may want to see that, and
//! asks for the sound that flowed before, so that nobody there has to agree to anything.

use sip_core::Instant;
use sip_core::message::{HeaderName, Headers, ReferTo, Replaces};

use super::call::{Call, Stage};
use super::commands::over;
use super::{Output, Phone};
use crate::types::{CallOptions, CallState, ErrorInfo};

impl Phone {
    /// What names the dialog of an answered call.
    pub(crate) fn dialog(&self, id: u32) -> Option<String> {
        let Stage::Active { session, .. } = &self.calls.get(id)?.stage else { return None };
        let target = self.agent.session(*session)?.remote_target?.to_request_uri();
        Some(ReferTo { target, replaces: self.agent.replaces(*session) }.to_string())
    }

    /// Takes a call back that another page had.
    pub(crate) fn resume(
        &mut self,
        dialog: &str,
        muted: bool,
        held: bool,
        now: Instant,
    ) -> Result<u32, Box<ErrorInfo>> {
        let mut headers = Headers::new();
        headers.push(HeaderName::ReferTo, dialog);
        let Ok(ReferTo { target, replaces: Some(replaces) }) = ReferTo::read(&headers) else { return Err(over()) };
        let id = self.dial(target, in_place_of(&replaces), &CallOptions::default(), now);
        if let Some(call) = self.calls.get_mut(id) {
            call.shown = CallState::Reconnecting;
            (call.muted, call.hold.local) = (muted, held);
        }
        self.set_wish(id);
        self.out.push_back(Output::SetMuted { call: id, muted: muted || held });
        Ok(id)
    }

    /// Whether a call is another page's that may not be asked for yet.
    pub(super) fn must_wait(&self, call: &Call) -> bool {
        call.is_resuming() && self.registration.is_pending()
    }
}

/// What an INVITE says that takes the place of another call.
pub(super) fn in_place_of(replaces: &Replaces) -> Vec<(HeaderName, String)> {
    vec![(HeaderName::Replaces, replaces.to_string()), (HeaderName::Require, "replaces".to_owned())]
}
