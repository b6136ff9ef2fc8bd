//! The calls there are, found by leg and by media.

use super::call::Call;
use crate::media::control::{MediaId, Side};
use core::ops::Bound;
use sip_core::agent::SessionId;
use sip_core::{Duration, Flow, Instant};
use std::collections::{BTreeMap, BTreeSet};

/// All calls that are not over.
#[derive(Debug, Default)]
pub(super) struct Calls {
    by_media: BTreeMap<MediaId, Call>,
    by_web: BTreeMap<SessionId, MediaId>,
    by_trunk: BTreeMap<SessionId, MediaId>,
    deadlines: BTreeSet<(Instant, MediaId)>,
    challenged: BTreeMap<Attempt, Challenged>,
    last: u64,
}

/// A browser's call attempt: the Call-ID and From tag that a repeated INVITE with credentials keeps (RFC 3261 §8.1.3.5).
pub(super) type Attempt = (String, String);

/// The trunk leg that a PBX challenged: the next INVITE is its continuation.
#[derive(Clone, Debug)]
pub(super) struct Challenged {
    pub(super) call_id: String,
    pub(super) from_tag: String,
    pub(super) cseq: u32,
    /// Where it went: the answer to its challenge goes there too.
    pub(super) flow: Flow,
    until: Instant,
}

const CHALLENGE_MEMORY: Duration = Duration::from_secs(64);
const MAX_CHALLENGED: usize = 10_000;

impl Calls {
    pub(super) fn len(&self) -> usize {
        self.by_media.len()
    }

    pub(super) fn next_id(&mut self) -> MediaId {
        self.last += 1;
        MediaId(self.last)
    }

    pub(super) fn insert(&mut self, call: Call) {
        let legs = (call.web, call.trunk);
        let id = call.media;
        self.by_media.insert(id, call);
        if let Some(web) = legs.0 {
            self.by_web.insert(web, id);
        }
        if let Some(trunk) = legs.1 {
            self.by_trunk.insert(trunk, id);
        }
    }

    pub(super) fn call(&self, id: MediaId) -> Option<&Call> {
        self.by_media.get(&id)
    }

    pub(super) fn call_mut(&mut self, id: MediaId) -> Option<&mut Call> {
        self.by_media.get_mut(&id)
    }

    /// Those with a higher number, the lowest first.
    pub(super) fn after(&self, id: MediaId) -> impl Iterator<Item = &Call> {
        self.by_media.range((Bound::Excluded(id), Bound::Unbounded)).map(|(_, call)| call)
    }

    pub(super) fn ids(&self) -> Vec<MediaId> {
        self.by_media.keys().copied().collect()
    }

    pub(super) fn of_leg(&self, side: Side, session: SessionId) -> Option<MediaId> {
        self.legs(side).get(&session).copied()
    }

    fn legs(&self, side: Side) -> &BTreeMap<SessionId, MediaId> {
        match side {
            Side::Web => &self.by_web,
            Side::Trunk => &self.by_trunk,
        }
    }

    fn legs_mut(&mut self, side: Side) -> &mut BTreeMap<SessionId, MediaId> {
        match side {
            Side::Web => &mut self.by_web,
            Side::Trunk => &mut self.by_trunk,
        }
    }

    pub(super) fn attach(&mut self, id: MediaId, side: Side, session: SessionId) {
        if let Some(call) = self.by_media.get_mut(&id) {
            *call.leg_mut(side) = Some(session);
            self.legs_mut(side).insert(session, id);
        }
    }

    pub(super) fn detach(&mut self, side: Side, session: SessionId) -> Option<MediaId> {
        let id = self.legs_mut(side).remove(&session)?;
        if let Some(call) = self.by_media.get_mut(&id) {
            *call.leg_mut(side) = None;
        }
        Some(id)
    }

    pub(super) fn remove(&mut self, id: MediaId) -> Option<Call> {
        let call = self.by_media.remove(&id)?;
        for side in [Side::Web, Side::Trunk] {
            if let Some(session) = call.leg(side) {
                self.legs_mut(side).remove(&session);
            }
        }
        if let Some(at) = call.deadline {
            self.deadlines.remove(&(at, id));
        }
        Some(call)
    }

    /// The moment by which the call must have come further; none takes it back.
    pub(super) fn set_deadline(&mut self, id: MediaId, at: Option<Instant>) {
        let Some(call) = self.by_media.get_mut(&id) else {
            return;
        };
        if let Some(before) = core::mem::replace(&mut call.deadline, at) {
            self.deadlines.remove(&(before, id));
        }
        self.deadlines.extend(at.map(|at| (at, id)));
    }

    pub(super) fn pop_due(&mut self, now: Instant) -> Option<MediaId> {
        let (at, id) = *self.deadlines.first()?;
        if at > now {
            return None;
        }
        self.deadlines.pop_first();
        Some(id)
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Remembers a challenged trunk leg for the INVITE that answers the challenge.
    pub(super) fn remember(&mut self, attempt: Attempt, trunk: (String, String, u32), flow: Flow, now: Instant) {
        if self.challenged.len() >= MAX_CHALLENGED {
            self.challenged.retain(|_, challenged| challenged.until > now);
        }
        if self.challenged.len() < MAX_CHALLENGED {
            let (call_id, from_tag, cseq) = trunk;
            let challenged = Challenged { call_id, from_tag, cseq, flow, until: now + CHALLENGE_MEMORY };
            self.challenged.insert(attempt, challenged);
        }
    }

    /// Where the challenged trunk leg went that this attempt continues.
    pub(super) fn challenged_at(&self, attempt: &Attempt) -> Option<Flow> {
        self.challenged.get(attempt).map(|challenged| challenged.flow)
    }

    /// Whether the PBX has challenged this attempt, and has not seen an answer to that.
    pub(super) fn is_challenged_once(&self, attempt: &Attempt) -> bool {
        self.challenged.get(attempt).is_some_and(|challenged| challenged.cseq == 1)
    }

    /// The challenged trunk leg that this attempt continues.
    pub(super) fn recall(&mut self, attempt: &Attempt, now: Instant) -> Option<Challenged> {
        self.challenged.remove(attempt).filter(|challenged| challenged.until > now)
    }
}
