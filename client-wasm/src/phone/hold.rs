//! Hold and resume (RFC 3264 §8.4): asked for by an offer, and true once the other side has answered it.
//!
//! A hold that is refused is none: the descriptions are rolled back and the sound goes on. Who is held by the other side
//! is told too; it stops nothing of ours, since the browser sends what was agreed.

use sip_core::message::StatusCode;

use super::call::{Call, Negotiation, Stage};
use super::{Output, Phone};
use crate::errors;
use crate::types::{CoreEvent, ErrorCode, ErrorInfo};

/// Who holds whom in one call.
#[derive(Default)]
pub(super) struct Hold {
    pub(super) local: bool,
    pub(super) remote: bool,
    /// What the page asks for, until its result is told.
    wanted: Option<bool>,
    /// What the other side's description will mean once it is agreed to.
    announced: Option<bool>,
}

impl Hold {
    /// The direction we want: a held side gets no microphone, but may get music.
    const fn wish(&self) -> &'static str {
        if self.local { SENDONLY } else { SENDRECV }
    }
}

const SENDRECV: &str = "sendrecv";
const SENDONLY: &str = "sendonly";
const INACTIVE: &str = "inactive";

impl Phone {
    /// Holds or resumes a call. `HoldResult` follows.
    pub(crate) fn set_held(&mut self, id: u32, held: bool) -> Result<(), Box<ErrorInfo>> {
        let refused = |message: &str| ErrorInfo::with_message(ErrorCode::WrongState, message);
        let call = self.calls.get_mut(id).ok_or_else(|| refused("This call is over."))?;
        if !matches!(call.stage, Stage::Active { .. }) {
            return Err(refused("A call can be held once it is answered."));
        }
        if call.hold.wanted.is_some() {
            return Err(refused("The last hold or resume is not done yet."));
        }
        call.hold.wanted = Some(held);
        if call.hold.local == held {
            self.tell_hold_result(id, None);
        } else {
            self.begin_hold(id);
        }
        Ok(())
    }

    /// Makes the offer that the page waits for, as soon as no other description is under way.
    pub(super) fn begin_hold(&mut self, id: u32) {
        let Some(call) = self.calls.get_mut(id) else { return };
        let (Some(held), Stage::Active { negotiation: negotiation @ Negotiation::None, .. }) =
            (call.hold.wanted, &mut call.stage)
        else {
            return;
        };
        *negotiation = Negotiation::Making;
        // What only sent before is made inactive by the other side's own hold (RFC 3264 §8.4).
        let way = match (held, call.hold.remote) {
            (false, _) => SENDRECV,
            (true, false) => SENDONLY,
            (true, true) => INACTIVE,
        };
        self.out.push_back(Output::SetWay { call: id, way });
        self.out.push_back(Output::MakeOffer { call: id, fresh: false });
    }

    /// Offers the call anew, as the peer connection describes it now: after `restartIce` on another path (RFC 8445 §9).
    pub(crate) fn renegotiate(&mut self, id: u32) -> Result<(), Box<ErrorInfo>> {
        let refused = |message: &str| ErrorInfo::with_message(ErrorCode::WrongState, message);
        let call = self.calls.get_mut(id).ok_or_else(|| refused("This call is over."))?;
        let Stage::Active { negotiation: negotiation @ Negotiation::None, .. } = &mut call.stage else {
            return Err(refused("A call can be offered anew while both sides talk and nothing else is agreed on."));
        };
        *negotiation = Negotiation::Making;
        call.renews = true;
        self.set_wish(id);
        self.out.push_back(Output::MakeOffer { call: id, fresh: false });
        Ok(())
    }

    /// The other side, or the browser, does not agree to what was offered anew: the call goes on as it was. Returns whether
    /// that was under way.
    pub(super) fn gives_up_renewal(&mut self, id: u32) -> bool {
        let Some(call) = self.calls.get_mut(id) else { return false };
        if !core::mem::take(&mut call.renews) {
            return false;
        }
        if let Stage::Active { negotiation, .. } = &mut call.stage {
            *negotiation = Negotiation::None;
        }
        self.out.push_back(Output::RollBack { call: id });
        self.begin_hold(id);
        true
    }

