//! Transfers across the legs (RFC 3515, RFC 3891, RFC 5589).
//!
//! A dialog has one name on the web leg and another on the trunk leg. Whatever names one — Replaces, Refer-To with
//! Replaces inside, the `id` of a NOTIFY's Event — is put into the words of the leg it goes to; a dialog that is none of
//! ours keeps its name, because then the PBX knows it. The PBX performs a browser's transfer, the browser a PBX's.

use super::B2bua;
use super::call::other;
use super::cause::Refusal;
use super::headers::{self, Rows};
use crate::media::control::{MediaId, Side};
use sip_core::SocketId;
use sip_core::agent::SessionId;
use sip_core::message::{
    HeaderName, Headers, Host, Method, NameAddr, ReferTo, Replaces, Request, StatusCode, StatusLine, Uri,
};
use std::collections::VecDeque;

/// REFERs of one call whose NOTIFYs are still told apart; older ones are forgotten.
const MAX_REFERS: usize = 8;
/// Who sent which browser where, for the INVITE that follows.
const MAX_SENDERS: usize = 1_000;
const SIPFRAG: &str = "message/sipfrag";
/// The host in our Contact on web legs.
pub(super) const WEB_HOST: &str = "relay.invalid";

/// A REFER that crossed: its number on the leg it came by, and on the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crossed {
    pub(super) side: Side,
    here: u32,
    pub(super) there: u32,
    /// Its last news have come.
    pub(super) is_told: bool,
}

/// The Referred-By values that browsers were told, so that none invents one.
#[derive(Debug, Default)]
pub(super) struct Senders(VecDeque<(SocketId, String)>);

impl Senders {
    fn note(&mut self, browser: SocketId, sender: &str) {
        if self.0.len() >= MAX_SENDERS {
            self.0.pop_front();
        }
        self.0.push_back((browser, sender.to_owned()));
    }

    fn knows(&self, browser: SocketId, sender: &str) -> bool {
        self.0.iter().any(|(socket, known)| *socket == browser && known == sender)
    }
}

/// What a request on one leg is on the other: headers, content type and content.
pub(super) type Crossing = (Rows, Option<(String, Vec<u8>)>);

impl B2bua {
    /// What a request inside a call carries over.
    ///
    /// # Errors
    /// The status for its sender.
    pub(super) fn crossing(&mut self, side: Side, id: MediaId, request: &Request) -> Result<Crossing, StatusCode> {
        match request.method {
            Method::Refer => self.refer_across(side, id, request).map(|rows| (rows, None)),
            Method::Notify if is_of_transfer(request) => self.news_across(side, id, request),
            _ => {
                let content_type = request.headers.get(&HeaderName::ContentType).unwrap_or_default().to_owned();
                let body = (!request.body.is_empty()).then(|| (content_type, request.body.clone()));
                Ok((headers::in_dialog_request(side, &request.headers), body))
            }
        }
    }

    /// A request has crossed: its numbers are noted where news of it will name them.
    pub(super) fn note_crossed(&mut self, side: Side, id: MediaId, session: SessionId, request: &Request) {
        if request.method != Method::Refer {
            return;
        }
        let there = self.agent(other(side)).session(session).and_then(|view| view.local_sequence);
        let here = request.headers.cseq().map(|cseq| cseq.number);
        if let (Some(there), Ok(here), Some(call)) = (there, here, self.calls.call_mut(id)) {
            if call.refers.len() >= MAX_REFERS {
                call.refers.remove(0);
            }
            call.refers.push(Crossed { side, here, there, is_told: false });
        }
    }

    fn refer_across(&mut self, side: Side, id: MediaId, request: &Request) -> Result<Rows, StatusCode> {
        let refer_to = ReferTo::read(&request.headers)?;
        let mut rows = headers::to_trunk_request(&request.headers);
        let refer_to = match side {
            Side::Web => self.refer_to_for_pbx(refer_to)?,
            Side::Trunk => self.refer_to_for_browser(refer_to),
        };
        rows.push((HeaderName::ReferTo, refer_to.to_string()));
        rows.extend(self.referred_by(side, id, &request.headers).map(|by| (HeaderName::ReferredBy, by)));
        rows.extend(headers::refer_sub(&request.headers));
        Ok(rows)
    }

