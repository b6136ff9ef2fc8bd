//! A NOTIFY that nobody has subscribed for: many PBXs tell a registered phone of its voice mail unasked.
//!
//! RFC 6665 knows no such thing (481, §4.1.3), so it is for `message-summary` alone (RFC 3842), from the PBX that holds
//! the binding, and short.

use super::cause::Refusal;
use super::{B2bua, headers};
use crate::media::control::Side;
use sip_core::agent::IncomingId;
use sip_core::message::{HeaderName, Request, StatusCode};
use sip_core::{Flow, Instant};

const PACKAGE: &str = "message-summary";
/// A summary has a line for each kind of message.
const MAX_BODY: usize = 4_096;

impl B2bua {
    /// A NOTIFY of no subscription.
    pub(super) fn trunk_tells_unasked(&mut self, incoming: IncomingId, flow: Flow, notify: &Request, now: Instant) {
        if !self.is_lamp(flow, notify) {
            let (status, reason) = (StatusCode::CALL_DOES_NOT_EXIST, "No Such Subscription");
            return self.turn_down(Side::Trunk, incoming, status, reason, now);
        }
        if notify.body.len() > MAX_BODY {
            return self.respond(Side::Trunk, incoming, StatusCode::REQUEST_ENTITY_TOO_LARGE, now);
        }
        match self.callee(notify, None) {
            Ok(callee) => self.pass_to_browser(incoming, callee, notify, headers::notification(&notify.headers), now),
            Err(Refusal { status, reason, .. }) => {
                self.turn_down(Side::Trunk, incoming, status, &reason.unwrap_or_default(), now);
            }
        }
    }

    fn is_lamp(&self, flow: Flow, notify: &Request) -> bool {
        let is_new = notify.headers.to().is_ok_and(|to| to.tag().is_none());
        let is_summary = notify.headers.parameterized(&HeaderName::Event).is_some_and(|event| event.is(PACKAGE));
        let binding = self.bindings.binding(notify.uri.user.as_deref().unwrap_or_default());
        let registrar = binding.and_then(|binding| binding.trunk?.remote);
        let is_registrars =
            registrar.is_some_and(|registrar| flow.remote.is_some_and(|from| from.ip() == registrar.ip()));
        is_new && is_summary && is_registrars
    }
}
