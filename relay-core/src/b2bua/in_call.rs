//! New descriptions inside an established call: hold, resume, other addresses and codecs, ICE restarts (RFC 3264 §8).
//!
//! What each party wants, its [`Talk::wishes`], is known from its last description. An offer that changes the wish is
//! put to the other leg, and answered only when the other party has answered, or with its refusal: nobody is told of a
//! hold that is none. All else concerns one leg alone and is answered there. Media gets what both wish.

use super::B2bua;
use super::call::{Asked, Call, Crossing, Stage, Talk, other};
use super::guards;
use super::headers::{self, Rows};
use super::outbound::not_acceptable;
use super::sdp_bridge::{self, SdpFault, TrunkSdp};
use crate::media::control::{Direction, IceCredentials, MediaCommand, MediaId, Side};
use sip_core::agent::SessionId;
use sip_core::message::{Method, Request, StatusCode};
use sip_core::{Duration, Instant};

/// The other party may take so long to answer before the one that asks is told so; it may ask again.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why an offer was not answered at once.
enum Deferred {
    /// The other leg has it now.
    Crossed,
    Refused(StatusCode),
}

/// The refusal of an offer, and what its headers say: what to try again with, or when.
pub(super) type Refused = (StatusCode, Rows);

/// How an offer is put to the other leg.
struct Means {
    method: Method,
    /// The browser's, which it has made for the PBX and for this method.
    credentials: Rows,
}

impl Means {
    fn of(request: &Request) -> Self {
        let credentials = headers::to_trunk_request(&request.headers);
        match credentials.is_empty() {
            true => Self::default(),
            false => Self { method: request.method.clone(), credentials },
        }
    }
}

impl Default for Means {
    fn default() -> Self {
        Self { method: Method::Invite, credentials: Rows::new() }
    }
}

impl From<SdpFault> for Deferred {
    fn from(fault: SdpFault) -> Self {
        Self::Refused(not_acceptable(fault).status)
    }
}

impl B2bua {
    /// A re-INVITE or UPDATE from one side.
    pub(super) fn offered(
        &mut self,
        id: MediaId,
        side: Side,
        session: SessionId,
        (offer, request): (Option<&str>, &Request),
        now: Instant,
    ) {
        let by = match side {
            Side::Web => Means::of(request),
            Side::Trunk => Means::default(),
        };
        let result = match offer {
            Some(offer) => self.consider(id, side, offer, by, now),
            None => self.describe_again(id, side).ok_or(Deferred::Refused(StatusCode::NOT_ACCEPTABLE_HERE)),
        };
        match result {
            Err(Deferred::Crossed) => {}
            Ok(answer) => self.settle_offer(id, side, session, Ok(answer), now),
            Err(Deferred::Refused(status)) => self.settle_offer(id, side, session, Err(status), now),
        }
    }

    fn settle_offer(
        &mut self,
        id: MediaId,
        side: Side,
        session: SessionId,
        result: Result<String, StatusCode>,
        now: Instant,
    ) {
        if let Err(status) = result {
            tracing::debug!(call = id.0, ?side, status = status.as_u16(), "a new description was refused");
        }
        let told = self.agent(side).answer_offer(session, result, now);
        Self::note(told, "answer_offer");
    }

    /// Answers an offer, or puts it to the other leg.
    fn consider(&mut self, id: MediaId, side: Side, offer: &str, by: Means, now: Instant) -> Result<String, Deferred> {
        let terms = self.terms(id);
        let talk = self.talk(id).ok_or(SdpFault::NoAudio)?;
        let asked = match (side, &talk.trunk) {
            (Side::Web, _) => Asked::Web(talk.web.offer_again(offer)?),
            (Side::Trunk, Some(before)) => Asked::Trunk(before.offer_again(offer)?),
            (Side::Trunk, None) => Asked::Trunk(TrunkSdp::offer(offer, &terms)?),
        };
        let wish = asked.wish();
        let is_trunk_off = side == Side::Web && talk.trunk.as_ref().is_some_and(|trunk| trunk.is_off);
        if wish != talk.wishes.of(side) && !is_trunk_off {
            if !by.credentials.is_empty() {
                self.guard_guess_of(id, now).map_err(|refusal| Deferred::Refused(refusal.status))?;
            }
            return self.put_to((other(side), by), id, wish.mirrored(), Some(asked), now);
        }
        self.agree(id, side, asked).ok_or_else(|| SdpFault::NoAudio.into())
    }

