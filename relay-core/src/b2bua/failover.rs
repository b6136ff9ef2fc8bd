//! An INVITE that one address of a PBX does not answer goes to the next (RFC 3263 §4.3): after 503, after no answer, after
//! a failed connection. The browser does not notice.

use super::B2bua;
use super::call::{Call, Calling, Preparing, Stage};
use super::routes::Target;
use crate::media::control::{MediaCommand, MediaId, Side};
use core::net::SocketAddr;
use sip_core::Instant;
use sip_core::agent::{End, Failure, SessionState};
use sip_core::message::Response;

impl B2bua {
    /// The trunk leg ended before it answered. True if the next address is being called.
    pub(super) fn fails_over(&mut self, id: MediaId, end: &End, now: Instant) -> bool {
        let Some(Call { stage: Stage::Calling(calling), .. }) = self.calls.call(id) else { return false };
        let target = calling.target;
        if !is_failure_of_target(end) {
            if end.response.is_some() {
                self.target_answered(target);
            }
            return false;
        }
        self.give_up_on(id, target, end.response.as_deref(), now)
    }

    fn give_up_on(&mut self, id: MediaId, target: Target, response: Option<&Response>, now: Instant) -> bool {
        let fault = self.target_failed(target, response, now);
        let Some(call) = self.calls.call_mut(id) else { return false };
        call.fault = fault;
        let has_more = matches!(&call.stage, Stage::Calling(calling) if !calling.route.is_empty());
        if has_more {
            self.call_next(id, now);
        }
        has_more
    }

    fn call_next(&mut self, id: MediaId, now: Instant) {
        let Some(call) = self.calls.call_mut(id) else { return };
        let Stage::Calling(calling) = core::mem::replace(&mut call.stage, Stage::Ending) else { return };
        let Calling { request, offer, next_hop, route, untold, answer, .. } = *calling;
        let (route, told) = (Some(route), untold.is_none().then_some(answer));
        self.call_again(id, Preparing { request, offer, next_hop, route, told, undecided: None }, now);
    }

    /// Calls another address. What the one before had of time says nothing of this one.
    pub(super) fn call_again(&mut self, id: MediaId, preparing: Preparing, now: Instant) {
        self.calls.set_deadline(id, None);
        self.set_stage(id, Stage::Preparing(Box::new(preparing)));
        self.dial_if_ready(id, now);
    }

    /// Where there are other addresses, this one has only so long to say something.
    pub(super) fn watch(&mut self, id: MediaId, now: Instant) {
        let Some(Call { stage: Stage::Calling(calling), .. }) = self.calls.call(id) else { return };
        let patience = (!calling.route.is_empty()).then(|| now + self.patience(calling.target));
        if patience.is_some() {
            self.calls.set_deadline(id, patience);
        }
    }

    /// A call's deadline while it is calling the PBX. False if it means something else.
    pub(super) fn target_is_late(&mut self, id: MediaId, now: Instant) -> bool {
        let Some(call) = self.calls.call(id) else { return false };
        let Stage::Calling(calling) = &call.stage else { return false };
        let (target, trunk, has_more) = (calling.target, call.trunk, !calling.route.is_empty());
        let state = trunk.and_then(|session| self.trunk.session(session)).map(|session| session.state);
        if state != Some(SessionState::Calling) || !has_more {
            // 100 Trying is an answer, though nobody tells of it.
            return has_more;
        }
        if let Some(session) = trunk {
            // It ends by itself: by CANCEL or BYE if the address does answer some time.
            self.calls.detach(Side::Trunk, session);
            let told = self.trunk.hang_up(session, None, now);
            Self::note(told, "hang_up");
        }
        self.give_up_on(id, target, None, now)
    }

    /// The address answered: it is the one.
    pub(super) fn settle_on_target(&mut self, id: MediaId, now: Instant) {
        self.guess_of_answered(id, false, now);
        let Some(Call { stage: Stage::Calling(calling), .. }) = self.calls.call_mut(id) else { return };
        let (target, is_watched) = (calling.target, !calling.route.is_empty());
        if is_watched {
            self.calls.set_deadline(id, None);
        }
        self.target_answered(target);
    }

    /// The address is of another family than our RTP ports: others are opened, and `Opened` comes again.
    pub(super) fn move_media(&mut self, id: MediaId, toward: SocketAddr) {
        if let Some(call) = self.calls.call_mut(id) {
            call.room = None;
        }
        self.media(MediaCommand::MoveTrunk { id, is_ipv6: toward.is_ipv6() });
    }
}

/// Whether another address may do better. A refusal is one everywhere; 503 means this server alone (RFC 3261 §21.5.4).
fn is_failure_of_target(end: &End) -> bool {
    match (&end.response, &end.failure) {
        (Some(response), _) => response.status.as_u16() == 503,
        (None, Some(Failure::Timeout | Failure::TransportFailed)) => true,
        (None, _) => false,
    }
}
