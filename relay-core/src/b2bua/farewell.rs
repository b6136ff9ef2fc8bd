//! A browser's BYE: passed to the PBX, which may ask for credentials, and answered when the PBX has answered.
//!
//! A challenge goes back to the browser, whose next BYE brings what it asks for. Nobody waits for long: a PBX that does
//! not answer, and a browser that does not come again, end the call all the same.

use super::call::{Call, Stage};
use super::{B2bua, headers};
use crate::media::control::{MediaId, Side};
use sip_core::agent::{IncomingId, Reply, RequestId, SessionId};
use sip_core::message::{HeaderName, Headers, Method, Request, Response, StatusCode};
use sip_core::{Duration, Instant};

/// For the PBX's answer, and for the browser's second BYE.
const PATIENCE: Duration = Duration::from_secs(4);

/// A browser that hangs up.
#[derive(Debug)]
pub(super) struct Farewell {
    session: SessionId,
    bye: Box<Request>,
    /// None once it was challenged.
    incoming: Option<IncomingId>,
    /// The PBX has not answered ours.
    pub(super) is_told: bool,
}

impl B2bua {
    /// The browser's BYE.
    pub(super) fn browser_leaves(&mut self, incoming: IncomingId, session: SessionId, bye: Box<Request>, now: Instant) {
        let id = self.calls.of_leg(Side::Web, session);
        let trunk = id.and_then(|id| match self.calls.call(id) {
            Some(Call { stage: Stage::Talking(_), trunk: Some(trunk), .. }) => Some((id, *trunk)),
            _ => None,
        });
        let farewell = Farewell { session, bye, incoming: Some(incoming), is_told: false };
        let Some((id, trunk)) = trunk else {
            return self.let_go(&farewell, now);
        };
        let mut rows = headers::to_trunk_request(&farewell.bye.headers);
        let reasons = farewell.bye.headers.get_all(&HeaderName::Reason);
        rows.extend(reasons.map(|reason| (HeaderName::Reason, reason.to_owned())));
        match self.trunk.session_request(trunk, Method::Bye, rows, None, now) {
            Ok(sent) => {
                self.byes.insert(sent, id);
                if let Some(call) = self.calls.call_mut(id) {
                    call.record.ended_by = Some(Side::Web);
                    call.farewell = Some(Farewell { is_told: true, ..farewell });
                }
                self.calls.set_deadline(id, Some(now + PATIENCE));
            }
            Err(_) => self.let_go(&farewell, now),
        }
    }

    /// Digests name the Request-URI (RFC 7616 §3.4): where the PBX has asked for credentials and may do so again inside
    /// the call, the browser's requests name the PBX's Contact, which is where they go.
    pub(super) fn show_target(&mut self, id: MediaId, headers: &Headers) {
        let Some(Call { web: Some(web), stage: Stage::Calling(calling), .. }) = self.calls.call(id) else { return };
        let (web, was_challenged) = (*web, calling.trunk.2 > 1);
        if let (true, Ok(contacts)) = (was_challenged, headers.contacts())
            && let [contact] = contacts.list()
        {
            self.web.set_contact(web, contact.uri.clone());
        }
    }

    /// What the PBX said to the browser's BYE; none where it said nothing. False for another request.
    pub(super) fn bye_answered(
        &mut self,
        side: Side,
        request: RequestId,
        response: Option<&Response>,
        now: Instant,
    ) -> bool {
        let Some(id) = Some(request).filter(|_| side == Side::Trunk).and_then(|request| self.byes.remove(&request))
        else {
            return false;
        };
        let Some(Call { farewell: Some(farewell), .. }) = self.calls.call_mut(id) else {
            return true;
        };
        farewell.is_told = false;
        let challenge = response.filter(|response| matches!(response.status.as_u16(), 401 | 407));
        match (challenge, farewell.incoming.take()) {
            (Some(challenge), Some(incoming)) => {
                let mut reply = Reply::new(challenge.status);
                reply.headers = headers::to_web_response(&challenge.headers);
                self.calls.set_deadline(id, Some(now + PATIENCE));
                self.reply(Side::Web, incoming, reply, now);
            }
            (_, incoming) => {
                farewell.incoming = incoming;
                self.farewell_timeout(id, now);
            }
        }
        true
    }

    /// Nobody is waited for any longer. False where nobody was.
    pub(super) fn farewell_timeout(&mut self, id: MediaId, now: Instant) -> bool {
        let farewell = self.calls.call_mut(id).and_then(|call| {
            call.is_trunk_told = call.farewell.as_ref().is_some_and(|farewell| farewell.is_told);
            call.farewell.take()
        });
        let was_waiting = farewell.is_some();
        if let Some(farewell) = farewell {
            self.let_go(&farewell, now);
        }
        was_waiting
    }

    fn let_go(&mut self, farewell: &Farewell, now: Instant) {
        if let Some(incoming) = farewell.incoming {
            self.reply(Side::Web, incoming, Reply::new(StatusCode::OK), now);
        }
        self.web.end(farewell.session, &farewell.bye, now);
    }
}