    /// Offers a direction to a leg, for a party that waits for the answer or for nobody.
    fn put_to(
        &mut self,
        (target, by): (Side, Means),
        id: MediaId,
        offered: Direction,
        asked: Option<Asked>,
        now: Instant,
    ) -> Result<String, Deferred> {
        let busy = || Deferred::Refused(StatusCode::REQUEST_PENDING);
        let session = self.calls.call(id).and_then(|call| call.leg(target)).ok_or_else(busy)?;
        let talk = self.talk(id).ok_or_else(busy)?;
        if talk.crossing.is_some() {
            return Err(busy());
        }
        let sdp = self.describe(id, target, offered).ok_or_else(busy)?;
        // Refused where the other side's own offer is open: as if the two had met on one wire (RFC 3261 §14.2).
        let has_asker = asked.is_some();
        let agent = self.agent(target);
        let offered_now = if has_asker {
            agent.offer_with(session, (by.method, sdp), by.credentials, now)
        } else {
            agent.offer(session, sdp, now)
        };
        offered_now.map_err(|_| busy())?;
        if let Some(talk) = self.talk(id) {
            talk.crossing = Some(Box::new(Crossing { target, offered, asked }));
        }
        self.calls.set_deadline(id, has_asker.then(|| now + PATIENCE));
        Err(Deferred::Crossed)
    }

    /// An answer: to what was put to this leg, or to the offer that this side had asked us for.
    pub(super) fn answered(&mut self, id: MediaId, side: Side, result: Result<Option<String>, Refused>, now: Instant) {
        if side == Side::Trunk {
            let is_wrong =
                matches!(&result, Err((status, rows)) if guards::asks_again(*status, &rows.iter().cloned().collect()));
            self.guess_of_answered(id, is_wrong, now);
        }
        let Some(talk) = self.talk(id) else { return };
        let offered = talk.wishes.of(other(side)).mirrored();
        let crossing = talk.crossing.take_if(|crossing| crossing.target == side);
        let Some(crossing) = crossing else {
            if let Ok(Some(answer)) = result {
                self.note_answer(id, side, &answer, offered);
            }
            return self.catch_up(id, now);
        };
        self.calls.set_deadline(id, None);
        let refusal = match result {
            Ok(answer) => {
                let text = answer.as_deref().unwrap_or_default();
                let taken = self.note_answer(id, side, text, crossing.offered);
                (!taken).then(|| bare(StatusCode::NOT_ACCEPTABLE_HERE))
            }
            // To the side that asks these would say that its own dialog is gone.
            Err((StatusCode::REQUEST_TIMEOUT | StatusCode::CALL_DOES_NOT_EXIST, _)) => {
                Some(bare(StatusCode::SERVER_TIMEOUT))
            }
            Err(refused) => Some(refused),
        };
        let is_taken = refusal.is_none();
        if let Some(asked) = crossing.asked {
            self.tell_asker(id, other(side), asked, refusal, now);
        }
        if is_taken {
            self.catch_up(id, now);
        }
    }

    pub(super) fn tell_asker(&mut self, id: MediaId, side: Side, asked: Asked, refusal: Option<Refused>, now: Instant) {
        let Some(session) = self.calls.call(id).and_then(|call| call.leg(side)) else { return };
        let before = self.talk(id).map(|talk| talk.wishes);
        let result = match refusal {
            Some(refused) => Err(refused),
            None => self.agree(id, side, asked).ok_or_else(|| bare(StatusCode::NOT_ACCEPTABLE_HERE)),
        };
        let told = match result {
            Ok(answer) => self.agent(side).answer_offer(session, Ok(answer), now),
            Err((status, rows)) => self.agent(side).refuse_offer(session, status, rows, now),
        };
        // Who took the offer back meanwhile wants what it wanted before.
        if let (Err(_), Some(before), Some(talk)) = (&told, before, self.talk(id)) {
            talk.wishes.set(side, before.of(side));
            self.tell_media(id);
        }
        Self::note(told, "answer_offer");
    }

    /// The party that was asked is silent: who asks is told so. The answer may still come.
    pub(super) fn crossing_timeout(&mut self, id: MediaId, now: Instant) {
        let Some(talk) = self.talk(id) else { return };
        let Some(crossing) = &mut talk.crossing else { return };
        let side = other(crossing.target);
        if let Some(asked) = crossing.asked.take() {
            self.tell_asker(id, side, asked, Some(bare(StatusCode::SERVER_TIMEOUT)), now);
        }
    }

    /// Offers to each leg what its description does not say yet of the other party's wishes.
    pub(super) fn catch_up(&mut self, id: MediaId, now: Instant) {
        for side in [Side::Web, Side::Trunk] {
            let Some(talk) = self.talk(id) else { return };
            let due = talk.wishes.of(other(side)).mirrored();
            let is_off = side == Side::Trunk && talk.trunk.as_ref().is_none_or(|trunk| trunk.is_off);
            if talk.told.of(side) != due && !is_off {
                // Where the leg is busy now, its next event brings us here again.
                let _ = self.put_to((side, Means::default()), id, due, None, now);
            }
        }
    }

    /// The PBX's answer to an offer that went out with a 200.
    pub(super) fn trunk_describes(&mut self, id: MediaId, answer: &str, now: Instant) {
        let offered = self.talk(id).map(|talk| talk.told.of(Side::Trunk));
        if !self.note_answer(id, Side::Trunk, answer, offered.unwrap_or(Direction::SENDRECV)) {
            tracing::info!(call = id.0, "the PBX's late answer cannot be used");
        }
        self.catch_up(id, now);
    }

