//! A browser calls: its INVITE becomes an INVITE to the PBX.
//!
//! The browser's offer is answered as soon as there are ports, in a 183 while the far end rings, so that ICE and DTLS
//! are done before anybody speaks; every later response repeats that answer. An INVITE without credentials may be
//! challenged, so its answer waits for the PBX's first provisional response.

use super::B2bua;
use super::call::{
    Call, CallDirection, CallRecord, Calling, DescribedLegs, DigitsTaken, MediaRoom, Preparing, Stage, Talk, Ways,
};
use super::calls::Attempt;
use super::cause::Refusal;
use super::guests::Stay;
use super::headers;
use super::identity;
use super::routes::{self, NextHop, Route, Target};
use super::sdp_bridge::{self, SdpFault, TrunkSdp, WebSdp};
use super::transfers;
use crate::admission::Grant;
use crate::media::control::{Direction, IceCredentials, MediaCommand, MediaId, MediaReport, Side};
use sip_core::Instant;
use sip_core::agent::{Invite, SessionId};
use sip_core::message::{HeaderName, NameAddr, Request, Response, Scheme, StatusCode, Uri};
use std::collections::VecDeque;

/// What RFC 5009 calls it when an 18x with SDP has nothing to hear.
const NO_EARLY_MEDIA: &str = "inactive";
const EARLY_MEDIA: &str = "sendrecv";

/// An INVITE that may go on.
struct Admitted {
    offer: Option<WebSdp>,
    next_hop: NextHop,
    /// Of a guest.
    grant: Option<Grant>,
}

impl B2bua {
    /// The browser's INVITE.
    pub(super) fn web_calls(&mut self, session: SessionId, request: Box<Request>, offer: Option<&str>, now: Instant) {
        match self.call_to_take(session, &request) {
            Ok(Some(call)) => return self.take_over(call, session, &request, offer, now),
            Ok(None) => {}
            Err(refusal) => return self.refuse_web(session, refusal, now),
        }
        let mut request = request;
        match self.admit(session, &mut request, offer, now) {
            Ok(admitted) => self.prepare(session, request, admitted, now),
            Err(refusal) => self.refuse_web(session, refusal, now),
        }
    }

    /// What is wrong with an INVITE is told before a token is spent on it.
    fn admit(
        &mut self,
        session: SessionId,
        request: &mut Request,
        offer: Option<&str>,
        now: Instant,
    ) -> Result<Admitted, Refusal> {
        if self.calls.len() >= self.config.max_calls {
            return Err(busy());
        }
        routes::forwards(&request.headers)?;
        // The answer to a challenge is the same call's; one more is one more.
        if !self.calls.is_challenged_once(&attempt_of(request)) || !headers::has_credentials(&request.headers) {
            self.guard_drain()?;
            self.guard_call(self.web_socket_of(session), now)?;
        }
        let is_guest = self.is_by_guest(session, &request.headers);
        let hop_of_account = match is_guest {
            true => None,
            false => Some(self.next_hop(&request.uri).ok_or_else(no_such_domain)?),
        };
        transfers::read_replaces(&request.headers)?;
        let offer = offer.map(WebSdp::offer).transpose().map_err(not_acceptable)?;
        let (next_hop, grant) = match hop_of_account {
            Some(next_hop) => (next_hop, None),
            None => self.admit_guest(session, request, now).map(|(next_hop, grant)| (next_hop, Some(grant)))?,
        };
        Ok(Admitted { offer, next_hop, grant })
    }

    fn prepare(&mut self, web: SessionId, request: Box<Request>, admitted: Admitted, now: Instant) {
        let Admitted { offer, next_hop, grant } = admitted;
        let before = self.calls.challenged_at(&attempt_of(&request));
        let undecided = grant.clone().filter(|_| self.config.asks_about_guests).map(Box::new);
        let way = if undecided.is_some() { Route::Pending } else { self.route(next_hop, before, now) };
        let route = match way {
            Route::Targets(targets) => Some(targets),
            Route::Pending => None,
            Route::Nowhere(refusal) => {
                self.forgo(grant.as_ref());
                return self.refuse_web(web, refusal, now);
            }
        };
        let mut call = self.new_call(CallDirection::Outbound, &request, now);
        call.guest = grant.as_ref().map(Stay::of);
        call.record.site = grant.as_ref().map(|grant| grant.party.site.clone());
        let id = call.media;
        call.web = Some(web);
        call.aor = request.headers.from().ok().map(NameAddr::into_uri);
        call.is_registered = self.is_registered_on(web, call.aor.as_ref());
        if route.is_none() && undecided.is_none() {
            self.wayless.push(call.media);
        }
        let asked = grant.filter(|_| undecided.is_some());
        call.stage = Stage::Preparing(Box::new(Preparing { request, offer, next_hop, route, told: None, undecided }));
        self.open(call);
        self.guest_rings(id, now);
        if let Some(grant) = asked {
            self.ask_about(id, &grant);
        }
    }