    /// A browser says who it is by its account, not by its own words.
    fn referred_by(&mut self, side: Side, id: MediaId, headers: &Headers) -> Option<String> {
        let call = self.calls.call(id)?;
        if side == Side::Web {
            return call.aor.clone().map(|aor| NameAddr::new(aor).to_string());
        }
        let by = headers.get(&HeaderName::ReferredBy)?.to_owned();
        let browser = call.web.and_then(|web| self.web.session(web)).map(|view| view.flow.socket);
        if let Some(browser) = browser {
            self.senders.note(browser, &by);
        }
        Some(by)
    }

    fn refer_to_for_pbx(&self, refer_to: ReferTo) -> Result<ReferTo, StatusCode> {
        let ReferTo { target, replaces } = refer_to;
        let trunk = replaces.as_ref().and_then(|replaces| self.web.session_named(replaces));
        let trunk = trunk.and_then(|web| self.calls.of_leg(Side::Web, web)).and_then(|id| self.calls.call(id)?.trunk);
        let is_our_contact = matches!(&target.host, Host::Name(name) if name.eq_ignore_ascii_case(WEB_HOST));
        let target = match trunk.and_then(|trunk| self.trunk.session(trunk)?.remote_target.cloned()) {
            Some(contact) if is_our_contact => contact,
            _ if is_our_contact => return Err(StatusCode::NOT_FOUND),
            _ => target,
        };
        Ok(ReferTo { target, replaces: replaces.map(|replaces| self.replaces_for_pbx(replaces)) })
    }

    /// A dialog of a browser's by the name that the PBX has for it.
    fn replaces_for_pbx(&self, replaces: Replaces) -> Replaces {
        let call = self.web.session_named(&replaces).and_then(|web| self.calls.of_leg(Side::Web, web));
        let trunk = call.and_then(|id| self.calls.call(id)?.trunk);
        match trunk.and_then(|trunk| self.trunk.replaces(trunk)) {
            Some(named) => Replaces { early_only: replaces.early_only, ..named },
            None => replaces,
        }
    }

    /// The browser dials through us, so that a dialog's name stays the PBX's; but nobody dials our own Contact.
    fn refer_to_for_browser(&self, refer_to: ReferTo) -> ReferTo {
        let ReferTo { target, replaces } = refer_to;
        let named = replaces.as_ref().and_then(|replaces| self.trunk.session_named(replaces));
        let call = named.and_then(|trunk| self.calls.of_leg(Side::Trunk, trunk));
        let bound = target.user.as_deref().and_then(|token| self.bindings.binding(token)?.bound.as_deref());
        let aor = bound.map(|bound| bound.aor.clone()).or_else(|| call.and_then(|id| self.calls.call(id)?.aor.clone()));
        let target = aor.filter(|_| self.is_our_contact(&target)).unwrap_or(target);
        ReferTo { target, replaces }
    }

    fn is_our_contact(&self, uri: &Uri) -> bool {
        let port = uri.port.unwrap_or(5060);
        let locals = || self.config.sockets.iter().map(|socket| socket.local);
        locals().any(|local| uri.host.ip() == Some(local.ip()) && port == local.port())
    }

    /// News of a transfer: the number of the REFER on the other leg, and the status alone. What else a fragment may hold
    /// is the inside of the other side's house.
    fn news_across(&self, side: Side, id: MediaId, notify: &Request) -> Result<Crossing, StatusCode> {
        let event = notify.headers.parameterized(&HeaderName::Event).ok_or(StatusCode::BAD_EVENT)?;
        let number = event.params.get("id");
        let refers = self.calls.call(id).map_or(&[][..], |call| call.refers.as_slice());
        let is_it = |crossed: &&Crossed| {
            crossed.side == other(side) && number.is_none_or(|number| number.parse() == Ok(crossed.there))
        };
        let crossed = refers.iter().rev().find(is_it).ok_or(StatusCode::CALL_DOES_NOT_EXIST)?;
        let line = news(notify)?;
        let mut rows = vec![(HeaderName::Event, format!("refer;id={}", crossed.here))];
        rows.extend(state_of(notify, line.as_ref()).map(|state| (HeaderName::SubscriptionState, state)));
        Ok((rows, line.map(|line| (format!("{SIPFRAG};version=2.0"), line.to_string().into_bytes()))))
    }