    /// Agrees to an offer of this side and writes the answer.
    pub(super) fn agree(&mut self, id: MediaId, side: Side, asked: Asked) -> Option<String> {
        self.restart_ice(id, &asked);
        let talk = self.talk(id)?;
        talk.wishes.set(side, asked.wish());
        let due = talk.wishes.of(other(side)).mirrored();
        talk.told.set(side, due);
        let direction = asked.wish().and(due);
        talk.take(asked);
        self.tell_media(id);
        let call = self.calls.call_mut(id)?;
        let room = call.room.as_ref()?;
        let Stage::Talking(talk) = &call.stage else { return None };
        Some(match side {
            Side::Web => call.described.web.next(id.0, |at| talk.web.write_answer(room, &call.ice, at, direction)),
            Side::Trunk => {
                let trunk = talk.trunk.as_ref()?;
                call.described.trunk.next(id.0, |at| trunk.write_answer(room.trunk, at, direction))
            }
        })
    }

    /// An answer of this side to an offer of ours. False when it cannot be used; all stays as it was.
    fn note_answer(&mut self, id: MediaId, side: Side, answer: &str, offered: Direction) -> bool {
        let terms = self.terms(id);
        let Some(talk) = self.talk(id) else { return false };
        let read = match (side, &talk.trunk) {
            (Side::Web, _) => talk.web.answer_again(answer).map(Asked::Web),
            (Side::Trunk, Some(before)) => before.answer_again(answer).map(Asked::Trunk),
            (Side::Trunk, None) => TrunkSdp::answer(answer, &terms).map(Asked::Trunk),
        };
        let asked = match read {
            Ok(asked) => asked,
            Err(fault) => {
                tracing::info!(call = id.0, ?side, fault = fault.text(), "an answer cannot be used");
                return false;
            }
        };
        // An answer says nothing about what was not offered.
        let (before, said) = (talk.wishes.of(side), asked.wish());
        let send = if offered.send { said.send } else { before.send };
        let receive = if offered.receive { said.receive } else { before.receive };
        talk.wishes.set(side, Direction { send, receive });
        talk.told.set(side, offered);
        talk.take(asked);
        self.tell_media(id);
        true
    }

    /// An offer of our own, of what both sides wish as far as we know.
    fn describe_again(&mut self, id: MediaId, side: Side) -> Option<String> {
        let talk = self.talk(id)?;
        let due = talk.wishes.of(other(side)).mirrored();
        talk.told.set(side, due);
        self.describe(id, side, due)
    }

    fn describe(&mut self, id: MediaId, side: Side, direction: Direction) -> Option<String> {
        let call = self.calls.call_mut(id)?;
        let room = call.room.as_ref()?;
        let Stage::Talking(talk) = &call.stage else { return None };
        Some(match (side, &talk.trunk) {
            (Side::Web, _) => call.described.web.next(id.0, |at| talk.web.write_offer(room, &call.ice, at, direction)),
            (Side::Trunk, Some(trunk)) => {
                call.described.trunk.next(id.0, |at| trunk.write_offer(room.trunk, at, direction))
            }
            (Side::Trunk, None) => {
                call.described.trunk.next(id.0, |at| sdp_bridge::trunk_offer(room.trunk, &call.terms, at, direction))
            }
        })
    }

    /// Other credentials of the browser's restart ICE: ours change with them (RFC 8445 §9). Media keeps the old ones
    /// as well until the browser has moved.
    fn restart_ice(&mut self, id: MediaId, asked: &Asked) {
        let Asked::Web(web) = asked else { return };
        let fresh = IceCredentials { ufrag: self.entropy.token(8), pwd: self.entropy.token(26) };
        let Some(call) = self.calls.call_mut(id) else { return };
        let Stage::Talking(talk) = &call.stage else { return };
        if talk.web.remote.ice != web.remote.ice {
            call.ice = fresh.clone();
            self.media(MediaCommand::RestartIce { id, local: fresh });
        }
    }

    /// Media follows what both parties wish.
    fn tell_media(&mut self, id: MediaId) {
        let Some(talk) = self.talk(id) else { return };
        let trunk_way = talk.wishes.trunk.and(talk.wishes.web.mirrored());
        let mut web = talk.web.remote.clone();
        web.direction = trunk_way.mirrored();
        let trunk = talk.trunk.as_ref().map(|trunk| (trunk.remote.clone(), trunk.opus()));
        self.media(MediaCommand::Web { id, remote: web });
        if let Some((mut remote, opus)) = trunk {
            if let Some(room) = self.calls.call_mut(id).and_then(|call| call.room.as_mut()) {
                room.opus = opus;
            }
            remote.direction = trunk_way;
            self.tell_trunk(id, remote);
        }
    }

    pub(super) fn talk(&mut self, id: MediaId) -> Option<&mut Talk> {
        match self.calls.call_mut(id) {
            Some(Call { stage: Stage::Talking(talk), .. }) => Some(talk),
            _ => None,
        }
    }
}

fn bare(status: StatusCode) -> Refused {
    (status, Rows::new())
}
