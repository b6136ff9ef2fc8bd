//! A page that was loaded anew takes its call back: an INVITE whose Replaces (RFC 3891) names the web
//! leg that waits for a lost WebSocket. The new dialog takes that leg's place here, with other ICE credentials and
//! another DTLS session; the PBX hears and sees nothing of it.
//!
//! Both tags of the old dialog are the credential, and the account has to be the same. Where the browser was registered,
//! its new WebSocket must be, too: the PBX has then seen the password anew. A Replaces that names no leg of ours goes to
//! the PBX, which may know it (see [`transfers`](super::transfers)).

use super::B2bua;
use super::call::{Asked, Call, Crossing, Stage};
use super::cause::Refusal;
use super::headers;
use super::outbound::not_acceptable;
use super::registrar::aor_key;
use super::sdp_bridge::{SdpFault, WebSdp};
use super::transfers::{self, WEB_HOST};
use crate::media::control::{MediaId, Side};
use sip_core::Instant;
use sip_core::agent::SessionId;
use sip_core::message::{Host, Replaces, Request, StatusCode, Uri};

impl B2bua {
    /// The call whose web leg this browser's INVITE replaces; none where it is a call like any other.
    ///
    /// # Errors
    /// The refusal for the browser.
    pub(super) fn call_to_take(&self, web: SessionId, request: &Request) -> Result<Option<MediaId>, Refusal> {
        let Some(replaces) = transfers::read_replaces(&request.headers)? else { return Ok(None) };
        let Some(old) = self.web.session_named(&replaces).filter(|old| self.may_be_taken(*old, request)) else {
            return if is_for_us(request) { Err(gone()) } else { Ok(None) };
        };
        let id = self.calls.of_leg(Side::Web, old).ok_or_else(gone)?;
        let call = self.calls.call(id).ok_or_else(gone)?;
        self.judge_taker(call, web, &replaces, request).map(|()| Some(id))
    }

    /// Who still has its WebSocket decides for itself, unless the relay is asked by name.
    fn may_be_taken(&self, old: SessionId, request: &Request) -> bool {
        self.is_away(old) || is_for_us(request)
    }

    fn judge_taker(&self, call: &Call, web: SessionId, replaces: &Replaces, request: &Request) -> Result<(), Refusal> {
        let from = request.headers.from();
        let is_same = from.is_ok_and(|from| call.aor.as_ref().is_some_and(|aor| aor_key(aor) == aor_key(&from.uri)));
        // A guest has no account, and its token was spent on this call.
        let is_theirs = is_same || call.guest.is_some();
        if !is_theirs || (call.is_registered && !self.is_registered_on(web, call.aor.as_ref())) {
            return Err(Refusal::new(StatusCode::FORBIDDEN, "This Call Belongs To Another Account"));
        }
        match call.stage {
            Stage::Talking(_) if replaces.early_only => Err(Refusal::new(StatusCode::BUSY_HERE, "Busy Here")),
            Stage::Talking(_) if call.farewell.is_none() => Ok(()),
            _ => Err(gone()),
        }
    }

    /// Whether the browser of this leg has lost its WebSocket and may come back.
    pub(super) fn is_away(&self, web: SessionId) -> bool {
        self.web.session(web).is_some_and(|view| self.web.is_lost(view.flow.socket))
    }

    /// Whether the browser of this leg is registered there as `aor`.
    pub(super) fn is_registered_on(&self, web: SessionId, aor: Option<&Uri>) -> bool {
        let (Some(view), Some(aor)) = (self.web.session(web), aor.map(aor_key)) else { return false };
        self.bindings.bound_on(view.flow.socket).any(|bound| aor_key(&bound.aor) == aor)
    }

    /// Puts a browser's new dialog in the place of its old one.
    pub(super) fn take_over(
        &mut self,
        id: MediaId,
        web: SessionId,
        request: &Request,
        offer: Option<&str>,
        now: Instant,
    ) {
        let described = match offer.map_or(Err(SdpFault::NoAudio), WebSdp::offer) {
            Ok(described) => described,
            Err(fault) => return self.refuse_web(web, not_acceptable(fault), now),
        };
        tracing::info!(call = id.0, "a browser has come back to its call");
        self.drop_old_leg(id, now);
        self.calls.attach(id, Side::Web, web);
        if self.calls.call(id).is_some_and(|call| call.guest.is_some()) {
            self.keep_as_guest(self.web_socket_of(web));
        }
        if let Some(call) = self.calls.call_mut(id) {
            call.digits = headers::digits_taken(&request.headers);
            // News of them would name requests of the old dialog.
            call.refers.clear();
        }
        self.end_news(id);
        let waiting = self.end_crossing(id);
        let Some(answer) = self.agree(id, Side::Web, Asked::Web(described)) else { return };
        let told = self.web.accept(web, answer, Vec::new(), now);
        Self::note(told, "accept");
        if let Some(asked) = waiting {
            self.tell_asker(id, Side::Trunk, asked, None, now);
        }
    }

    /// The page that had it knows nothing of it any more, so nothing is said to a WebSocket that is lost.
    fn drop_old_leg(&mut self, id: MediaId, now: Instant) {
        let Some(old) = self.calls.call(id).and_then(|call| call.web) else { return };
        self.calls.detach(Side::Web, old);
        if self.is_away(old) {
            self.web.forget(old, now);
        } else {
            let told = self.web.hang_up(old, None, now);
            Self::note(told, "hang_up");
        }
    }

    /// Nobody answers what the old page was offered: the PBX, if it waits for that, is told what it asked for. What the
    /// old page had asked for is answered to nobody.
    fn end_crossing(&mut self, id: MediaId) -> Option<Asked> {
        let talk = self.talk(id)?;
        match talk.crossing.take().map(|crossing| *crossing) {
            Some(Crossing { target: Side::Web, asked, .. }) => {
                self.calls.set_deadline(id, None);
                asked
            }
            Some(crossing) => {
                talk.crossing = Some(Box::new(Crossing { asked: None, ..crossing }));
                None
            }
            None => None,
        }
    }
}

/// Whether a request names our Contact on web legs.
fn is_for_us(request: &Request) -> bool {
    matches!(&request.uri.host, Host::Name(name) if name.eq_ignore_ascii_case(WEB_HOST))
}

fn gone() -> Refusal {
    Refusal::new(StatusCode::CALL_DOES_NOT_EXIST, "No Call Waits Under This Name")
}
