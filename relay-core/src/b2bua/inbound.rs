//! A PBX calls: its INVITE to a binding's Contact becomes an INVITE on the browser's WebSocket.

use super::call::{Call, CallDirection, MediaRoom, Stage, Talk, Ways};
use super::cause::Refusal;
use super::headers;
use super::outbound::{busy, not_acceptable, without_tag};
use super::routes;
use super::sdp_bridge::{self, TrunkSdp, WebSdp};
use super::terms::Terms;
use super::{B2bua, bindings};
use crate::media::control::{Direction, MediaCommand, MediaId, Side};
use sip_core::agent::{Invite, SessionId};
use sip_core::message::{Headers, NameAddr, Request, Response, StatusCode, Uri};
use sip_core::{Flow, Instant};

/// The browser that a call or a message is for.
pub(super) struct Callee {
    pub(super) flow: Flow,
    pub(super) contact: Uri,
    pub(super) aor: Uri,
}

impl B2bua {
    /// The PBX's INVITE.
    pub(super) fn trunk_calls(
        &mut self,
        (session, replaces): (SessionId, Option<SessionId>),
        request: Box<Request>,
        offer: Option<&str>,
        now: Instant,
    ) {
        match self.admit_inbound(&request, replaces, offer) {
            Ok(described) => self.prepare_inbound((session, replaces), request, described, now),
            Err(refusal) => self.refuse_trunk(session, refusal, now),
        }
    }

    fn admit_inbound(
        &mut self,
        request: &Request,
        replaces: Option<SessionId>,
        offer: Option<&str>,
    ) -> Result<(Option<TrunkSdp>, Terms), Refusal> {
        if replaces.is_none() && self.calls.len() >= self.config.max_calls {
            return Err(busy());
        }
        if replaces.is_none() {
            self.guard_drain()?;
        }
        routes::forwards(&request.headers)?;
        // A call of ours that comes back for a browser is a spiral through a proxy, for nobody it is a loop.
        let is_for_nobody = self.bindings.binding(request.uri.user.as_deref().unwrap_or_default()).is_none();
        if replaces.is_none() && is_for_nobody && self.trunk.has_looped(request) {
            return Err(Refusal::new(StatusCode::LOOP_DETECTED, "The Call Came Back To The Relay"));
        }
        let callee = self.callee(request, replaces)?;
        let terms = self.terms_toward(&callee);
        let offer = offer.map(|sdp| TrunkSdp::offer(sdp, &terms)).transpose().map_err(not_acceptable)?;
        Ok((offer, terms))
    }