    /// A call without legs; its stage is the caller's to set.
    pub(super) fn new_call(&mut self, direction: CallDirection, request: &Request, now: Instant) -> Call {
        let media = self.calls.next_id();
        let party = request.headers.from().map(|from| from.uri.to_string());
        let record = CallRecord {
            id: media,
            direction,
            site: None,
            from: party.unwrap_or_default(),
            to: request.uri.to_string(),
            started: now,
            answered: None,
            ended: now,
            ended_by: None,
            status: None,
            reason: String::new(),
            report: MediaReport::default(),
        };
        let ice = IceCredentials { ufrag: self.entropy.token(8), pwd: self.entropy.token(26) };
        Call {
            media,
            direction,
            web: None,
            trunk: None,
            stage: Stage::Ending,
            ice,
            room: None,
            terms: self.config.terms(None, &mut self.entropy),
            deadline: None,
            described: DescribedLegs::default(),
            farewell: None,
            is_trunk_told: false,
            digits: match direction {
                CallDirection::Outbound => headers::digits_taken(&request.headers),
                // Its answer will say.
                CallDirection::Inbound => DigitsTaken::Heard,
            },
            is_media_closed: false,
            guess: None,
            guest: None,
            aor: None,
            is_registered: direction == CallDirection::Inbound,
            refers: Vec::new(),
            news: None,
            elsewhere: Vec::new(),
            fault: None,
            record,
        }
    }

    pub(super) fn open(&mut self, call: Call) {
        self.media(MediaCommand::Open { id: call.media, local: call.ice.clone() });
        self.calls.insert(call);
    }

    /// The DNS has answered: calls whose way is known go on.
    pub(super) fn calls_resolved(&mut self, now: Instant) {
        for id in core::mem::take(&mut self.wayless) {
            let Some(Call { stage: Stage::Preparing(preparing), .. }) = self.calls.call(id) else { continue };
            let (hop, before) = (preparing.next_hop, self.calls.challenged_at(&attempt_of(&preparing.request)));
            match self.route(hop, before, now) {
                Route::Targets(targets) => self.find_way(id, targets, now),
                Route::Pending => self.wayless.push(id),
                Route::Nowhere(refusal) => self.abandon(id, refusal, now),
            }
        }
    }

    pub(super) fn find_way(&mut self, id: MediaId, targets: VecDeque<Target>, now: Instant) {
        if let Some(Call { stage: Stage::Preparing(preparing), .. }) = self.calls.call_mut(id) {
            preparing.route = Some(targets);
            self.dial_if_ready(id, now);
        }
    }

    /// Calls the PBX once its addresses and our ports are known.
    pub(super) fn dial_if_ready(&mut self, id: MediaId, now: Instant) {
        let Some(call) = self.calls.call_mut(id) else {
            return;
        };
        let (Some(room), Stage::Preparing(preparing)) = (&mut call.room, &call.stage) else { return };
        let Some(target) = preparing.route.as_ref().and_then(VecDeque::front).copied() else { return };
        if room.trunk.is_ipv4() != target.address.is_ipv4() {
            return self.move_media(id, target.address);
        }
        call.terms = self.config.terms(Some(target.gateway.trunk), &mut self.entropy);
        room.opus = call.terms.opus();
        let room = room.clone();
        let Stage::Preparing(mut preparing) = core::mem::replace(&mut call.stage, Stage::Ending) else { return };
        preparing.route.as_mut().map(VecDeque::pop_front);
        self.dial(id, *preparing, &room, target, now);
    }