    /// Whether the offer under way is for a hold or resume of the page's.
    pub(super) fn is_holding(&self, id: u32) -> bool {
        self.calls.get(id).is_some_and(|call| call.hold.wanted.is_some() && !call.renews)
    }

    /// The other side agreed.
    pub(super) fn finish_hold(&mut self, id: u32, answer: &str) {
        let Some(call) = self.calls.get_mut(id) else { return };
        let before = (call.hold.local, call.hold.remote);
        call.hold.local = call.hold.wanted.unwrap_or(call.hold.local);
        // Who is held cannot say in its answer whether it holds us as well.
        if !call.hold.local {
            call.hold.remote = super::call::is_hold(answer);
        }
        let way = call.hold.wish();
        self.out.push_back(Output::SetWay { call: id, way });
        self.tell_hold(id, before);
        self.tell_hold_result(id, None);
    }

    /// The other side refused, or the browser could not make the offer: all is as it was.
    pub(super) fn fail_hold(&mut self, id: u32, error: Box<ErrorInfo>) {
        let Some(call) = self.calls.get_mut(id) else { return };
        if let Stage::Active { negotiation, .. } = &mut call.stage {
            *negotiation = Negotiation::None;
        }
        let way = call.hold.wish();
        self.out.push_back(Output::RollBack { call: id });
        self.out.push_back(Output::SetWay { call: id, way });
        self.tell_hold_result(id, Some(error));
    }

    pub(super) fn refuse_hold(&mut self, id: u32, status: StatusCode) {
        self.fail_hold(id, errors::change(status.as_u16()));
    }

    /// The other side's offer met ours and goes first; ours is made again afterwards.
    pub(super) fn yield_hold(&mut self, id: u32) -> bool {
        let Some(call) = self.calls.get_mut(id) else { return false };
        let Stage::Active { session, negotiation: negotiation @ Negotiation::Ours } = &mut call.stage else {
            return false;
        };
        if call.hold.wanted.is_none() || !self.agent.withdraw_offer(*session) {
            return false;
        }
        *negotiation = Negotiation::None;
        self.out.push_back(Output::RollBack { call: id });
        true
    }

    /// The other side described itself; what that means is true once both have agreed.
    pub(super) fn note_description(&mut self, id: u32, sdp: &str) {
        let Some(call) = self.calls.get_mut(id) else { return };
        call.hold.announced = Some(super::call::is_hold(sdp));
    }

    /// What our answer to an offer in the call will allow: what we want, whatever we offered before.
    pub(super) fn set_wish(&mut self, id: u32) {
        if let Some(call) = self.calls.get(id) {
            self.out.push_back(Output::SetWay { call: id, way: call.hold.wish() });
        }
    }

    /// Another other side holds nobody and is held by nobody.
    pub(super) fn reset_hold(&mut self, id: u32) {
        let Some(call) = self.calls.get_mut(id) else { return };
        let before = (call.hold.local, call.hold.remote);
        (call.hold.local, call.hold.remote) = (false, false);
        self.tell_hold(id, before);
    }

    /// Both sides agreed to what was noted.
    pub(super) fn settle_description(&mut self, id: u32) {
        if let Some(call) = self.calls.get_mut(id) {
            let before = (call.hold.local, call.hold.remote);
            call.hold.remote = call.hold.announced.take().unwrap_or(call.hold.remote);
            self.tell_hold(id, before);
        }
        self.begin_hold(id);
    }

    fn tell_hold(&mut self, id: u32, before: (bool, bool)) {
        let Some(Call { hold: Hold { local, remote, .. }, muted, .. }) = self.calls.get(id) else { return };
        let (local, remote, muted) = (*local, *remote, *muted);
        if before == (local, remote) {
            return;
        }
        if before.0 != local {
            self.out.push_back(Output::SetMuted { call: id, muted: muted || local });
        }
        self.out.push_back(Output::Event(CoreEvent::HoldChange { call: id, local, remote }));
    }

    fn tell_hold_result(&mut self, id: u32, error: Option<Box<ErrorInfo>>) {
        if let Some(call) = self.calls.get_mut(id) {
            call.hold.wanted = None;
            self.out.push_back(Output::Event(CoreEvent::HoldResult { call: id, error }));
        }
    }
}