    pub(super) fn callee(&self, request: &Request, replaces: Option<SessionId>) -> Result<Callee, Refusal> {
        if let Some(trunk) = replaces {
            let gone = || Refusal::new(StatusCode::CALL_DOES_NOT_EXIST, "The Browser Has No Such Call");
            return self.partner(trunk).ok_or_else(gone);
        }
        let token: bindings::Token = request.uri.user.clone().unwrap_or_default();
        let binding = self.bindings.binding(&token);
        let binding = binding.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "No Such Binding"))?;
        let present = binding.bound.as_ref().and_then(|bound| bound.flow.map(|flow| (bound, flow)));
        let away = || Refusal::new(StatusCode::TEMPORARILY_UNAVAILABLE, "The Browser Is Away");
        let (bound, flow) = present.ok_or_else(away)?;
        Ok(Callee { flow, contact: bound.contact.clone(), aor: bound.aor.clone() })
    }

    /// What is spoken with the PBX at which the browser is registered.
    fn terms_toward(&mut self, callee: &Callee) -> Terms {
        let trunk = self.next_hop(&callee.aor).map(|hop| hop.trunk);
        self.config.terms(trunk, &mut self.entropy)
    }

    /// The browser that has the call whose trunk leg this is.
    fn partner(&self, trunk: SessionId) -> Option<Callee> {
        let call = self.calls.call(self.calls.of_leg(Side::Trunk, trunk)?)?;
        let web = self.web.session(call.web?)?;
        Some(Callee { flow: web.flow, contact: web.remote_target?.clone(), aor: call.aor.clone()? })
    }

    fn prepare_inbound(
        &mut self,
        (trunk, replaces): (SessionId, Option<SessionId>),
        request: Box<Request>,
        (offer, terms): (Option<TrunkSdp>, Terms),
        now: Instant,
    ) {
        let mut call = self.new_call(CallDirection::Inbound, &request, now);
        call.trunk = Some(trunk);
        call.terms = terms;
        call.stage = Stage::PreparingInbound { request, offer, replaces };
        self.open(call);
    }

    /// Rings the browser once our ports are known.
    pub(super) fn ring_browser(&mut self, id: MediaId, now: Instant) {
        let trunk = self.calls.call(id).and_then(|call| call.trunk);
        let toward = trunk.and_then(|session| self.trunk.session(session)).and_then(|session| session.flow.remote);
        let Some(call) = self.calls.call_mut(id) else {
            return;
        };
        let Some(mut room) = call.room.take() else {
            return;
        };
        if let Some(toward) = toward.filter(|toward| toward.is_ipv4() != room.trunk.is_ipv4()) {
            return self.move_media(id, toward);
        }
        let Stage::PreparingInbound { request, offer, replaces } = core::mem::replace(&mut call.stage, Stage::Ending)
        else {
            return;
        };
        room.opus = offer.as_ref().map_or_else(|| call.terms.opus(), TrunkSdp::opus);
        call.room = Some(room.clone());
        let way = offer.as_ref().map_or(Direction::SENDRECV, |trunk| trunk.remote.direction).mirrored();
        let sdp = call.described.web.next(id.0, |at| sdp_bridge::web_offer(&room, &call.ice, at, way));
        match self.callee(&request, replaces) {
            Ok(callee) => {
                self.note_browser(id, &callee);
                let mut invite = web_invite(&request, callee, sdp);
                invite.headers.extend(self.config.pass_headers.rows(Side::Trunk, &request.headers));
                let rows = replaces.and_then(|trunk| self.replaces_for_browser(trunk, &request.headers));
                invite.headers.extend(rows.unwrap_or_default());
                self.invite_browser(id, invite, offer, now);
            }
            Err(refusal) => self.abandon(id, refusal, now),
        }
    }

    fn note_browser(&mut self, id: MediaId, callee: &Callee) {
        if let Some(call) = self.calls.call_mut(id) {
            call.aor = Some(callee.aor.clone());
        }
    }

    fn invite_browser(&mut self, id: MediaId, invite: Invite, offer: Option<TrunkSdp>, now: Instant) {
        match self.web.invite(invite, now) {
            Ok(session) => {
                self.calls.attach(id, Side::Web, session);
                self.set_stage(id, Stage::Ringing { offer, early: None });
                self.calls.set_deadline(id, Some(now + self.config.ring_timeout));
            }
            Err(error) => self.abandon(id, Refusal::new(StatusCode::TEMPORARILY_UNAVAILABLE, &error.to_string()), now),
        }
    }

    /// The browser's provisional response. Its description, if any, is not for the PBX: nothing is sent to it early.
    pub(super) fn web_progresses(&mut self, id: MediaId, response: &Response, answer: Option<&str>, now: Instant) {
        let Some(Call { trunk: Some(trunk), stage, .. }) = self.calls.call_mut(id) else {
            return;
        };
        if let (Stage::Ringing { early, .. }, Some(web)) = (stage, answer.and_then(|sdp| WebSdp::answer(sdp).ok())) {
            *early = Some(Box::new(web));
        }
        let told = self.trunk.ring(*trunk, response.status, None, Vec::new(), now);
        Self::note(told, "ring");
    }

    /// The browser answered.
    pub(super) fn web_accepts(&mut self, id: MediaId, answer: Option<&str>, now: Instant) {
        self.calls.set_deadline(id, None);
        let Some(call) = self.calls.call_mut(id) else {
            return;
        };
        let Some(room) = call.room.clone() else {
            return;
        };
        let Stage::Ringing { offer, early } = core::mem::replace(&mut call.stage, Stage::Ending) else {
            return;
        };
        // What has been described while it rang, and perhaps changed by UPDATE, the 200 need not say again.
        match early.map_or_else(|| WebSdp::answer(answer.unwrap_or_default()), |early| Ok(*early)) {
            Ok(web) => self.connect_inbound(id, web, offer, &room, now),
            Err(fault) => self.abandon(id, not_acceptable(fault), now),
        }
    }

    fn connect_inbound(&mut self, id: MediaId, web: WebSdp, offer: Option<TrunkSdp>, room: &MediaRoom, now: Instant) {
        self.media(MediaCommand::Web { id, remote: web.remote.clone() });
        if let Some(trunk) = &offer {
            self.tell_trunk(id, trunk.remote.clone());
        }
        let Some(call) = self.calls.call_mut(id) else {
            return;
        };
        let wish = offer.as_ref().map_or(Direction::SENDRECV, |trunk| trunk.remote.direction);
        let told = Ways { web: wish.mirrored(), trunk: web.remote.direction.mirrored() };
        let sdp = call.described.trunk.next(id.0, |at| match &offer {
            Some(trunk) => trunk.write_answer(room.trunk, at, told.trunk.and(wish)),
            None => sdp_bridge::trunk_offer(room.trunk, &call.terms, at, told.trunk),
        });
        call.record.answered = Some(now);
        call.stage = Stage::Talking(Box::new(Talk::new(web, offer, told)));
        if let Some(trunk) = call.trunk {
            let told = self.trunk.accept(trunk, sdp, Vec::new(), now);
            Self::note(told, "accept");
        }
    }

    pub(super) fn refuse_trunk(&mut self, session: SessionId, refusal: Refusal, now: Instant) {
        let told = self.trunk.reject(session, refusal.status, refusal.reason, refusal.headers, now);
        Self::note(told, "reject");
    }
}

fn web_invite(request: &Request, callee: Callee, sdp: String) -> Invite {
    let from = request.headers.from().map_or_else(|_| NameAddr::from(request.uri.clone()), without_tag);
    Invite {
        target: callee.contact,
        flow: callee.flow,
        from,
        to: Some(NameAddr::from(callee.aor)),
        contact: None,
        route: Vec::new(),
        headers: forwarded(&request.headers),
        offer: Some(sdp),
        credentials: None,
        call_id: None,
        from_tag: None,
        cseq: None,
    }
}

fn forwarded(headers: &Headers) -> headers::Rows {
    let mut rows = headers::to_web_request(headers);
    rows.extend(routes::forwards(headers));
    rows
}