    fn dial(&mut self, id: MediaId, preparing: Preparing, room: &MediaRoom, target: Target, now: Instant) {
        let Preparing { request, offer, next_hop, route, told, .. } = preparing;
        if headers::has_credentials(&request.headers)
            && let Err(refusal) = self.guard_guess_of(id, now)
        {
            return self.abandon(id, refusal, now);
        }
        let attempt = attempt_of(&request);
        let trunk = self.trunk_identity(&attempt, now);
        let Some(call) = self.calls.call_mut(id) else {
            return;
        };
        let direction = offer.as_ref().map_or(Direction::SENDRECV, |offer| offer.remote.direction);
        let is_told = told.is_some();
        let answer = told.unwrap_or_else(|| call.describe_to_browser(offer.as_ref(), room));
        let write = |at| sdp_bridge::trunk_offer(room.trunk, &call.terms, at, direction.mirrored());
        let sdp = call.described.trunk.next(id.0, write);
        let browser = call.web.and_then(|web| self.web.session(web)).map(|view| view.flow.socket);
        let mut invite = self.trunk_invite(&request, target, &trunk, sdp);
        let caller = identity::preferred(&request.headers).unwrap_or_else(|| invite.from.clone());
        invite.route = self.service_route(id, &caller);
        let is_own = |uri: &Uri| browser.is_some_and(|browser| self.is_bound_on(browser, uri));
        invite.headers.extend(identity::to_trunk(&request.headers, is_own));
        let rows = browser.and_then(|browser| self.replaces_of_browser(browser, &request.headers).ok());
        invite.headers.extend(rows.unwrap_or_default());
        invite.credentials = self.credentials_for(id, target.gateway.trunk);
        let invite = self.fit(invite, target);
        let untold = offer.as_ref().filter(|_| !is_told).map(|offer| offer.remote.clone());
        let (route, has_credentials) = (route.unwrap_or_default(), headers::has_credentials(&request.headers));
        let offered = direction.mirrored();
        let calling =
            Calling { answer, offer, untold, early: None, offered, attempt, trunk, request, next_hop, target, route };
        match self.trunk.invite(invite, now) {
            Ok(session) => {
                self.calls.attach(id, Side::Trunk, session);
                self.set_stage(id, Stage::Calling(Box::new(calling)));
                self.watch(id, now);
                if has_credentials && !is_told {
                    self.progress(id, StatusCode::SESSION_PROGRESS, now);
                }
            }
            Err(error) => self.abandon(id, Refusal::new(StatusCode::SERVER_INTERNAL_ERROR, &error.to_string()), now),
        }
    }

    /// A new trunk leg's Call-ID, From tag and CSeq; those of the challenged one where this attempt continues it.
    pub(super) fn trunk_identity(&mut self, attempt: &Attempt, now: Instant) -> (String, String, u32) {
        match self.calls.recall(attempt, now) {
            Some(challenged) => (challenged.call_id, challenged.from_tag, challenged.cseq.saturating_add(1)),
            None => (self.entropy.token(26), self.entropy.token(12), 1),
        }
    }

    fn trunk_invite(&self, request: &Request, target: Target, trunk: &(String, String, u32), sdp: String) -> Invite {
        let from = request.headers.from().map_or_else(|_| NameAddr::from(request.uri.clone()), without_tag);
        let user = from.uri.user_text().unwrap_or_else(|| "switchhook".to_owned());
        let (call_id, from_tag, cseq) = trunk.clone();
        let mut rows = headers::to_trunk_request(&request.headers);
        rows.extend(self.config.pass_headers.rows(Side::Web, &request.headers));
        rows.extend(routes::forwards(&request.headers));
        let mut contact = self.contact_on(target.socket, &user);
        if request.uri.scheme == Scheme::Sips {
            contact.scheme = Scheme::Sips;
        }
        Invite {
            target: routes::without_routing(&request.uri),
            flow: target.flow(),
            contact: Some(contact),
            from: routes::address_without_routing(from),
            to: request.headers.to().ok().map(routes::address_without_routing),
            route: Vec::new(),
            headers: rows,
            offer: Some(sdp),
            credentials: None,
            call_id: Some(call_id),
            from_tag: Some(from_tag),
            cseq: Some(cseq),
        }
    }

