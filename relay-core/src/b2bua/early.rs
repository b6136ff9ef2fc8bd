//! Descriptions before both legs talk: of a browser that calls without an offer (RFC 3261 §13.2.1), and those that a
//! party changes by UPDATE while it rings (RFC 3311).
//!
//! A browser that offers nothing is offered what any called browser is; the PBX hears no difference. The browser's
//! answer comes with its PRACK or its ACK.

use super::B2bua;
use super::call::{Call, MediaRoom, Stage, Talk, Ways};
use super::outbound::not_acceptable;
use super::sdp_bridge::{self, SdpFault, TrunkSdp, WebSdp};
use crate::media::control::{Direction, MediaCommand, MediaId, Side};
use sip_core::Instant;
use sip_core::agent::SessionId;
use sip_core::message::Reason;

impl Call {
    /// Whether the browser called without an offer and has not answered ours yet.
    pub(super) const fn awaits_browser(&self) -> bool {
        match &self.stage {
            Stage::Calling(calling) => calling.offer.is_none(),
            Stage::Describing(_) => true,
            _ => false,
        }
    }

    /// What a browser that calls gets in each of our responses: the answer to its offer, or ours.
    pub(super) fn describe_to_browser(&mut self, offer: Option<&WebSdp>, room: &MediaRoom) -> String {
        let (id, ice) = (self.media.0, &self.ice);
        let both = Direction::SENDRECV;
        self.described.web.next(id, |at| match offer {
            Some(offer) => offer.write_answer(room, ice, at, offer.remote.direction),
            None => sdp_bridge::web_offer(room, ice, at, both),
        })
    }
}

impl B2bua {
    /// The browser's answer to our offer.
    pub(super) fn browser_describes(&mut self, id: MediaId, answer: &str, now: Instant) {
        let web = match WebSdp::answer(answer) {
            Ok(web) => web,
            Err(fault) => return self.end_both(id, not_acceptable(fault), Reason::q850(88, fault.text()), now),
        };
        self.media(MediaCommand::Web { id, remote: web.remote.clone() });
        let Some(call) = self.calls.call_mut(id) else { return };
        match core::mem::replace(&mut call.stage, Stage::Ending) {
            Stage::Calling(mut calling) => {
                calling.offer = Some(web);
                call.stage = Stage::Calling(calling);
            }
            Stage::Describing(trunk) => {
                let told = Ways { web: Direction::SENDRECV, trunk: Direction::SENDRECV };
                call.stage = Stage::Talking(Box::new(Talk::new(web, Some(*trunk), told)));
                self.catch_up(id, now);
            }
            other => call.stage = other,
        }
    }

    /// An offer of a party while the called one rings. Each leg is answered by itself.
    pub(super) fn offered_early(
        &mut self,
        id: MediaId,
        side: Side,
        session: SessionId,
        offer: Option<&str>,
        now: Instant,
    ) {
        let result = match (side, offer) {
            (Side::Trunk, Some(offer)) => self.trunk_offers_early(id, offer),
            (Side::Web, Some(offer)) => self.browser_offers_early(id, offer),
            (_, None) => Err(SdpFault::NoAudio),
        };
        let result = result.map_err(|fault| not_acceptable(fault).status);
        let told = self.agent(side).answer_offer(session, result, now);
        Self::note(told, "answer_offer");
    }

    fn trunk_offers_early(&mut self, id: MediaId, offer: &str) -> Result<String, SdpFault> {
        let call = self.calls.call_mut(id).ok_or(SdpFault::NoAudio)?;
        let (Some(room), Stage::Calling(calling)) = (&call.room, &mut call.stage) else {
            return Err(SdpFault::NoAudio);
        };
        let sdp = TrunkSdp::offer(offer, &call.terms)?;
        let remote = sdp.remote.clone();
        let answer = call.described.trunk.next(id.0, |at| sdp.write_answer(room.trunk, at, remote.direction));
        calling.early = Some(sdp);
        self.tell_trunk(id, remote);
        Ok(answer)
    }

    /// Other keys would be another connection, which needs a new call as long as this one rings.
    fn browser_offers_early(&mut self, id: MediaId, offer: &str) -> Result<String, SdpFault> {
        let call = self.calls.call_mut(id).ok_or(SdpFault::NoAudio)?;
        let before = match &call.stage {
            Stage::Calling(calling) => calling.offer.as_ref(),
            Stage::Ringing { early, .. } => early.as_deref(),
            _ => None,
        };
        let before = before.ok_or(SdpFault::NoAudio)?;
        let sdp = before.offer_again(offer)?;
        if sdp.remote.ice != before.remote.ice {
            return Err(SdpFault::NoIce);
        }
        let (room, ice) = (call.room.as_ref().ok_or(SdpFault::NoAudio)?, &call.ice);
        let remote = sdp.remote.clone();
        let answer = call.described.web.next(id.0, |at| sdp.write_answer(room, ice, at, remote.direction));
        match &mut call.stage {
            Stage::Calling(calling) => {
                calling.answer.clone_from(&answer);
                calling.offer = Some(sdp);
                self.media(MediaCommand::Web { id, remote });
            }
            // Media is told when it answers.
            Stage::Ringing { early, .. } => *early = Some(Box::new(sdp)),
            _ => {}
        }
        Ok(answer)
    }
}