    /// What a browser's INVITE says of a transfer, for the PBX.
    ///
    /// # Errors
    /// The refusal for the browser.
    pub(super) fn replaces_of_browser(&self, browser: SocketId, headers: &Headers) -> Result<Rows, Refusal> {
        let mut rows = Rows::new();
        if let Some(replaces) = read_replaces(headers)? {
            rows.push((HeaderName::Replaces, self.replaces_for_pbx(replaces).to_string()));
            rows.extend(required(headers));
        }
        let by = headers.get(&HeaderName::ReferredBy).filter(|by| self.senders.knows(browser, by));
        rows.extend(by.map(|by| (HeaderName::ReferredBy, by.to_owned())));
        Ok(rows)
    }

    /// The browser's dialog for the one of the PBX's that is to be replaced.
    pub(super) fn replaces_for_browser(&self, trunk: SessionId, headers: &Headers) -> Option<Rows> {
        let call = self.calls.call(self.calls.of_leg(Side::Trunk, trunk)?)?;
        let mut replaces = self.web.replaces(call.web?)?;
        replaces.early_only = read_replaces(headers).ok()??.early_only;
        let mut rows = vec![(HeaderName::Replaces, replaces.to_string())];
        rows.extend(required(headers));
        rows.extend(headers.get(&HeaderName::ReferredBy).map(|by| (HeaderName::ReferredBy, by.to_owned())));
        Some(rows)
    }
}

/// The one Replaces of an INVITE, if it has one.
pub(super) fn read_replaces(headers: &Headers) -> Result<Option<Replaces>, Refusal> {
    let malformed = || Refusal::new(StatusCode::BAD_REQUEST, "Unusable Replaces");
    let mut values = headers.get_all(&HeaderName::Replaces);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.parse().map(Some).map_err(|_| malformed()),
        _ => Err(malformed()),
    }
}

/// `Require: replaces`, where it was demanded.
fn required(headers: &Headers) -> Option<(HeaderName, String)> {
    let is_required = headers.require().iter().any(|tag| tag.eq_ignore_ascii_case("replaces"));
    is_required.then(|| (HeaderName::Require, "replaces".to_owned()))
}

/// The status in the news; none in those that only say how long they go on.
fn news(notify: &Request) -> Result<Option<StatusLine>, StatusCode> {
    if notify.body.is_empty() {
        return Ok(None);
    }
    if !notify.headers.content_type().is_some_and(|kind| kind.is(SIPFRAG)) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    StatusLine::parse(&notify.body).map(Some).ok_or(StatusCode::BAD_REQUEST)
}

/// SIP.js calls all of its news the last, and a PBX would believe that: only a final status ends them without a reason
/// (RFC 3515 §2.4.5).
fn state_of(notify: &Request, line: Option<&StatusLine>) -> Option<String> {
    let state = notify.headers.parameterized(&HeaderName::SubscriptionState)?;
    let goes_on = line.is_some_and(|line| line.status.is_provisional());
    if goes_on && state.is("terminated") && state.params.get("reason").is_none() {
        return Some("active;expires=60".to_owned());
    }
    notify.headers.get(&HeaderName::SubscriptionState).map(str::to_owned)
}

/// Whether a NOTIFY says how a transfer ended, or that nothing more is said.
pub(super) fn ends_news(notify: &Request) -> bool {
    let line = news(notify).ok().flatten();
    let state = notify.headers.parameterized(&HeaderName::SubscriptionState);
    let is_last = line.is_some_and(|line| line.status.is_final()) || state.is_some_and(|state| state.is("terminated"));
    is_of_transfer(notify) && is_last
}

fn is_of_transfer(notify: &Request) -> bool {
    notify.headers.parameterized(&HeaderName::Event).is_some_and(|event| event.is("refer"))
}