    /// The PBX's provisional response.
    pub(super) fn trunk_progresses(&mut self, id: MediaId, response: &Response, answer: Option<&str>, now: Instant) {
        if let Some(sdp) = answer.and_then(|sdp| TrunkSdp::answer(sdp, &self.terms(id)).ok()) {
            self.tell_trunk(id, sdp.remote.clone());
            if let Some(Call { stage: Stage::Calling(calling), .. }) = self.calls.call_mut(id) {
                calling.early = Some(sdp);
            }
        }
        self.settle_on_target(id, now);
        self.progress(id, response.status, now);
    }

    /// Tells the browser how far the call is, with our answer and whether there is something to hear.
    fn progress(&mut self, id: MediaId, status: StatusCode, now: Instant) {
        let Some(Call { web: Some(web), stage: Stage::Calling(calling), .. }) = self.calls.call(id) else {
            return;
        };
        let early = if calling.early.is_some() { EARLY_MEDIA } else { NO_EARLY_MEDIA };
        let rows = vec![(HeaderName::PEarlyMedia, early.to_owned())];
        let (web, answer) = (*web, calling.answer.clone());
        self.expect_browser(id);
        let told = self.web.ring(web, status, Some(answer), rows, now);
        Self::note(told, "ring");
    }

    /// The browser is about to get our answer: media may wait for it now.
    fn expect_browser(&mut self, id: MediaId) {
        let Some(Call { stage: Stage::Calling(calling), .. }) = self.calls.call_mut(id) else { return };
        if let Some(remote) = calling.untold.take() {
            self.media(MediaCommand::Web { id, remote });
        }
    }

    /// The PBX answered.
    pub(super) fn trunk_accepts(&mut self, id: MediaId, answer: Option<&str>, now: Instant) {
        self.settle_on_target(id, now);
        self.expect_browser(id);
        let terms = self.terms(id);
        let Some(call) = self.calls.call_mut(id) else {
            return;
        };
        let Stage::Calling(calling) = core::mem::replace(&mut call.stage, Stage::Ending) else {
            return;
        };
        let early = || calling.early.clone().ok_or(SdpFault::NoAudio);
        let described = answer.map_or_else(early, |sdp| TrunkSdp::answer(sdp, &terms));
        match described {
            Ok(trunk) => self.connect(id, *calling, trunk, now),
            Err(fault) => self.abandon(id, not_acceptable(fault), now),
        }
    }

    fn connect(&mut self, id: MediaId, calling: Calling, trunk: TrunkSdp, now: Instant) {
        self.tell_trunk(id, trunk.remote.clone());
        let Some(call) = self.calls.call_mut(id) else {
            return;
        };
        call.record.answered = Some(now);
        call.stage = match calling.offer {
            Some(web) => {
                let told = Ways { web: Direction::SENDRECV, trunk: calling.offered };
                Stage::Talking(Box::new(Talk::new(web, Some(trunk), told)))
            }
            None => Stage::Describing(Box::new(trunk)),
        };
        if let Some(web) = call.web {
            let told = self.web.accept(web, calling.answer, Vec::new(), now);
            Self::note(told, "accept");
        }
        self.guest_talks(id, now);
    }

    pub(super) fn refuse_web(&mut self, session: SessionId, refusal: Refusal, now: Instant) {
        let told = self.web.reject(session, refusal.status, refusal.reason, refusal.headers, now);
        Self::note(told, "reject");
    }
}

pub(super) fn attempt_of(request: &Request) -> Attempt {
    let call_id = request.headers.call_id().unwrap_or_default().to_owned();
    let tag = request.headers.from().ok().and_then(|from| from.tag().map(str::to_owned));
    (call_id, tag.unwrap_or_default())
}

pub(super) fn without_tag(mut party: NameAddr) -> NameAddr {
    party.params.remove("tag");
    party
}

fn no_such_domain() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "No PBX Serves This Domain")
}

pub(super) fn busy() -> Refusal {
    let mut refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "All Lines Are Busy");
    refusal.headers.push((HeaderName::RetryAfter, "10".to_owned()));
    refusal
}

/// 488 with a Warning (RFC 3261 §20.43) that says what is wrong with the description.
pub(super) fn not_acceptable(fault: SdpFault) -> Refusal {
    let mut refusal = Refusal::new(StatusCode::NOT_ACCEPTABLE_HERE, "Not Acceptable Here");
    refusal.headers.push((HeaderName::Warning, format!("399 switchhook \"{}\"", fault.text())));
    refusal
}
